"""Generate sample letters in parallel and write them as files, JSON lines or a table."""

from __future__ import annotations

import gzip
import hashlib
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from imr_ml.errors import ImrError
from imr_ml.files import atomic_write
from imr_ml.sample.formats import lay_out
from imr_ml.sample.letters import make_parts, truth_rows, truth_schema
from imr_ml.sample.model import default_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from imr_ml.progress import Progress
    from imr_ml.sample.formats import Parts

Made = TypeVar("Made")

_LINES, _PACKED_LINES, _TABLE = ".jsonl", ".jsonl.gz", ".parquet"
_OTHER_FILES = (".csv", ".gz", ".json", ".pdf", ".txt", ".zip")
_LETTERS_AT_ONCE = 250
# Starting processes takes about as long as making so many chunks.
_CHUNKS_WORTH_A_PROCESS = 8


def write_samples(directory: Path, n: int, seed: int, pdf: bool = False, progress: Progress | None = None) -> int:
    """Write the letters (seed, 0) to (seed, n - 1) into a folder, made where missing; files of a name are replaced.

    Parameters
    ----------
    pdf : bool
        Write PDF files in place of text files.
    progress : callable, optional
        Called with the number of letters written since its last call.

    Returns
    -------
    int
        Number of letters written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for start in range(0, n, _LETTERS_AT_ONCE):
        stop = min(start + _LETTERS_AT_ONCE, n)
        _write_files([make_parts(seed, index)[0] for index in range(start, stop)], directory, pdf)
        if progress:
            progress(stop - start)
    return n


def truth_path(output: Path) -> Path:
    """Where `write_output` puts what is true of the letters: beside them, never among them."""
    name = output.name
    for suffix in (_PACKED_LINES, _LINES, _TABLE):
        name = name.removesuffix(suffix)
    return output.with_name(f"{name}.truth.parquet")


def write_output(
    output: Path, n: int, seed: int, *, pdf: bool = False, jobs: int = 1, progress: Progress | None = None
) -> Path:
    """Write the letters (seed, 0) to (seed, n - 1), and beside them what is true of them.

    Parameters
    ----------
    output : Path
        By its ending: ``.jsonl`` or ``.jsonl.gz`` for a letter a line, with ``file`` and ``text``; ``.parquet`` for the
        requests table that reading the text files would give; else a new or empty folder of letters.
    jobs : int
        Processes; -1 takes all cores. What is written is the same with any number.

    Returns
    -------
    Path
        The table of what is true; see `truth_schema` and `imr_ml.evaluation.reachable.best_reachable`.

    Raises
    ------
    ImrError
        Where the output can't be what its name says, or is a folder that holds something.
    """
    import pyarrow.parquet as pq

    _check(output, pdf)
    make = _maker(output, pdf)
    with (
        atomic_write(truth_path(output)) as temporary,
        pq.ParquetWriter(temporary, truth_schema(), compression="zstd") as truth,
    ):
        made = _noted(_chunks(make, n, seed, jobs), truth, n, progress)
        if output.name.endswith(_TABLE):
            _write_table(made, output)
        elif output.name.endswith((_LINES, _PACKED_LINES)):
            _write_lines(made, output)
        else:
            for _ in made:
                pass
    return truth_path(output)


def _check(output: Path, pdf: bool) -> None:
    is_file = output.name.endswith((_LINES, _PACKED_LINES, _TABLE))
    if is_file and pdf:
        raise ImrError(f"{output}: PDFs go into a folder; name one, or leave --pdf out")
    if is_file and output.is_dir():
        raise ImrError(f"{output}: is a folder; name a file")
    if not is_file and output.suffix.lower() in _OTHER_FILES:
        raise ImrError(f"{output}: name a new folder, or a file ending in {_LINES}, {_PACKED_LINES} or {_TABLE}")
    if not is_file and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ImrError(f"{output}: exists and is not an empty folder; name another")


def _maker(output: Path, pdf: bool) -> Callable[[list[Parts]], object]:
    """What is made of a chunk of letters, in the process that makes them."""
    if output.name.endswith(_TABLE):
        return _requests
    if output.name.endswith(_LINES):
        return _json_lines
    if output.name.endswith(_PACKED_LINES):
        return _packed_lines
    output.mkdir(parents=True, exist_ok=True)
    return partial(_write_files, directory=output, pdf=pdf)


def _chunks(make: Callable[[list[Parts]], Made], n: int, seed: int, jobs: int) -> Iterator[tuple[Made, pa.Table]]:
    """What is made of each chunk of letters and what is true of them, in order."""
    starts = range(0, n, _LETTERS_AT_ONCE)
    work = [(make, seed, start, min(start + _LETTERS_AT_ONCE, n)) for start in starts]
    if jobs == 1 or len(work) < _CHUNKS_WORTH_A_PROCESS:
        return (_chunk(*each) for each in work)
    from joblib import Parallel, delayed

    made: Iterator[tuple[Made, pa.Table]] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_chunk)(*each) for each in work
    )
    return made


def _chunk(make: Callable[[list[Parts]], Made], seed: int, start: int, stop: int) -> tuple[Made, pa.Table]:
    import pyarrow as pa

    letters = [make_parts(seed, index)[0] for index in range(start, stop)]
    model = default_model()
    rows = [row for parts in letters for row in truth_rows(parts.case_number, parts.facts, model)]
    return make(letters), pa.Table.from_pylist(rows, schema=truth_schema())


def _noted(chunks: Iterable[tuple[Made, pa.Table]], truth: object, n: int, progress: Progress | None) -> Iterator[Made]:
    """The chunks, with what is true of them written."""
    for number, (made, true) in enumerate(chunks):
        truth.write_table(true)  # type: ignore[attr-defined]
        yield made
        if progress:
            progress(min(_LETTERS_AT_ONCE, n - number * _LETTERS_AT_ONCE))


def _write_lines(chunks: Iterable[object], output: Path) -> None:
    with atomic_write(output) as temporary, temporary.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)  # type: ignore[arg-type]


def _write_table(chunks: Iterator[object], output: Path) -> None:
    import pyarrow as pa

    from imr_ml.corpus.store import write_parts

    frames: Iterator[pd.DataFrame] = chunks  # type: ignore[assignment]
    first = next(frames)
    write_parts(chain([first], frames), pa.Schema.from_pandas(first, preserve_index=False), output)


def _write_files(letters: list[Parts], directory: Path, pdf: bool) -> None:
    for parts in letters:
        if pdf:
            from imr_ml.sample.pdf import render_pdf

            (directory / f"{parts.case_number}.pdf").write_bytes(render_pdf(parts))
        else:
            (directory / _file_name(parts)).write_text(lay_out(parts), encoding="utf-8", newline="\n")


def _json_lines(letters: list[Parts]) -> bytes:
    import orjson

    lines = (orjson.dumps({"file": _file_name(parts), "text": lay_out(parts)}) for parts in letters)
    return b"".join(line + b"\n" for line in lines)


def _packed_lines(letters: list[Parts]) -> bytes:
    """A gzip member of its own; members one after the other are a gzip file."""
    return gzip.compress(_json_lines(letters), compresslevel=1, mtime=0)


def _requests(letters: list[Parts]) -> pd.DataFrame:
    from imr_ml.corpus.table import ReadLetter, build_requests
    from imr_ml.sample.as_read import letter_as_read

    return build_requests(
        ReadLetter(letter_as_read(parts), _file_name(parts), hashlib.sha256(lay_out(parts).encode()).hexdigest())
        for parts in letters
    )


def _file_name(parts: Parts) -> str:
    return f"{parts.case_number}.txt"
