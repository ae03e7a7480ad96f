"""Manage the work folder of a batch: job identity, finished parts and lock.

A part contains the scored rows of one input chunk. Parts are written atomically, so an interrupted job can be resumed.
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
    """The job cannot start or continue; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class PartSummary:
    """Counts of one part.

    Attributes
    ----------
    size : int
        Number of requests or letters of the input.
    rows, errors : int
        Scored rows, and rows that could not be scored.
    by_outcome : dict of int
        Number of rows by predicted outcome.
    reasons : dict of int
        Number of rows by error.
    warnings : dict of int
        Number of cells by column that could not be parsed and count as missing.
    in_training : int
        Rows of cases that the model was trained on.
    rejected_lines : list of dict
        Input lines that are not rows, each with ``line``, ``text`` and ``reason``.
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
    """Create and lock the folder for an output's parts; remove it if the block ends without error.

    Parameters
    ----------
    output : Path
    job : dict
        Everything that the output depends on, as JSON values.
    resume : bool
        Whether to continue an unfinished job.

    Raises
    ------
    JobError
        If another process has locked the folder, or it contains an unfinished job that differs or must not be resumed.
    """
    folder = output.with_name(f"{output.name}.parts")
    folder.mkdir(parents=True, exist_ok=True)
    busy = JobError(f"{output}: another process is writing it; wait for it or choose another name")
    with locked(folder / _LOCK, busy):
        try:
            _start_job(folder, output, job, resume=resume)
            yield folder
            _clear(folder)
        finally:
            # Without a job to resume, the folder is not needed.
            if not (folder / _JOB).exists():
                _clear(folder)
                (folder / _LOCK).unlink(missing_ok=True)
                folder.rmdir()


def part_file(folder: Path, number: int) -> Path:
    """Return the path of the part with a number, counted from 0."""
    return folder / f"{number:08d}.parquet"


def write_part(path: Path, scored: pd.DataFrame, summary: PartSummary) -> None:
    """Write a part, then its summary, which marks it as finished.

    Parameters
    ----------
    path : Path
    scored : DataFrame
    summary : PartSummary
    """
    import pandas as pd
    import pyarrow.parquet as pq

    # JSON lines may contain columns of mixed types, for which Parquet has no type.
    mixed = [str(name) for name, kind in scored.dtypes.items() if pd.api.types.is_object_dtype(kind)]
    as_json = {name: scored[name].map(_as_json).astype("string") for name in mixed}
    table = arrow_table(scored.assign(**as_json))
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _MIXED: json.dumps(mixed).encode()})
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(asdict(summary)), encoding="utf-8")


def read_part(path: Path) -> pd.DataFrame:
    """Read the scored rows of a part."""
    import pandas as pd
    import pyarrow.parquet as pq

    from imr_ml.tables.parquet_files import frame_of

    table = pq.read_table(path)
    frame = frame_of(table)
    mixed = json.loads((table.schema.metadata or {}).get(_MIXED, b"[]"))
    for name in mixed:
        frame[name] = pd.Series([_from_json(value) for value in frame[name]], index=frame.index, dtype="object")
    return frame


def read_summary(path: Path) -> PartSummary | None:
    """Read the summary of a part; None if it is not finished."""
    summary_file = path.with_suffix(".json")
    return PartSummary(**json.loads(summary_file.read_text("utf-8"))) if summary_file.is_file() else None


def finished_parts(folder: Path) -> list[PartSummary]:
    """Read the summaries of all finished parts of a folder, in any order."""
    summaries = (read_summary(summary_file) for summary_file in folder.glob("[0-9]*.json"))
    return [summary for summary in summaries if summary]


def _start_job(folder: Path, output: Path, job: dict[str, Any], *, resume: bool) -> None:
    job_file = folder / _JOB
    if not job_file.exists():
        _clear(folder)
        with atomic_write(job_file) as temporary:
            temporary.write_text(json.dumps(job), encoding="utf-8")
        return
    if not resume:
        raise JobError(f"{output}: an unfinished job exists; continue with --resume, or delete {folder} to start again")
    previous = json.loads(job_file.read_text("utf-8"))
    changes = sorted(name for name in {*previous, *job} if previous.get(name) != job.get(name))
    if changes:
        raise JobError(f"{output}: the unfinished job has other {', '.join(changes)}; delete {folder} to start again")


def _clear(folder: Path) -> None:
    """Remove all files except the lock; the job file last."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name == _JOB):
        if file.name != _LOCK:
            file.unlink()


def _as_json(value: object) -> str | None:
    return None if value is None or value != value else json.dumps(value, default=str)


def _from_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else None
