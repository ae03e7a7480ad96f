"""Generate sample letters in parallel and write them as files, JSON lines or a table."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from imr_ml.corpus.store import write_parts
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.errors import ImrError
from imr_ml.files import atomic_write
from imr_ml.guidelines.types import FAMILIES
from imr_ml.progress import Progress
from imr_ml.sample.citing import family_probabilities
from imr_ml.sample.facts import LetterFacts
from imr_ml.sample.letters import SampleLetter, generate_letter, letter_as_read
from imr_ml.sample.model import Format, default_model
from imr_ml.sample.rendering import render_pdf, render_text

_TABLE = ".parquet"
_FILE_ENDINGS = (".jsonl", ".jsonl.gz", _TABLE)
_OTHER_ENDINGS = (".csv", ".gz", ".json", ".pdf", ".txt", ".zip")
_TEXTS = ("format", "category", "treatment", "kind", "body_part", "signals", "outcome", "families")
_NUMBERS = ("p_overturned", *(f"p_{family}" for family in FAMILIES))
LETTERS_PER_CHUNK = 250
# Starting processes takes about as long as generating this many chunks.
_MIN_CHUNKS_FOR_PROCESSES = 8


def write_samples(directory: Path, n: int, seed: int, pdf: bool = False, progress: Progress | None = None) -> None:
    """Write letters 0 to ``n - 1`` of a seed into a folder; it is created if missing, and existing files are replaced.

    Parameters
    ----------
    directory : Path
    n : int
        Number of letters.
    seed : int
        Identifies the corpus.
    pdf : bool
        Write PDF files instead of text files.
    progress : callable, optional
        Called with the number of letters since its last call.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for chunk in _split_chunks(n, LETTERS_PER_CHUNK):
        _write_files([generate_letter(seed, index) for index in chunk], directory, pdf)
        if progress:
            progress(len(chunk))


def truth_schema() -> pa.Schema:
    """Return the columns of the ground truth and their types.

    ``p_overturned`` is the probability of an overturned denial and ``p_<family>`` that of citing the family, given all
    facts that the letter states before the decision. ``signals`` lists the signals in the record.
    """
    fields = [("case_number", pa.string()), ("item", pa.int16())]
    fields += [(name, pa.string()) for name in _TEXTS] + [(name, pa.float64()) for name in _NUMBERS]
    return pa.schema(fields)


def truth_rows(case_number: str, facts: LetterFacts) -> Iterator[dict[str, object]]:
    """Yield the ground truth of a letter, one row per item."""
    present = "|".join(name for name, is_present in facts.signals.items() if is_present)
    for number, item in enumerate(facts.items, start=1):
        decided = facts.items[0] if facts.format is Format.PROFESSIONAL_REVIEW else item
        cited = family_probabilities(decided, facts, default_model().citing)
        yield {
            "case_number": case_number,
            "item": number,
            "format": facts.format.value,
            "category": item.treatment.category,
            "treatment": item.treatment.name,
            "kind": item.treatment.kind,
            "body_part": item.region.name,
            "signals": present,
            "outcome": item.outcome,
            "families": "|".join(family for family in FAMILIES if family in item.families),
            "p_overturned": item.p_overturned,
        } | {f"p_{family}": round(p, 6) for family, p in zip(FAMILIES, cited, strict=True)}


def truth_path(output: Path) -> Path:
    """Return the path of the ground truth, beside the output of `write_output`."""
    return output.with_name(f"{output.name.removesuffix(_file_ending(output))}.truth.parquet")


def write_output(
    output: Path,
    n: int,
    seed: int,
    *,
    pdf: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
    chunk_size: int = LETTERS_PER_CHUNK,
) -> Path:
    """Write letters 0 to ``n - 1`` of a seed, and their ground truth beside them.

    Parameters
    ----------
    output : Path
        ``.jsonl`` or ``.jsonl.gz``: one letter a line, with ``file`` and ``text``; ``.parquet``: the requests table of
        the text files; else a new or empty folder of letters.
    n : int
        Number of letters.
    seed : int
        Identifies the corpus.
    pdf : bool
        Write PDF files instead of text files; the output must be a folder.
    jobs : int
        Processes; -1 uses all cores. The output is the same with any number.
    progress : callable, optional
        Called with the number of letters since its last call.
    chunk_size : int
        Number of letters in memory.

    Returns
    -------
    Path
        The ground truth; see `truth_schema` and `imr_ml.evaluation.comparison.best_reachable`.

    Raises
    ------
    ImrError
        If the output can't have this name, or is a folder with content.
    """
    _check_output(output, pdf)
    encode = _choose_encoder(output, pdf)
    chunks = _split_chunks(n, chunk_size)
    with (
        atomic_write(truth_path(output)) as temporary,
        pq.ParquetWriter(temporary, truth_schema(), compression="zstd") as truth,
    ):

        def contents() -> Iterator[Any]:
            for chunk, (content, rows) in zip(chunks, _encode_chunks(encode, chunks, seed, jobs), strict=True):
                truth.write_table(rows)
                yield content
                if progress:
                    progress(len(chunk))

        _write_contents(contents(), output)
    return truth_path(output)


