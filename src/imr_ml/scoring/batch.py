"""Score an input of any size into a file: in parts, on all cores, resumable."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.score_columns import ScoreOptions
from imr_ml.scoring.frame import check_columns
from imr_ml.scoring.inputs import InputSummary, case_rows_of, pieces, started, survey
from imr_ml.scoring.parts import (
    JobError,
    PartSummary,
    check_output,
    chunk_writer,
    finished,
    part_file,
    read_part,
    read_summary,
    work_folder,
)
from imr_ml.scoring.working import Task, score_part, score_piece

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel
    from imr_ml.progress import Progress, StartProgress

# Below so many requests a second process would cost more to start than it saves.
_WORTH_A_PROCESS = {"requests": 20_000, "letters": 1_000}
REASONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a batch is scored; none of it changes a score.

    Attributes
    ----------
    columns : dict of str to str
        The contract's name of a column -> the input's, for those that are called otherwise.
    jobs : int or None
        Processes; None takes all cores where the input is large enough to gain by it.
    report : Path or None
        Where to write a page to look at.
    resume : bool
        Go on with a job that was killed.
    rows_at_once : int
        Rows in memory, a process.
    """

    columns: dict[str, str] = field(default_factory=dict)
    jobs: int | None = None
    report: Path | None = None
    resume: bool = False
    rows_at_once: int = 2000


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What scoring a batch gave.

    Attributes
    ----------
    rows, errors : int
    by_outcome : dict of int
        Rows by predicted outcome.
    reasons : dict of int
        Rows by what is wrong with them, the most frequent ones.
    resumed : int
        Rows that an earlier, unfinished call had scored.
    """

    rows: int
    errors: int
    by_outcome: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    resumed: int = 0


def score_file(
    source: Path,
    output: Path,
    model: LoadedModel,
    options: ScoreOptions | None = None,
    settings: BatchSettings | None = None,
    progress: StartProgress | None = None,
) -> BatchSummary:
    """Score every row of `source` into `output`, which appears when all is done.

    Parameters
    ----------
    source : Path
        A table of any known format, or a folder or zip file of letters.
    output : Path
        Its suffix tells the format. Until it is done, its parts stand beside it in a folder.
    progress : callable, optional
        Called with a description and a total; gives what is called with each step.

    Raises
    ------
    SchemaError
        For an input or output that is no known table, or one that lacks a required column.
    FileNotFoundError
        For an input that does not exist.
    JobError
        For an output that another process writes, or that an unfinished job is kept of.
    """
    options, settings = options or ScoreOptions(), settings or BatchSettings()
    check_output(output)
    with tempfile.TemporaryDirectory() as scratch:
        found = survey(source, settings.columns, Path(scratch))
        check_columns(list(found.columns), str(source), settings.columns)
        task = Task(model.folder, options, settings.columns, found.columns)
        with work_folder(output, _job(source, task, model, settings), resume=settings.resume) as folder:
            before = finished(folder)
            step = started(progress, "scoring", found)
            step(sum(part.size for part in before))
            parts = _scored_parts(source, found, folder, task, model, settings, step)
            # Put together within the folder, so that a kill leaves nothing beside it.
            with chunk_writer(folder / output.name) as write:
                for part in parts:
                    write(read_part(part))
            (folder / output.name).replace(output)
            if settings.report:
                from imr_ml.reporting.batch_page.facts import ReportFacts
                from imr_ml.reporting.batch_page.writing import write_report

                facts = ReportFacts.of(source.name, model, datetime.now(UTC), options.coverage, settings.columns)
                write_report(map(read_part, parts), settings.report, facts)
            return _total(finished(folder), resumed=sum(part.rows for part in before))


def _scored_parts(
    source: Path,
    found: InputSummary,
    folder: Path,
    task: Task,
    model: LoadedModel,
    settings: BatchSettings,
    step: Progress,
) -> list[Path]:
    """Score the pieces that have no part yet; all parts, in order."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def waiting() -> Iterator[Any]:
        for place, piece in enumerate(pieces(source, found, settings.rows_at_once)):
            parts.append(part := part_file(folder, place))
            if read_summary(part) is None:
                yield delayed(score)(task, piece, case_rows_of(piece, found, task.columns), part)

    parts = list[Path]()
    jobs = _jobs(found, settings)
    score = partial(score_part, parent=os.getpid()) if jobs > 1 else partial(score_piece, model)
    run = Parallel(jobs, return_as="generator_unordered", max_nbytes=None, batch_size=1)
    try:
        for summary in run(waiting()):
            step(summary.size)
    except TerminatedWorkerError:
        raise JobError(
            "a process was ended from outside, maybe for want of memory; what is done is kept: go on with --resume, "
            "and with fewer --jobs"
        ) from None
    return parts


def _jobs(found: InputSummary, settings: BatchSettings) -> int:
    if settings.jobs is not None:
        return settings.jobs
    return (os.cpu_count() or 1) if found.total >= _WORTH_A_PROCESS[found.unit] else 1


def _job(source: Path, task: Task, model: LoadedModel, settings: BatchSettings) -> dict[str, Any]:
    """All that the output depends on."""
    return {
        "version of imr-ml": version("imr-ml"),
        "model": model.version,
        "input": _fingerprint(source),
        "options": asdict(task.options),
        "map": task.columns,
        "rows at once": settings.rows_at_once,
    }


def _fingerprint(source: Path) -> str:
    """Digest of the names, sizes and times of the input's files; their content is read once only, for the scores."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    digest = hashlib.sha256(str(source.resolve()).encode())
    for file in files:
        found = file.stat()
        digest.update(f"{file.relative_to(source)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _total(parts: list[PartSummary], resumed: int) -> BatchSummary:
    outcomes, reasons = Counter[str](), Counter[str]()
    for part in parts:
        outcomes.update(part.by_outcome)
        reasons.update(part.reasons)
    rows, errors = (sum(getattr(part, name) for part in parts) for name in ("rows", "errors"))
    return BatchSummary(rows, errors, dict(outcomes), dict(reasons.most_common(REASONS_SHOWN)), resumed)
