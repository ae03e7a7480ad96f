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
            done = rebuilding.reproduce(run, start, here=here, from_table=from_table)
        for note in done.notes:
            warn(note)
        _print(done, every=every)
        if done.unequal or not done.data_equal:
            raise typer.Exit(UNEQUAL)


@app.command(hidden=True)
def rebuild(model: Path, scratch: Path, from_table: _FROM_TABLE = False) -> None:
    """Rebuild a model's folder, for `reproduce` in another checkout."""
    with exit_on_user_error():
        from imr_ml.tracking.rebuilding import rebuild as rebuild_model

        with progress() as start:
            rebuild_model(model, scratch, start, from_table=from_table)


def _print(done: Reproduction, *, every: bool) -> None:
    console = wide_console()
    console.print(f"run {done.name} ({done.run_id[:8]}), rebuilt by {done.code}", markup=False)
    file = {True: "the same file", False: "another file", None: "no checksum of it was recorded"}[done.table_equal]
    rows = "the same" if done.data_equal else "NOT the same"
    console.print(f"table: {file}; what was trained on in it: {rows}", markup=False)
    console.print(_table(done, every=every))
    equal = len(done.metrics) - len(done.unequal)
    console.print(f"{equal} of {len(done.metrics)} metrics are equal", markup=False)


def _table(done: Reproduction, *, every: bool) -> Table:
    from rich.table import Table

    from imr_ml.evaluation.comparison import METRICS

    chief = [metric for metric in METRICS if metric in done.metrics]
    shown = done.metrics if every else [*chief, *(metric for metric in done.unequal if metric not in chief)]
    table = Table()
    for column in ("metric", "recorded", "rebuilt", "equal"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric in shown:
        values = (done.recorded.get(metric), done.rebuilt.get(metric))
        cells = ("-" if value is None else f"{value:.6f}" for value in values)
        table.add_row(metric, *cells, "yes" if done.is_equal(metric) else "NO")
    return table
