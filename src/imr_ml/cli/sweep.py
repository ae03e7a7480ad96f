"""The `sweep` command: search settings of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, warn, wide_console
from imr_ml.cli.data import (
    ColumnMap,
    ColumnsFile,
    DataPath,
    Ocr,
    PartialCounts,
    SheetName,
    SourceName,
    read_training_table,
)

if TYPE_CHECKING:
    from rich.table import Table

    from imr_ml.sweeps.results import Sweep

_STORES = Path("sweeps")


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(help="Experiment file with a table named sweep.")],
    data: DataPath = None,
    source: SourceName = None,
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    ocr: Ocr = False,
    partial: PartialCounts = "drop",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting of the file, such as training.seed=1.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Total number of trials of all searches.")] = 40,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Start no trial after this many seconds; run again to continue.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write the winner to; default: NAME.best.toml."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="SQLite file of the trials, to resume from; default: sweeps/NAME.db."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 uses all cores.")] = -1,
) -> None:
    """Search the settings in the sweep table of a file, and write the winner to a new file.

    Inner folds select settings; outer folds, unseen by the selection, evaluate them.
    """
    with exit_on_user_error():
        from imr_ml.corpus.decisions import InputOptions
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.sweeps.reading import read_plan
        from imr_ml.sweeps.results import check_is_new, winner_toml, write_new
        from imr_ml.sweeps.sweeping import Budget, describe_cost, run_sweep
        from imr_ml.tracking import sending, sweeps, uris
        from imr_ml.tracking.git import git_state

        winner = output or file.with_name(f"{file.stem}.best.toml")
        uris.check_uri(uris.tracking_uri())
        check_is_new(winner)
        plan, budget, git = read_plan(str(file), changes or ()), Budget(trials, timeout, jobs), git_state()
        options = InputOptions(read_mapping(renames or (), columns), partial, sheet, ocr)
        files = {"sweep.toml": file.read_text("utf-8")}
        typer.echo(
            f"{file}: varies {', '.join(parameter.key for parameter in plan.parameters)}; selects by {plan.objective}"
        )
        typer.echo(f"cost: {describe_cost(plan, budget)}")
        with progress() as start:
            table = read_training_table(data, source, options, start, git)
            store = store or _STORES / f"{file.stem}.db"
            result = run_sweep(table.decisions.requests, plan, store, budget, start)
        _print_sweep(result)
        toml = winner_toml(result)
        write_new(winner, toml)
        typer.echo(f"winner: {winner}; to train it: imr-ml train --experiment {winner}")
        try:
            run = sweeps.record_sweep(result, files | {"best.toml": toml}, git)
        except sending.UnsentError as error:
            warn(str(error))
            return
        typer.echo(
            f"recorded as run {run.run_id} in '{sweeps.SWEEPS}', with a run for each trial; open with: imr-ml ui"
        )


def _print_sweep(result: Sweep) -> None:
    console = wide_console()
    states = [trial.state for trial in result.trials]
    console.print(
        f"{len(states)} trials ({states.count('pruned')} pruned, {states.count('impossible')} impossible); "
        f"this call took {result.elapsed_s:,.0f} s",
        markup=False,
    )
    console.print(_estimates(result))
    console.print(_selections(result))
    gain = result.differences[result.plan.objective]
    console.print(f"selected minus file, {result.plan.objective}: {gain.signed}: {result.verdict}", markup=False)


def _estimates(result: Sweep) -> Table:
    from rich.table import Table

    from imr_ml.sweeps.results import FILE, MINIMIZED, SELECTED

    table = Table("metric, outer folds", "file", "selected (nested)", "difference, paired")
    for name, gain in result.differences.items():
        title = f"{name} (lower is better)" if name in MINIMIZED else name
        table.add_row(title, *(str(result.estimates[side][name]) for side in (FILE, SELECTED)), gain.signed)
    return table


def _selections(result: Sweep) -> Table:
    from rich.table import Table

    keys = [parameter.key for parameter in result.plan.parameters]
    table = Table("search", *keys, f"inner {result.plan.objective}")
    for name, selection in result.selected.items():
        table.add_row(name, *(selection.values.get(key, "-") for key in keys), f"{selection.value:.3f}")
    return table
