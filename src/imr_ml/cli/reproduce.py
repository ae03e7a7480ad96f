"""The command that reproduces a run, and the hidden one by which another commit's code does so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, warn, wide_console

if TYPE_CHECKING:
    from rich.table import Table

    from imr_ml.tracking.rebuilding import Reproduction

UNEQUAL = 3
_FROM_TABLE = Annotated[
    bool, typer.Option("--from-table", help="Train on the existing table instead of rebuilding it from its sources.")
]


@app.command()
def reproduce(
    run: Annotated[str, typer.Argument(help="Id, its beginning, a run's name or models:/imr-ml@champion.")],
    here: Annotated[bool, typer.Option("--here", help="Use the installed code instead of the run's commit.")] = False,
    from_table: _FROM_TABLE = False,
    every: Annotated[bool, typer.Option("--all", help="Show every metric, not only the main ones.")] = False,
) -> None:
    """Rebuild a run's table and model with its commit's code and compare the metrics.

    Exit code 3 means that they differ.
    """
    with exit_on_user_error():
        from imr_ml.tracking import rebuilding

        with progress() as start:
            result = rebuilding.reproduce(run, start, here=here, from_table=from_table)
        for note in result.notes:
            warn(note)
        _print(result, every=every)
        if result.unequal or not result.data_equal:
            raise typer.Exit(UNEQUAL)


@app.command(hidden=True)
def rebuild(model: Path, scratch: Path, from_table: _FROM_TABLE = False) -> None:
    """Rebuild a model's folder, for `reproduce` in another checkout."""
    with exit_on_user_error():
        from imr_ml.tracking.rebuilding import rebuild as rebuild_model

        with progress() as start:
            rebuild_model(model, scratch, start, from_table=from_table)


def _print(result: Reproduction, *, every: bool) -> None:
    console = wide_console()
    console.print(f"run {result.name} ({result.run_id[:8]}), rebuilt by {result.code}", markup=False)
    file = {True: "the same file", False: "another file", None: "no checksum of it was recorded"}[result.table_equal]
    rows = "the same" if result.data_equal else "NOT the same"
    console.print(f"table: {file}; what was trained on in it: {rows}", markup=False)
    console.print(_table(result, every=every))
    equal = len(result.metrics) - len(result.unequal)
    console.print(f"{equal} of {len(result.metrics)} metrics are equal", markup=False)


def _table(result: Reproduction, *, every: bool) -> Table:
    from imr_ml.cli.runs import comparison_table
    from imr_ml.evaluation.comparison import METRICS

    chief = [metric for metric in METRICS if metric in result.metrics]
    shown = result.metrics if every else [*chief, *(metric for metric in result.unequal if metric not in chief)]
    rows = []
    for metric in shown:
        values = (result.recorded.get(metric), result.rebuilt.get(metric))
        cells = ("-" if value is None else f"{value:.6f}" for value in values)
        rows.append([metric, *cells, "yes" if result.is_equal(metric) else "NO"])
    return comparison_table(rows, ["metric", "recorded", "rebuilt", "equal"])
