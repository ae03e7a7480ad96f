"""Manage the work folder of a batch: job identity, finished parts, lock and output formats.

A part is a piece of the input, scored. It is there whole or not at all, so a job that was killed at any moment goes
on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.errors import ImrError
from imr_ml.files import atomic_write, locked
from imr_ml.scoring.output import arrow_table

if TYPE_CHECKING:
    import pandas as pd


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
    table = arrow_table(scored.assign(**as_json))
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
