"""The command that scores a batch."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, say_tracked, warn
from imr_ml.cli.models import LATEST, ColumnMap, ModelName, model_folder, warn_of_samples

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel
    from imr_ml.score_columns import ScoreOptions
    from imr_ml.scoring.batch import BatchSettings, BatchSummary

STANDARD_INPUT = Path("-")
Engine = Literal["local", "spark"]


@app.command()
def score(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="CSV, JSONL, Parquet, Excel, a folder or zip of letters, or - for standard input."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File (.csv, .jsonl, .parquet), or Spark's folder.")],
    model: ModelName = str(LATEST),
    columns: ColumnMap = None,
    report: Annotated[Path | None, typer.Option(help="Write a report page (.html); it contains the texts.")] = None,
    evidence: Annotated[bool, typer.Option(help="Include feature contributions.")] = True,
    precedents: Annotated[int, typer.Option(min=0, help="Number of similar decided requests per row; 0 for none.")] = 3,
    coverage: Annotated[
        float | None, typer.Option(min=0.5, max=0.99, help="Coverage of the prediction sets; default: the model's.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: all cores if that saves time.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted job.")] = False,
    engine: Annotated[Engine, typer.Option(help="Spark scores Parquet and folders of letters on a cluster.")] = "local",
    master: Annotated[
        str | None, typer.Option(help="Spark master, as spark://host:7077; default: this machine.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Record counts and shares, no text, in MLflow's scoring experiment.")
    ] = False,
) -> None:
    """Score requests: the same rows with probabilities, families, evidence and errors."""
    with exit_on_user_error(), ExitStack() as stack:
        from imr_ml.model_files import read_model
        from imr_ml.score_columns import ScoreOptions
        from imr_ml.scoring.batch import BatchSettings, score_file
        from imr_ml.tables.naming import parse_map

        start_s = time.perf_counter()
        settings = BatchSettings(parse_map(columns or ()), jobs, report, resume)
        options = ScoreOptions(evidence=evidence, precedents=precedents, coverage=coverage)
        read = _standard_input(stack, resume=resume) if source == STANDARD_INPUT else source
        _say_how_read(read, quiet=as_json)
        loaded = read_model(model_folder(model))
        # This process does nothing else: what it has loaded is no garbage.
        gc.freeze()
        with progress() as start:
            if engine == "spark":
                summary = _on_spark(read, output, loaded, options, settings, master)
            else:
                summary = score_file(read, output, loaded, options, settings, start)
        elapsed_s = time.perf_counter() - start_s
        if as_json:
            typer.echo(json.dumps(_as_json(summary, loaded, output, elapsed_s)))
        else:
            _print(summary, loaded, output, report)
        if track:
            from imr_ml.tracking import batches

            say_tracked(lambda: batches.record_batch(read, summary, loaded, asdict(options), elapsed_s), err=as_json)


def _on_spark(
    source: Path,
    output: Path,
    model: LoadedModel,
    options: ScoreOptions,
    settings: BatchSettings,
    master: str | None,
) -> BatchSummary:
    from imr_ml.spark.rows import score_with_spark
    from imr_ml.spark.session import SparkError, spark_session

    if settings.report or settings.resume:
        raise SparkError("Spark writes no --report, and repeats what failed by itself instead of --resume")
    session = spark_session(master or f"local[{settings.jobs or '*'}]")
    return score_with_spark(source, output, model, options, settings.columns, session)


def _standard_input(stack: ExitStack, *, resume: bool) -> Path:
    from imr_ml.scoring.parts import JobError
    from imr_ml.tables.formats import spooled

    if resume:
        raise JobError("-: standard input can't be read again; save it as a file to be able to --resume")
    return spooled(sys.stdin.buffer, Path(stack.enter_context(tempfile.TemporaryDirectory())))


def _say_how_read(source: Path, *, quiet: bool) -> None:
    """Warn how a file's encoding and dialect were read, if another reading was possible."""
    from imr_ml.tables.formats import is_table, table_format
    from imr_ml.tables.reading import detect_format as reading_of

    if quiet or not is_table(source) or table_format(source) == "parquet":
        return
    reading = reading_of(source)
    if (reading.encoding or "utf-8") != "utf-8" or (reading.delimiter or ",") != "," or reading.sheet:
        warn(f"{source} is read as {reading}")


def _print(summary: BatchSummary, model: LoadedModel, output: Path, report: Path | None) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items()))
    scored = summary.rows - summary.errors
    typer.echo(f"{output}: {scored} of {summary.rows} rows scored with model {model.version} ({outcomes})")
    if report:
        typer.echo(f"{report}: open it in a browser; it holds the requests' texts")
    if summary.resumed:
        typer.echo(f"{summary.resumed} of the rows had been scored before")
    warn_of_samples(model)
    if summary.errors:
        warn(f"{summary.errors} row(s) could not be scored; the column 'error' says why:")
        for reason, count in summary.reasons.items():
            warn(f"  {count} x {reason}")


def _as_json(summary: BatchSummary, model: LoadedModel, output: Path, elapsed_s: float) -> dict[str, object]:
    return asdict(summary) | {
        "output": str(output),
        "model_version": model.version,
        "model_trained_on": model.facts["data"]["source"],
        "elapsed_s": round(elapsed_s, 3),
        "rows_per_s": round((summary.rows - summary.resumed) / elapsed_s, 1),
    }
