"""Commands for tracked runs and registered models, and tables that compare runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, warn, wide_console

if TYPE_CHECKING:
    from rich.table import Table

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.tracking.comparing import RunComparison
    from imr_ml.tracking.promotion import Promotion

_REASON = Annotated[str, typer.Option(help="Reason, recorded on the version.")]


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port; the next free one if it is taken.")] = 5000,
) -> None:
    """Open the MLflow UI on the tracked runs."""
    with exit_on_user_error():
        from imr_ml.tracking import ui

        raise typer.Exit(ui.serve_ui(port))


@app.command()
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN...", help="Names, versions (3), aliases (champion), ids or their beginnings."),
    ],
) -> None:
    """Compare runs side by side: metrics with intervals, paired differences, and the params that differ."""
    with exit_on_user_error():
        from imr_ml.tracking import comparing, uris

        if len(runs) < 2:
            raise uris.TrackingError("name at least two runs: imr-ml compare RUN RUN")
        _print_comparison(comparing.compare_runs(runs))


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Version number or alias, or run name or id.")] = "challenger",
    force: Annotated[bool, typer.Option("--force", help="Promote against the rule; needs --reason.")] = False,
    reason: _REASON = "",
) -> None:
    """Make a version the champion if it is better, or as good and simpler or trained on more cases.

    A champion trained on other data is first refitted with its own settings on the data and folds of this version.
    """
    with exit_on_user_error():
        from imr_ml.tracking import promotion, registry, uris

        with progress() as start:
            result = promotion.promote(version, force=force, reason=reason, start=start)
        title = f"version {result.version}"
        _print_refit(result)
        for note in result.notes:
            warn(note)
        if not result.promoted:
            raise uris.TrackingError(
                f"{title} is not promoted: {result.verdict.reason}; to promote it anyway, use --force --reason TEXT"
            )
        before = f" (before: version {result.previous}; to undo, run: imr-ml rollback)" if result.previous else ""
        typer.echo(f"models:/{registry.MODEL_NAME}@{registry.CHAMPION} is {title}{before}")
        typer.echo(("" if result.verdict.promote else "against the rule: ") + result.verdict.reason)


@app.command()
def rollback(reason: _REASON = "") -> None:
    """Restore the previous champion."""
    with exit_on_user_error():
        from imr_ml.tracking import promotion, registry

        replaced, restored = promotion.rollback(reason)
        typer.echo(
            f"models:/{registry.MODEL_NAME}@{registry.CHAMPION} is version {restored} again (before: {replaced})"
        )


@app.command()
def sync(
    here: Annotated[bool, typer.Option("--here", help="Also send runs recorded for another store.")] = False,
) -> None:
    """Send runs that the tracking server did not accept during training."""
    with exit_on_user_error():
        from imr_ml.tracking import registry, sending, uris

        sent, failed = 0, 0
        for result in sending.sync(here=here):
            if isinstance(result, uris.TrackingError):
                failed += 1
                warn(" ".join(str(result).split()))
            else:
                sent += 1
                version = f", models:/{registry.MODEL_NAME}/{result.model_version}" if result.model_version else ""
                typer.echo(f"sent to {result.tracking_uri}: {result.name}{version}")
        if not sent and not failed:
            typer.echo("no runs to send")
        if failed:
            raise typer.Exit(2)


def _print_refit(result: Promotion) -> None:
    """Print the differences between a version and the refitted champion, on the same folds and on later decisions."""
    if not result.refit:
        return
    typer.echo(
        f"the champion, version {result.previous}, was refitted on the data and folds of version {result.version}; "
        f"recorded as run {result.refit[:8]}"
    )
    differences, later = result.verdict.differences, result.verdict.later
    columns = [differences] if isinstance(later, str) else [differences, later]
    rows = [[metric, *(_signed(column.get(metric)) for column in columns)] for metric in differences]
    titles = ["on the same folds", "on later decisions"][: len(columns)]
    console = wide_console()
    console.print(comparison_table(rows, [f"version {result.version} minus the champion", *titles]))
    if isinstance(later, str):
        console.print(later, markup=False, highlight=False)


def _print_comparison(comparison: RunComparison) -> None:
    console = wide_console()
    for number, run in enumerate(comparison.runs, start=1):
        kind = run.tags.get("data.kind", "unknown")
        data = f"{'SYNTHETIC sample' if kind == 'sample' else kind} data {run.tags.get('data.sha256', '')[:8]}"
        console.print(f"run {number}: {run.name}  ({run.run_id[:8]}; {data})", markup=False, highlight=False)
    console.print(comparison_table(*_metric_rows(comparison)))
    for number, difference in enumerate(comparison.differences, start=2):
        if isinstance(difference, str):
            console.print(f"run {number} is not paired with run 1: {difference}", markup=False, highlight=False)
    console.print(comparison_table(*_param_rows(comparison)) if comparison.params else "all params are equal")


def _metric_rows(comparison: RunComparison) -> tuple[list[list[str]], list[str]]:
    from imr_ml.evaluation.comparison import label_metric
    from imr_ml.tracking.comparing import metrics_in_runs

    rows = [
        [
            label_metric(metric),
            *(str(run.estimate(metric) or "-") for run in comparison.runs),
            *(_signed(None if isinstance(pair, str) else pair.get(metric)) for pair in comparison.differences),
        ]
        for metric in metrics_in_runs(comparison.runs)
    ]
    runs = [f"run {number}" for number in range(1, len(comparison.runs) + 1)]
    return rows, ["metric", *runs, *(f"{run} minus run 1, paired" for run in runs[1:])]


def _signed(estimate: Estimate | None) -> str:
    return "-" if estimate is None else estimate.signed


def _param_rows(comparison: RunComparison) -> tuple[list[list[str]], list[str]]:
    rows = [
        [name, *("-" if value is None else value for value in values)] for name, values in comparison.params.items()
    ]
    return rows, ["param that differs", *(f"run {number}" for number in range(1, len(comparison.runs) + 1))]


def comparison_table(rows: list[list[str]], columns: list[str]) -> Table:
    """Return a table with columns of metrics and params left-aligned and all others right-aligned."""
    from rich.table import Table

    table = Table()
    for column in columns:
        # Truncated names and values could look equal although they differ.
        table.add_column(column, overflow="fold", justify="left" if column.startswith(("metric", "param")) else "right")
    for row in rows:
        table.add_row(*row)
    return table
