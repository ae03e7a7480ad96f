"""Manage the work folder of a batch: job identity, finished parts, lock and output formats.

A part is a piece of the input, scored. It is there whole or not at all, so a job that was killed at any moment goes
on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from imr_ml.corpus.schema import SchemaError
from imr_ml.errors import ImrError
from imr_ml.files import atomic_write, locked

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter


_JOB, _LOCK = "job.json", "lock"
_MIXED = b"imr_ml.json"


class JobError(ImrError):
    """An output that another process writes, or whose unfinished job is another one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PartSummary:
    """What one part holds.

    Attributes
    ----------
    size : int
        How many requests or letters of the input it is of.
    rows, errors : int
    by_outcome : dict of int
        Rows by predicted outcome.
    reasons : dict of int
        Rows by what is wrong with them.
    warnings : dict of int
        Cells that count as missing because they could not be read, by column.
    in_training : int
        Rows of cases that the model was trained on.
    rejected_lines : list of dict
        Lines that are not rows, each with ``line``, ``text`` and ``reason``.
    """

    size: int
    rows: int
    errors: int
    by_outcome: dict[str, int]
    reasons: dict[str, int]
    warnings: dict[str, int] = field(default_factory=dict)
    in_training: int = 0
    rejected_lines: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def work_folder(output: Path, job: dict[str, Any], *, resume: bool) -> Iterator[Path]:
    """The folder of an output's parts, held by this process alone; it goes when the block ends without error.

    Parameters
    ----------
    output : Path
    job : dict
        All that the result depends on, as JSON values.
    resume : bool
        Whether to go on with a job that was not finished.

    Raises
    ------
    JobError
        Where another process holds it, an unfinished job is there and shall not be gone on with, or is another one.
    """
    folder = output.with_name(f"{output.name}.parts")
    folder.mkdir(parents=True, exist_ok=True)
    busy = JobError(f"{output}: another process is writing it; wait for it or choose another name")
    with locked(folder / _LOCK, busy):
        try:
            _begin(folder, output, job, resume=resume)
            yield folder
            _clear(folder)
        finally:
            # Without a job that could be gone on with, nothing of the folder is worth keeping.
            if not (folder / _JOB).exists():
                _clear(folder)
                (folder / _LOCK).unlink(missing_ok=True)
                folder.rmdir()


def part_file(folder: Path, place: int) -> Path:
    """Where the part of a place, counted from 0, stands."""
    return folder / f"{place:08d}.parquet"


def write_part(path: Path, scored: pd.DataFrame, summary: PartSummary) -> None:
    """Write a part, then its summary, which says that it is whole.

    Parameters
    ----------
    path : Path
    scored : DataFrame
    summary : PartSummary
    """
    import pandas as pd
    import pyarrow.parquet as pq

    # Values of several types in a column, as JSON lines may hold, have no type in Parquet.
    mixed = [str(name) for name, kind in scored.dtypes.items() if pd.api.types.is_object_dtype(kind)]
    as_json = {name: scored[name].map(_as_json).astype("string") for name in mixed}
    table = _arrow_table(scored.assign(**as_json))
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _MIXED: json.dumps(mixed).encode()})
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(asdict(summary)), encoding="utf-8")


def read_part(path: Path) -> pd.DataFrame:
    """The scored rows of a part."""
    import pandas as pd
    import pyarrow.parquet as pq

    from imr_ml.tables.parquet_files import frame_of

    table = pq.read_table(path)
    frame = frame_of(table)
    mixed = json.loads((table.schema.metadata or {}).get(_MIXED, b"[]"))
    for name in mixed:
        frame[name] = pd.Series([_of_json(value) for value in frame[name]], index=frame.index, dtype="object")
    return frame


def read_summary(path: Path) -> PartSummary | None:
    """What a part holds; None where it is not finished."""
    summary_file = path.with_suffix(".json")
    return PartSummary(**json.loads(summary_file.read_text("utf-8"))) if summary_file.is_file() else None


def finished(folder: Path) -> list[PartSummary]:
    """What the finished parts of a folder hold, in any order."""
    summaries = (read_summary(summary_file) for summary_file in folder.glob("[0-9]*.json"))
    return [summary for summary in summaries if summary]


def _begin(folder: Path, output: Path, job: dict[str, Any], *, resume: bool) -> None:
    job_file = folder / _JOB
    if not job_file.exists():
        _clear(folder)
        with atomic_write(job_file) as temporary:
            temporary.write_text(json.dumps(job), encoding="utf-8")
        return
    if not resume:
        raise JobError(f"{output}: was not finished; go on with --resume, or delete {folder} to begin anew")
    before = json.loads(job_file.read_text("utf-8"))
    differ = sorted(name for name in {*before, *job} if before.get(name) != job.get(name))
    if differ:
        raise JobError(f"{output}: was begun with other {', '.join(differ)}; delete {folder} to begin anew")


