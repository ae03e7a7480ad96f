"""What to train on: the letters or table that the user names, else `data/raw`, else the sample corpus.

Knows the project's data folders. Says in one line which it took.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.dmhc import SOURCE, UNIT, is_determinations, read_determinations
from imr_ml.corpus.ingestion import Ingested, ingest, letter_files, write_rejects
from imr_ml.corpus.schema import SchemaError, require_columns, validate_requests
from imr_ml.corpus.store import read_requests, write_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.tables.formats import TABLE_SUFFIXES, is_table

if TYPE_CHECKING:
    import pandas as pd

RAW = Path("data/raw")
SAMPLE = Path("data/sample")
PROCESSED = Path("data/processed")
SAMPLE_LETTERS = 1000
SAMPLE_SEED = 7

Progress = Callable[[int], object]
StartProgress = Callable[[str, int], Progress]
"""(what is done, how many) -> a function to call with each step."""


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """The requests to train on and one line about where they come from."""

    requests: pd.DataFrame
    told: str


def training_table(data: Path | None, start: StartProgress) -> TrainingTable:
    """Requests to train on, validated and completed.

    Parameters
    ----------
    data : Path or None
        A folder of letters, a requests table or the DMHC's determinations; None takes the letters in ``data/raw``, and
        where there are none the sample corpus, which is written to ``data/sample`` first.
    start : callable
        Starts the progress bar of a long step.

    Raises
    ------
    SchemaError
        For a folder without letters that can be read or a file that is no requests table.
    FileNotFoundError
        For a path that does not exist.
    """
    if data is None:
        if not (RAW.is_dir() and letter_files([RAW])):
            return _sample_table(start)
        data = RAW
    if is_determinations(data):
        return _determinations_table(data, start)
    if is_table(data):
        table = validate_requests(read_requests(data), str(data))
        return TrainingTable(complete_requests(table), f"training on the requests table {data}")
    if data.is_file():
        raise SchemaError(f"{data}: give a folder of letters or a table ({', '.join(TABLE_SUFFIXES)})")
    return _letters_table(data, start)


def _letters_table(folder: Path, start: StartProgress) -> TrainingTable:
    read = ingest_folder([folder], PROCESSED / "requests.parquet", start)
    told = f"training on {read.letters} letters from {folder} ({len(read.requests)} requests)"
    if read.rejects:
        told += f"; {len(read.rejects)} file(s) not used, see {PROCESSED / 'rejects.jsonl'}"
    return TrainingTable(read.requests, told)


def _determinations_table(file: Path, start: StartProgress) -> TrainingTable:
    read = read_determinations(file, start(f"reading {UNIT}", 0))
    told = f"training on {read.letters} {UNIT} of the DMHC from {file}"
    if read.rejects:
        write_rejects(read.rejects, PROCESSED / "rejects.jsonl")
        told += f"; {len(read.rejects)} row(s) not used, see {PROCESSED / 'rejects.jsonl'}"
    return TrainingTable(read.requests, told)


def _sample_table(start: StartProgress) -> TrainingTable:
    from imr_ml.corpus.sample import write_samples

    if not (SAMPLE.is_dir() and letter_files([SAMPLE])):
        write_samples(SAMPLE, SAMPLE_LETTERS, SAMPLE_SEED, progress=start("writing sample letters", SAMPLE_LETTERS))
    table = _letters_table(SAMPLE, start)
    return TrainingTable(
        table.requests,
        f"no letters in {RAW}: using the SAMPLE corpus, so every figure below is SYNTHETIC; "
        f"for real ones put letters (.pdf, .txt) into {RAW} or name them: make train DATA=path",
    )


def ingest_folder(
    paths: list[Path], output: Path, start: StartProgress, *, jobs: int = -1, append: bool = False
) -> Ingested:
    """Read letters, or the DMHC's determinations, into the table `output`, with ``rejects.jsonl`` beside it.

    Parameters
    ----------
    jobs : int
        Processes to read with; -1 takes all cores.
    append : bool
        Keep the rows of `output`, where it exists, and add those of letters that it lacks.

    Returns
    -------
    Ingested
        What was read now; its `requests` are the new rows.

    Raises
    ------
    SchemaError
        Where there is no letter, or none that can be read, and where letters and determinations would be mixed;
        nothing is written then but the rejects.
    """
    tables = [path for path in paths if is_determinations(path)]
    if tables:
        if len(tables) < len(paths):
            raise SchemaError(
                "letters and determinations of the DMHC go into tables of their own: ingest one at a time"
            )
        return _ingest_determinations(tables, output, start, append=append)
    files = letter_files(paths)
    named = ", ".join(map(str, paths))
    if not files:
        raise SchemaError(f"{named}: holds no letter (.pdf or .txt)")
    known = validate_requests(read_requests(output), str(output)) if append and output.exists() else None
    if known is not None:
        require_columns(known, ("letter_sha256",), str(output))
    read = ingest(files, start("reading letters", len(files)), jobs=jobs, known=known)
    rejects = output.with_name("rejects.jsonl")
    write_rejects(read.rejects, rejects)
    if not read.letters and known is None:
        raise SchemaError(f"{named}: none of {len(files)} file(s) is a letter that can be read; see {rejects}")
    write_requests(read.requests if known is None else _appended(known, read.requests), output)
    return read


def _ingest_determinations(tables: list[Path], output: Path, start: StartProgress, *, append: bool) -> Ingested:
    import pandas as pd

    known = validate_requests(read_requests(output), str(output)) if append and output.exists() else None
    if known is not None and not ("source" in known and known["source"].eq(SOURCE).all()):
        raise SchemaError(
            f"{output}: holds requests that are not the DMHC's; give its determinations a table of their own"
        )
    cases = set() if known is None else set(known["case_number"])
    reads: list[Ingested] = []
    for table in tables:
        reads.append(read_determinations(table, start(f"reading {UNIT}", 0), known=cases))
        cases |= set(reads[-1].requests["case_number"])
    read = Ingested(
        requests=pd.concat([each.requests for each in reads], ignore_index=True),
        letters=sum(each.letters for each in reads),
        rejects=tuple(reject for each in reads for reject in each.rejects),
        skipped=sum(each.skipped for each in reads),
        unit=UNIT,
    )
    rejects = output.with_name("rejects.jsonl")
    write_rejects(read.rejects, rejects)
    if not read.letters and known is None:
        raise SchemaError(f"{', '.join(map(str, tables))}: holds no row that can be used; see {rejects}")
    write_requests(read.requests if known is None else _appended(known, read.requests), output)
    return read


def _appended(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([known, new], ignore_index=True) if len(new) else known
