"""The `score` command: score a batch or a stream."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from imr_ml.cli.app import INCOMPLETE, app, exit_on_user_error, progress, track_batch, warn
from imr_ml.cli.data import ColumnMap, ColumnsFile, Ocr, SheetName
from imr_ml.cli.models import LATEST, ModelName, model_folder, warn_of_evidence, warn_of_samples
from imr_ml.files import check_page_name

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel
    from imr_ml.score_columns import ScoreOptions
    from imr_ml.scoring.batch import BatchSettings, BatchSummary

STANDARD_INPUT = STANDARD_OUTPUT = Path("-")
Engine = Literal["local", "spark"]


@app.command()
def score(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="CSV, JSONL, Parquet, Excel, a folder or zip of letters, or - for standard input."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="File (.csv, .jsonl, .parquet, .xlsx), folder for Spark, or - to stream JSON lines."
        ),
    ],
    model: ModelName = str(LATEST),
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    ocr: Ocr = False,
    report: Annotated[Path | None, typer.Option(help="Write a report page (.html); it contains the texts.")] = None,
    evidence: Annotated[bool, typer.Option(help="Include feature contributions.")] = True,
    precedents: Annotated[int, typer.Option(min=0, help="Number of similar decided requests per row; 0 for none.")] = 3,
    coverage: Annotated[
        float | None, typer.Option(min=0.5, max=0.99, help="Coverage of the prediction sets; default: the model's.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: all cores, if that is faster.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted job.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Drop existing score columns and score again.")] = False,
    engine: Annotated[Engine, typer.Option(help="Spark scores Parquet and folders of letters on a cluster.")] = "local",
    master: Annotated[
        str | None, typer.Option(help="Spark master, such as spark://host:7077; default: this machine.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Record counts and shares, without text, in MLflow's scoring experiment.")
    ] = False,
) -> None:
    """Score requests: add probabilities, families, evidence and errors to each row."""
    with exit_on_user_error(), ExitStack() as stack:
        if report:
            check_page_name(report)
        from imr_ml.model_files import read_model_for_command

        start_s = time.perf_counter()
        loaded = read_model_for_command(model_folder(model))
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.score_columns import ScoreOptions
        from imr_ml.scoring.batch import BatchSettings, score_file

        mapping = read_mapping(renames or (), columns)
        settings = BatchSettings(mapping, jobs, report, resume, sheet=sheet, ocr=ocr, replace=replace)
        options = ScoreOptions(evidence=evidence, precedents=precedents, coverage=coverage)
        if output == STANDARD_OUTPUT:
            _stream(source, loaded, options, settings)
        source_path = _spool_input(stack, resume=resume) if source == STANDARD_INPUT else source
        if evidence:
            warn_of_evidence(loaded)
        with progress() as start:
            if engine == "spark":
                summary = _score_on_spark(source_path, output, loaded, options, settings, master)
            else:
                summary = score_file(source_path, output, loaded, options, settings, start)
        elapsed_s = time.perf_counter() - start_s
        if as_json:
            typer.echo(json.dumps(_as_json(summary, loaded, output, elapsed_s)))
        else:
            _print(summary, loaded, output, report)
        if track:
            from imr_ml.tracking import batches

            track_batch(
                lambda: batches.record_batch(source_path, summary, loaded, asdict(options), elapsed_s), err=as_json
            )
        if not summary.is_complete:
            raise typer.Exit(INCOMPLETE)


def _score_on_spark(
    source: Path,
    output: Path,
    model: LoadedModel,
    options: ScoreOptions,
    settings: BatchSettings,
    master: str | None,
) -> BatchSummary:
    from imr_ml.spark.rows import score_with_spark
    from imr_ml.spark.session import SparkError, spark_session

    if settings.report or settings.resume or settings.replace:
        raise SparkError("--report, --resume and --replace are not available with --engine spark")
    session = spark_session(master or f"local[{settings.jobs or '*'}]")
    return score_with_spark(source, output, model, options, settings.mapping, session)


def _stream(source: Path, model: LoadedModel, options: ScoreOptions, settings: BatchSettings) -> NoReturn:
    """Score JSON lines of standard input to standard output, then exit."""
    from imr_ml.scoring.parts import JobError
    from imr_ml.scoring.stream import score_stream

    if source != STANDARD_INPUT or settings.report or settings.resume:
        raise JobError("-o - streams JSON lines from standard input: imr-ml score - -o -, without --report or --resume")
    warn_of_samples(model)
    if options.evidence:
        warn_of_evidence(model)

    def write(lines: str) -> None:
        sys.stdout.write(lines)
        sys.stdout.flush()

    summary = score_stream(sys.stdin.fileno(), write, model, options, settings.mapping, replace=settings.replace)
    warn(
        f"{summary.rows - summary.errors} of {summary.rows} rows scored; {summary.rejected_lines} line(s) are not rows"
    )
    _warn_of_training_rows(summary)
    raise typer.Exit(0 if summary.is_complete else INCOMPLETE)


def _spool_input(stack: ExitStack, *, resume: bool) -> Path:
    from imr_ml.files import explain_storage_errors
    from imr_ml.scoring.parts import JobError
    from imr_ml.tables.formats import spool_stream

    if resume:
        raise JobError("-: standard input cannot be read again; save it as a file to use --resume")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    with explain_storage_errors(folder.parent):
        return spool_stream(sys.stdin.buffer, folder)


def _print(summary: BatchSummary, model: LoadedModel, output: Path, report: Path | None) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items()))
    scored = summary.rows - summary.errors
    typer.echo(f"{output}: {scored} of {summary.rows} rows scored with model {model.version} ({outcomes})")
    if report:
        typer.echo(f"{report}: open it in a browser; it contains the texts of the requests")
    if summary.resumed:
        typer.echo(f"{summary.resumed} of the rows were scored by the interrupted job")
    warn_of_samples(model)
    for note in summary.notes:
        warn(note)
    _warn_of_training_rows(summary)
    if summary.rejected_lines:
        from imr_ml.scoring.batch import rejects_file

        warn(f"{summary.rejected_lines} line(s) are not rows; see {rejects_file(output)}")
    if summary.warnings:
        warn("rows with warnings (unreadable cells count as missing; requests with little known text are uncertain):")
        for warning, count in summary.warnings.items():
            warn(f"  {count} x {warning}")
    if summary.errors:
        warn(f"{summary.errors} row(s) could not be scored; the column 'error' has the reasons:")
        for reason, count in summary.reasons.items():
            warn(f"  {count} x {reason}")


def _warn_of_training_rows(summary: BatchSummary) -> None:
    if summary.in_training:
        warn(
            f"{summary.in_training} row(s) belong to cases that the model was trained on (in_training): their scores "
            "are closer to the decisions than those of new requests; leave them out when you evaluate the model"
        )


def _as_json(summary: BatchSummary, model: LoadedModel, output: Path, elapsed_s: float) -> dict[str, object]:
    return asdict(summary) | {
        "output": str(output),
        "model_version": model.version,
        "model_trained_on": model.facts["data"]["source"],
        "elapsed_s": round(elapsed_s, 3),
        "rows_per_s": round((summary.rows - summary.resumed) / elapsed_s, 1),
    }
