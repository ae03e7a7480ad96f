"""The `reproduce` command, and the hidden `rebuild` command that it runs with the code of another commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, warn, wide_console

if TYPE_CHECKING:
    from rich.table import Table

    from imr_ml.tracking.rebuilding import Reproduction

UNEQUAL = 3
"""Exit code if the metrics or the data differ."""
_FROM_TABLE = Annotated[
    bool, typer.Option("--from-table", help="Train on the existing table instead of rebuilding it from its sources.")
]


@app.command()
def reproduce(
    run: Annotated[str, typer.Argument(help="Id or its first characters, name of a run, or models:/imr-ml@champion.")],
    here: Annotated[bool, typer.Option("--here", help="Use the installed code instead of the run's commit.")] = False,
    from_table: _FROM_TABLE = False,
    every: Annotated[bool, typer.Option("--all", help="Show every metric, not only the main ones.")] = False,
) -> None:
    """Rebuild the table and model of a run with the code of its commit, and compare the metrics.

    Exit code 3 means that metrics or data differ.
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
    """Rebuild a model folder; `reproduce` runs this in another checkout."""
    with exit_on_user_error():
        from imr_ml.tracking.rebuilding import rebuild as rebuild_model

        with progress() as start:
            rebuild_model(model, scratch, start, from_table=from_table)


def _print(result: Reproduction, *, every: bool) -> None:
    console = wide_console()
    console.print(f"run {result.name} ({result.run_id[:8]}), rebuilt by {result.code}", markup=False)
    file = {True: "same file", False: "different file", None: "no recorded checksum"}[result.table_equal]
    rows = "equal" if result.data_equal else "NOT equal"
    console.print(f"table: {file}; training data: {rows}", markup=False)
    console.print(_table(result, every=every))
    equal = len(result.metrics) - len(result.unequal)
    console.print(f"{equal} of {len(result.metrics)} metrics are equal", markup=False)


def _table(result: Reproduction, *, every: bool) -> Table:
    from imr_ml.cli.runs import comparison_table
    from imr_ml.evaluation.comparison import METRICS

    main_metrics = [metric for metric in METRICS if metric in result.metrics]
    unequal = [metric for metric in result.unequal if metric not in main_metrics]
    shown = result.metrics if every else [*main_metrics, *unequal]
    rows = []
    for metric in shown:
        values = (result.recorded.get(metric), result.rebuilt.get(metric))
        cells = ("-" if value is None else f"{value:.6f}" for value in values)
        rows.append([metric, *cells, "yes" if result.is_equal(metric) else "NO"])
    return comparison_table(rows, ["metric", "recorded", "rebuilt", "equal"])
