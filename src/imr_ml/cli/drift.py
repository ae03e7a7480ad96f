"""The `drift` command: compare a batch with the training data."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, track_batch, warn, wide_console
from imr_ml.cli.data import ColumnMap, ColumnsFile, SheetName
from imr_ml.cli.models import LATEST, ModelName, model_folder, warn_of_samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from imr_ml.corpus.mapping import ColumnMapping
    from imr_ml.drift.batches import ProfiledBatch
    from imr_ml.drift.comparing import DriftReport, Finding, Side
    from imr_ml.model_files import LoadedModel
    from imr_ml.profiles import Profile
    from imr_ml.progress import StartProgress

TRAINING = "training"
DRIFTED = 3
"""Exit code if a characteristic drifted."""
_STYLES = {"drifted": "bold red", "by chance": "dim", "slight": "yellow", "steady": ""}


@app.command()
def drift(
    current: Annotated[Path, typer.Option(help="Batch to compare: any input that 'score' reads.")],
    reference: Annotated[
        str, typer.Option(help="Reference: 'training' for the model's own data, or another batch.")
    ] = TRAINING,
    model: ModelName = str(LATEST),
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    psi: Annotated[float, typer.Option(help="Threshold of the population stability index.")] = 0.2,
    ks: Annotated[float, typer.Option(help="Threshold of the Kolmogorov-Smirnov distance.")] = 0.15,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the full report as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a plot (.png).")] = None,
    track: Annotated[
        bool, typer.Option("--track", help="Record the report, without text, in MLflow's scoring experiment.")
    ] = False,
) -> None:
    """Compare a batch with the training data; exit code 3 if it drifted past a threshold and not by chance."""
    with exit_on_user_error():
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.drift.batches import profile_file
        from imr_ml.drift.comparing import DriftSettings, compare
        from imr_ml.model_files import read_model_for_command

        start_s = time.perf_counter()
        settings, mapping = DriftSettings(psi, ks), read_mapping(renames or (), columns)
        loaded = read_model_for_command(model_folder(model))
        with progress() as start:
            profile = _read_reference(reference, loaded, mapping, start)
            batch = profile_file(current, loaded, mapping, sheet=sheet, start=start)
        report = compare(profile, batch.profile, settings)
        _print(report, batch, loaded)
        if output:
            _write(output, report, batch, loaded)
        if plot:
            _draw(plot, report, loaded)
        if track:
            from imr_ml.tracking import batches

            elapsed_s = time.perf_counter() - start_s
            track_batch(lambda: batches.record_drift(current, report, batch.errors, loaded, elapsed_s))
        if report.drifted:
            raise typer.Exit(DRIFTED)


def _read_reference(reference: str, model: LoadedModel, mapping: ColumnMapping, start: StartProgress) -> Profile:
    from imr_ml.drift.batches import profile_file
    from imr_ml.drift.comparing import DriftError

    if reference != TRAINING:
        return profile_file(Path(reference), model, mapping, start=start).profile
    if model.reference is None:
        raise DriftError(
            f"{model.folder}: contains no profile of its training data, because an older version trained it; "
            "train again, or name a table with --reference"
        )
    return model.reference


def _print(report: DriftReport, batch: ProfiledBatch, model: LoadedModel) -> None:
    wide_console().print(_table(report))
    sides = f"reference: {_describe_side(report.reference)}; current: {_describe_side(report.current)}"
    typer.echo(f"{sides}; model {model.version}")
    if report.constant:
        typer.echo(f"not compared, same value in all requests: {', '.join(report.constant)}")
    if report.unstated:
        typer.echo(f"not compared, stated on one side only: {', '.join(report.unstated)}")
    typer.echo(f"DRIFTED: {', '.join(report.drifted)}" if report.drifted else "no drift")
    if batch.errors:
        warn(f"{batch.errors} row(s) cannot be scored and are left out; 'imr-ml score' shows the reasons")
    if batch.training_rows:
        warn(
            f"{batch.training_rows} row(s) are left out because the model was trained on their cases: their vocabulary "
            "coverage and p_overturned differ from those of new requests"
        )
    warn_of_samples(model)


def _table(report: DriftReport) -> object:
    from rich.table import Table

    table = Table()
    headers: dict[str, Callable[[Finding], str]] = {
        "characteristic": lambda finding: finding.characteristic,
        "statistic": lambda finding: finding.statistic.upper(),
        "value, 95 % interval": lambda finding: f"{finding.value:.3f} [{finding.low:.3f}, {finding.high:.3f}]",
        "threshold": lambda finding: f"{finding.threshold:g}",
        "by chance below": lambda finding: f"{finding.by_chance:.3f}",
        "p (Holm)": lambda finding: f"{finding.p:.3f}",
        "verdict": lambda finding: finding.verdict,
    }
    for header in headers:
        table.add_column(header, justify="left" if header in ("characteristic", "statistic", "verdict") else "right")
    for finding in report.findings:
        table.add_row(*(format_cell(finding) for format_cell in headers.values()), style=_STYLES[finding.verdict])
    return table


def _describe_side(side: Side) -> str:
    rows = f"{side.rows:,} requests of {side.cases:,} cases"
    return rows if side.rows >= side.drawn_from else f"{rows}, drawn from {side.drawn_from:,}"


def _write(path: Path, report: DriftReport, batch: ProfiledBatch, model: LoadedModel) -> None:
    from imr_ml.files import atomic_write

    content = {
        "drifted": list(report.drifted),
        "model_version": model.version,
        "model_trained_on": model.facts["data"]["source"],
        "errors": batch.errors,
        "training_rows": batch.training_rows,
        **asdict(report),
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{path}: full report as JSON")


def _draw(path: Path, report: DriftReport, model: LoadedModel) -> None:
    from imr_ml.drift.figure import drift_figure
    from imr_ml.files import atomic_write

    figure = drift_figure(report, is_synthetic=model.is_sample)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png")
    typer.echo(f"{path}: plot of the report")