def _clear(folder: Path) -> None:
    """Remove all but the lock, the job last."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name == _JOB):
        if file.name != _LOCK:
            file.unlink()


def _as_json(value: object) -> str | None:
    return None if value is None or value != value else json.dumps(value, default=str)


def _of_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else None


OUTPUT_SUFFIXES = (".csv", ".jsonl", ".parquet")
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection); a plain number is none.
_FORMULA = r"^(?=[=+\-@\t\r])(?![+-]?\d+(?:[.,]\d+)*$)"


def check_output(path: Path) -> None:
    """Check that an output's name tells a format that can be written.

    Raises
    ------
    SchemaError
        Where it tells none.
    """
    if path.suffix.lower() not in OUTPUT_SUFFIXES:
        raise SchemaError(f"{path}: can't be written; end its name in {', '.join(OUTPUT_SUFFIXES)}")


@contextmanager
def chunk_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that appends chunks; the file appears when the block ends without error.

    A CSV's text cell that a spreadsheet would run as a formula gets an apostrophe before it. JSON lines and Parquet
    hold every value exactly.

    Raises
    ------
    SchemaError
        For an output of no known format.
    """
    check_output(path)
    suffix = path.suffix.lower()
    with atomic_write(path) as temporary:
        if suffix == ".parquet":
            with _parquet_writer(temporary) as write:
                yield write
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                yield _text_writer(file, _csv if suffix == ".csv" else lambda chunk, _: json_lines(chunk))


def _text_writer(file: TextIO, text_of: Callable[[pd.DataFrame, bool], str]) -> Callable[[pd.DataFrame], None]:
    def write(chunk: pd.DataFrame) -> None:
        file.write(text_of(chunk, not file.tell()))

    return write


def safe_cells(chunk: pd.DataFrame) -> pd.DataFrame:
    """The chunk with an apostrophe before every text that a spreadsheet would run as a formula."""
    import pandas as pd

    texts = {
        str(name): values.astype("string").str.replace(_FORMULA, "'", regex=True).where(values.notna(), values)
        for name, values in chunk.items()
        if pd.api.types.is_string_dtype(values) or pd.api.types.is_object_dtype(values)
    }
    return chunk.assign(**texts).rename(columns=lambda name: f"'{name}" if str(name)[:1] in tuple("=+-@") else name)


def _csv(chunk: pd.DataFrame, first: bool) -> str:
    import pandas as pd

    nested = [name for name, kind in chunk.dtypes.items() if isinstance(kind, pd.ArrowDtype) and _needs_json(kind)]
    as_text = {str(name): chunk[name].map(_as_json_text, na_action="ignore").astype("string") for name in nested}
    text: str = safe_cells(chunk.assign(**as_text)).to_csv(index=False, header=first, lineterminator="\n")
    return text


def _needs_json(kind: pd.ArrowDtype) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_nested(kind.pyarrow_dtype) or pa.types.is_binary(kind.pyarrow_dtype))


def _as_json_text(value: object) -> str:
    text = _plain(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=_plain)
    return str(text)


def json_lines(chunk: pd.DataFrame) -> str:
    """Rows as JSON lines."""
    rows = chunk.astype("object").where(chunk.notna(), None).to_dict("records")
    return "".join(f"{json.dumps(row, ensure_ascii=False, default=_plain)}\n" for row in rows)


def _plain(value: object) -> object:
    """A value of a type that JSON lacks: a date as ISO 8601, bytes as text, an array as a list."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    for name in ("isoformat", "tolist"):
        if hasattr(value, name):
            return getattr(value, name)()
    return str(value)


def _arrow_table(frame: pd.DataFrame) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    # pandas cannot read its own description of Arrow's nested types.
    has_arrow_types = any(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)
    return table.replace_schema_metadata(None) if has_arrow_types else table


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    import pandas as pd
    import pyarrow.parquet as pq

    opened: list[ParquetWriter] = []

    def write(chunk: pd.DataFrame) -> None:
        # Whatever a column of mixed values holds in this chunk, it shall have one type in all of them.
        mixed = [name for name, kind in chunk.dtypes.items() if pd.api.types.is_object_dtype(kind)]
        table = _arrow_table(chunk.astype(dict.fromkeys(mixed, "string")))
        if not opened:
            opened.append(pq.ParquetWriter(path, table.schema, compression="zstd"))
        opened[0].write_table(table.cast(opened[0].schema))

    try:
        yield write
    finally:
        for writer in opened:
            writer.close()
