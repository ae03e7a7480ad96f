"""Score an input of any size into a file: in parts, on all cores, resumable."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.corpus.mapping import ColumnMapping, describe_columns
from imr_ml.files import atomic_write
from imr_ml.progress import silent
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.frame import check_columns
from imr_ml.scoring.inputs import Input, open_input, read_chunks, sample_rows
from imr_ml.scoring.output import check_output, chunk_writer
from imr_ml.scoring.parts import JobError, PartSummary, finished, part_file, read_part, read_summary, work_folder
from imr_ml.scoring.working import Task, score_chunk, score_part

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel
    from imr_ml.progress import Progress, StartProgress

# Below so many requests a second process would cost more to start than it saves.
_WORTH_A_PROCESS = {"requests": 20_000, "letters": 1_000}
REASONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a batch is read and scored.

    Attributes
    ----------
    mapping : ColumnMapping
        The user's names of columns and values.
    jobs : int or None
        Processes; None uses all cores if the input is large enough to gain by it.
    report : Path or None
        Where to write a page to look at.
    resume : bool
        Continue an interrupted job.
    rows_at_once : int
        Rows in memory per process.
    sheet : str or None
        Sheet of a workbook; None reads the first visible one.
    ocr : bool
        Whether pages of letters that are pictures are read by OCR.
    replace : bool
        Drop the columns of a former scoring, instead of refusing to overwrite them.
    """

    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    jobs: int | None = None
    report: Path | None = None
    resume: bool = False
    rows_at_once: int = 2000
    sheet: str | None = None
    ocr: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """Counts of a scored batch.

    Attributes
    ----------
    rows, errors : int
        Rows of the output, and those that could not be scored.
    by_outcome : dict of int
        Rows by predicted outcome.
    reasons : dict of int
        Rows by what is wrong with them, the most frequent reasons.
    resumed : int
        Rows that an earlier, interrupted call had scored.
    warnings : dict of int
        Cells that count as missing because they could not be read, by column.
    rejected_lines : int
        Lines of the input that are not rows; `rejects_file` lists them.
    notes : tuple of str
        How the input was read, where that is not the usual way, and files that were skipped.
    in_training : int
        Rows of cases that the model was trained on.
    """

    rows: int
    errors: int
    by_outcome: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    resumed: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    rejected_lines: int = 0
    notes: tuple[str, ...] = ()
    in_training: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every line of the input is a row and at least one row was scored."""
        return not self.rejected_lines and self.errors < self.rows


def rejects_file(output: Path) -> Path:
    """Where the lines that are not rows are listed, as JSON lines."""
    return output.with_name(f"{output.name}.rejects.jsonl")


def score_file(
    source: Path,
    output: Path,
    model: LoadedModel,
    options: ScoreOptions | None = None,
    settings: BatchSettings | None = None,
    start: StartProgress = silent,
) -> BatchSummary:
    """Score every row of `source` into `output`, which appears when all is done.

    Parameters
    ----------
    source : Path
        A table of any known format, or a folder or zip file of letters.
    output : Path
        Its suffix decides the format. Until it is done, its parts are beside it in a folder.
    model : LoadedModel
    options : ScoreOptions, optional
    settings : BatchSettings, optional
    start : callable, optional
        Starts the progress bar.

    Raises
    ------
    SchemaError
        For an input or output that is not a known table, or an input that lacks a required column.
    FileNotFoundError
        For an input that does not exist.
    JobError
        For an output that another process writes, or of which an interrupted job is left.
    """
    options, settings = options or ScoreOptions(), settings or BatchSettings()
    check_output(output)
    with tempfile.TemporaryDirectory() as scratch:
        opened = open_input(source, settings.mapping, Path(scratch), settings.sheet, ocr=settings.ocr)
        opened = _with_columns(opened, drop_scores=settings.replace)
        check_columns(list(opened.columns), str(source), opened.mapping.columns, lambda: sample_rows(opened))
        task = Task(model.folder, options, opened.mapping, opened.columns, opened.styles)
        with work_folder(output, _job(source, task, model, settings), resume=settings.resume) as folder:
            before = finished(folder)
            step = start(f"scoring {opened.unit}", opened.total)
            step(sum(part.size for part in before))
            parts = _score_parts(opened, folder, task, model, settings, step)
            # Put together within the folder, so that a kill leaves nothing beside it.
            with chunk_writer(folder / output.name) as write:
                for part in parts:
                    write(read_part(part))
            summary = _total(finished(folder), opened, resumed=sum(part.rows for part in before))
            _write_rejects(parts, rejects_file(output))
            (folder / output.name).replace(output)
            if settings.report:
                from imr_ml.reporting.batch_page.totals import ReportFacts
                from imr_ml.reporting.batch_page.writing import write_report

                facts = ReportFacts.from_model(
                    source.name, model, datetime.now(UTC), options.coverage, opened.mapping.columns
                )
                write_report(map(read_part, parts), settings.report, facts)
            return summary


def _score_parts(
    opened: Input, folder: Path, task: Task, model: LoadedModel, settings: BatchSettings, step: Progress
) -> list[Path]:
    """Score the chunks that have no part yet; return all parts, in order."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def waiting() -> Iterator[Any]:
        for place, chunk in enumerate(read_chunks(opened, settings.rows_at_once)):
            parts.append(part := part_file(folder, place))
            if read_summary(part) is None:
                yield delayed(score)(task, chunk, part)

    parts = list[Path]()
    jobs = _jobs(opened, settings)
    score = partial(score_part, parent=os.getpid()) if jobs > 1 else partial(score_chunk, model)
    run = Parallel(jobs, return_as="generator_unordered", max_nbytes=None, batch_size=1)
    try:
        for summary in run(waiting()):
            step(summary.size)
    except TerminatedWorkerError:
        raise JobError(
            "a process was ended from outside, maybe for want of memory; what is done is kept: continue with --resume "
            "and fewer --jobs"
        ) from None
    return parts