def _file_ending(output: Path) -> str:
    """Return the ending that selects the kind of file; empty for a folder."""
    return next((ending for ending in _FILE_ENDINGS if output.name.endswith(ending)), "")


def _check_output(output: Path, pdf: bool) -> None:
    is_file = bool(_file_ending(output))
    if is_file and pdf:
        raise ImrError(f"{output}: PDF files need a folder; name one, or leave out --pdf")
    if is_file and output.is_dir():
        raise ImrError(f"{output}: is a folder; name a file")
    if not is_file and output.suffix.lower() in _OTHER_ENDINGS:
        endings = "{}, {} or {}".format(*_FILE_ENDINGS)
        raise ImrError(f"{output}: name a new folder, or a file ending in {endings}")
    if not is_file and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ImrError(f"{output}: exists and is not an empty folder; name another")


def _choose_encoder(output: Path, pdf: bool) -> Callable[[list[SampleLetter]], object]:
    """Choose the function that encodes a chunk of letters for the output, in the process that generates them."""
    if ending := _file_ending(output):
        return {".jsonl": _encode_lines, ".jsonl.gz": _compress_lines, _TABLE: _build_table}[ending]
    output.mkdir(parents=True, exist_ok=True)
    return partial(_write_files, directory=output, pdf=pdf)


def _split_chunks(n: int, size: int) -> list[range]:
    return [range(start, min(start + size, n)) for start in range(0, n, size)]


def _encode_chunks(
    encode: Callable[[list[SampleLetter]], object], chunks: list[range], seed: int, jobs: int
) -> Iterable[tuple[object, pa.Table]]:
    """Encode each chunk of letters with its ground truth, in order."""
    if jobs == 1 or len(chunks) < _MIN_CHUNKS_FOR_PROCESSES:
        return (_encode_chunk(encode, chunk, seed) for chunk in chunks)
    from joblib import Parallel, delayed

    work = (delayed(_encode_chunk)(encode, chunk, seed) for chunk in chunks)
    encoded: Iterable[tuple[object, pa.Table]] = Parallel(n_jobs=jobs, return_as="generator")(work)
    return encoded


def _encode_chunk(encode: Callable[[list[SampleLetter]], object], chunk: range, seed: int) -> tuple[object, pa.Table]:
    letters = [generate_letter(seed, index) for index in chunk]
    rows = [row for letter in letters for row in truth_rows(letter.case_number, letter.facts)]
    return encode(letters), pa.Table.from_pylist(rows, schema=truth_schema())


def _write_contents(contents: Iterator[Any], output: Path) -> None:
    if output.name.endswith(_TABLE):
        first: pd.DataFrame = next(contents)
        write_parts(chain([first], contents), pa.Schema.from_pandas(first, preserve_index=False), output)
    elif _file_ending(output):
        with atomic_write(output) as temporary, temporary.open("wb") as file:
            file.writelines(contents)
    else:
        # The encoder writes the files.
        for _ in contents:
            pass


def _write_files(letters: list[SampleLetter], directory: Path, pdf: bool) -> None:
    for letter in letters:
        if pdf:
            (directory / f"{letter.case_number}.pdf").write_bytes(render_pdf(letter))
        else:
            (directory / _file_name(letter)).write_text(render_text(letter), encoding="utf-8", newline="\n")


def _encode_lines(letters: list[SampleLetter]) -> bytes:
    lines = (orjson.dumps({"file": _file_name(letter), "text": render_text(letter)}) for letter in letters)
    return b"".join(line + b"\n" for line in lines)


def _compress_lines(letters: list[SampleLetter]) -> bytes:
    """Compress lines to a gzip member; concatenated members are a gzip file."""
    return gzip.compress(_encode_lines(letters), compresslevel=1, mtime=0)


def _build_table(letters: list[SampleLetter]) -> pd.DataFrame:
    return build_requests(
        ReadLetter(letter_as_read(letter), _file_name(letter), hashlib.sha256(render_text(letter).encode()).hexdigest())
        for letter in letters
    )


def _file_name(letter: SampleLetter) -> str:
    return f"{letter.case_number}.txt"
