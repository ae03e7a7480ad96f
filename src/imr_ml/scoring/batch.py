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
from imr_ml.progress import no_progress
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.frame import check_columns
from imr_ml.scoring.inputs import Input, open_input, read_chunks, sample_rows
from imr_ml.scoring.output import check_output, chunk_writer
from imr_ml.scoring.parts import JobError, PartSummary, finished_parts, part_file, read_part, read_summary, work_folder
from imr_ml.scoring.working import Task, score_chunk, score_part

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel
    from imr_ml.progress import Progress, StartProgress

# Inputs at least this large are scored in parallel; for smaller ones, starting processes costs more than it saves.
_PARALLEL_FROM = {"requests": 20_000, "letters": 1_000}
REASONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Settings for reading and scoring a batch.

    Attributes
    ----------
    mapping : ColumnMapping
        Maps the user's names of columns and values.
    jobs : int or None
        Number of processes; None uses all cores for large inputs, else one process.
    report : Path or None
        Path of an HTML report to write.
    resume : bool
        Continue an interrupted job.
    rows_at_once : int
        Rows that a process scores at a time.
    sheet : str or None
        Sheet of a workbook; None for the first visible one.
    ocr : bool
        Read scanned pages of letters by OCR.
    replace : bool
        Replace the columns of an earlier scoring instead of refusing the input.
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
        Rows of the output, and rows that could not be scored.
    by_outcome : dict of int
        Number of rows by predicted outcome.
    reasons : dict of int
        Number of rows by error, for the most frequent errors.
    resumed : int
        Rows that an earlier, interrupted job had scored.
    warnings : dict of int
        Number of cells by column that could not be parsed and count as missing.
    rejected_lines : int
        Input lines that are not rows; the file `rejects_file` lists them.
    notes : tuple of str
        Unusual ways in which the input was read, and skipped files.
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
        """Whether every input line is a row and at least one row was scored."""
        return not self.rejected_lines and self.errors < self.rows


def rejects_file(output: Path) -> Path:
    """Return the path of the JSON lines file that lists input lines that are not rows."""
    return output.with_name(f"{output.name}.rejects.jsonl")


def score_file(
    source: Path,
    output: Path,
    model: LoadedModel,
    options: ScoreOptions | None = None,
    settings: BatchSettings | None = None,
    start: StartProgress = no_progress,
) -> BatchSummary:
    """Score every row of `source` into `output`, which is created when all rows are scored.

    Parameters
    ----------
    source : Path
        A table of any known format, or a folder or zip file of letters.
    output : Path
        File to write; its suffix determines the format. Unfinished parts are stored in a folder beside it.
    model : LoadedModel
    options : ScoreOptions, optional
    settings : BatchSettings, optional
    start : callable, optional
        Starts the progress bar.

    Raises
    ------
    SchemaError
        If the format of input or output is unknown, or a required column is missing.
    FileNotFoundError
        If the input does not exist.
    JobError
        If another process is writing the output, or an interrupted job exists and can't or must not be resumed.
    """
    options, settings = options or ScoreOptions(), settings or BatchSettings()
    check_output(output)
    with tempfile.TemporaryDirectory() as temporary:
        opened = open_input(source, settings.mapping, Path(temporary), settings.sheet, ocr=settings.ocr)
        opened = _with_columns(opened, drop_scores=settings.replace)
        check_columns(list(opened.columns), str(source), opened.mapping.columns, lambda: sample_rows(opened))
        task = Task(model.folder, options, opened.mapping, opened.columns, opened.styles)
        with work_folder(output, _job(source, task, model, settings), resume=settings.resume) as folder:
            previous = finished_parts(folder)
            step = start(f"scoring {opened.unit}", opened.total)
            step(sum(part.size for part in previous))
            parts = _score_parts(opened, folder, task, model, settings, step)
            # Written inside the work folder, so that an interruption leaves no partial output.
            with chunk_writer(folder / output.name) as write:
                for part in parts:
                    write(read_part(part))
            summary = _total(finished_parts(folder), opened, resumed=sum(part.rows for part in previous))
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
    """Score the chunks without a finished part; return all parts in order."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def unscored_chunks() -> Iterator[Any]:
        for place, chunk in enumerate(read_chunks(opened, settings.rows_at_once)):
            parts.append(part := part_file(folder, place))
            if read_summary(part) is None:
                yield delayed(score)(task, chunk, part)

    parts = list[Path]()
    jobs = _jobs(opened, settings)
    score = partial(score_part, parent=os.getpid()) if jobs > 1 else partial(score_chunk, model)
    run = Parallel(jobs, return_as="generator_unordered", max_nbytes=None, batch_size=1)
    try:
        for summary in run(unscored_chunks()):
            step(summary.size)
    except TerminatedWorkerError:
        raise JobError(
            "a worker process was killed, maybe because memory ran out; finished parts are saved: continue with "
            "--resume and fewer --jobs"
        ) from None
    return parts


def _with_columns(opened: Input, *, drop_scores: bool) -> Input:
    """Return the input with its output columns and notes on their use."""
    if opened.table is None:
        return opened
    dropped = [name for name in opened.columns if name in SCORE_COLUMNS] if drop_scores else []
    columns = tuple(name for name in opened.columns if name not in dropped)
    notes = describe_columns(columns, opened.mapping)
    notes += [f"{len(dropped)} column(s) of an earlier scoring replaced"] if dropped else []
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
    return (os.cpu_count() or 1) if opened.total >= _PARALLEL_FROM[opened.unit] else 1


def _job(source: Path, task: Task, model: LoadedModel, settings: BatchSettings) -> dict[str, Any]:
    """Return everything that the output depends on."""
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
    """Return a digest of names, sizes and modification times of the input's files, without reading them."""
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