def _with_columns(opened: Input, *, drop_scores: bool) -> Input:
    """The input with the columns that are to be written, and a note on how they are used."""
    if opened.table is None:
        return opened
    dropped = [name for name in opened.columns if name in SCORE_COLUMNS] if drop_scores else []
    columns = tuple(name for name in opened.columns if name not in dropped)
    notes = describe_columns(columns, opened.mapping)
    notes += [f"{len(dropped)} column(s) of a former scoring replaced"] if dropped else []
    return replace(opened, columns=columns, notes=(*opened.notes, *notes))


def _write_rejects(parts: list[Path], path: Path) -> None:
    summaries = filter(None, map(read_summary, parts))
    lines = [line for summary in summaries for line in summary.rejected_lines]
    if not lines:
        path.unlink(missing_ok=True)
        return
    with atomic_write(path) as temporary:
        temporary.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")


def _jobs(opened: Input, settings: BatchSettings) -> int:
    if settings.jobs is not None:
        return settings.jobs
    return (os.cpu_count() or 1) if opened.total >= _WORTH_A_PROCESS[opened.unit] else 1


def _job(source: Path, task: Task, model: LoadedModel, settings: BatchSettings) -> dict[str, Any]:
    """All that the output depends on."""
    return {
        "version of imr-ml": version("imr-ml"),
        "model": model.version,
        "input": _fingerprint(source),
        "options": asdict(task.options),
        "map": task.mapping.model_dump(),
        "sheet": settings.sheet,
        "ocr": settings.ocr,
        "replace": settings.replace,
        "rows at once": settings.rows_at_once,
    }


def _fingerprint(source: Path) -> str:
    """Digest of the names, sizes and times of the input's files; their content is read once only, for the scores."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    digest = hashlib.sha256(str(source.resolve()).encode())
    for file in files:
        state = file.stat()
        digest.update(f"{file.relative_to(source)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _total(parts: list[PartSummary], opened: Input, resumed: int) -> BatchSummary:
    outcomes, reasons, warnings = Counter[str](), Counter[str](), Counter[str]()
    for part in parts:
        outcomes.update(part.by_outcome)
        reasons.update(part.reasons)
        warnings.update(part.warnings)
    return BatchSummary(
        rows=sum(part.rows for part in parts),
        errors=sum(part.errors for part in parts),
        by_outcome=dict(outcomes),
        reasons=dict(reasons.most_common(REASONS_SHOWN)),
        resumed=resumed,
        warnings=dict(warnings.most_common(REASONS_SHOWN)),
        rejected_lines=sum(len(part.rejected_lines) for part in parts),
        notes=opened.notes,
        in_training=sum(part.in_training for part in parts),
    )
