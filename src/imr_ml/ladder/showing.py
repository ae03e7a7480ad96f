"""The climb as a table for the terminal.

Knows climbs and Rich.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.evaluation.comparison import LESS_IS_BETTER

if TYPE_CHECKING:
    from rich.table import Table

    from imr_ml.ladder.climbing import Climb, Step


def climb_table(climb: Climb, task: str, metrics: tuple[str, ...] = ()) -> Table:
    """A row a rung that is judged in the task: its metrics, its difference to the champion it met, seconds to fit.

    Parameters
    ----------
    climb : Climb
    task : {"outcome", "family"}
    metrics : tuple of str, optional
        Columns; all metrics of the task by default.
    """
    from rich.table import Table

    from imr_ml.ladder.judging import JUDGED_BY

    judged = [step for step in climb.steps if task in step.rung.tasks]
    shown = metrics or tuple(name for name in judged[0].estimates if name.startswith(f"{task}."))
    settings = climb.settings
    table = Table(
        title=f"{task}: {settings.folds} folds by case x {settings.repeats}; 95 % intervals over cases",
        caption="\n".join(f"{name} left out: {why}" for name, why in climb.left_out.items()) or None,
    )
    table.add_column("rung")
    for metric in shown:
        table.add_column(_heading(metric), justify="right")
    table.add_column(f"{_heading(JUDGED_BY[task])} beside the champion", justify="right")
    table.add_column("fit, s", justify="right")
    for step in judged:
        is_champion = climb.champions.get(task) == step.rung.name
        cells = [_told(step, metric) for metric in shown]
        table.add_row(
            step.rung.name, *cells, _beside(step, task), f"{step.fit_s:.1f}", style="bold" if is_champion else None
        )
    return table


def _heading(metric: str) -> str:
    name = metric.split(".")[1].replace("_", " ")
    return f"{name} (less is better)" if metric in LESS_IS_BETTER else name


def _told(step: Step, metric: str) -> str:
    return str(step.estimates[metric]) if metric in step.estimates else "-"


def _beside(step: Step, task: str) -> str:
    from imr_ml.ladder.judging import JUDGED_BY

    against = step.judgement.against.get(task)
    if against is None:
        return "-"
    difference = step.judgement.differences[JUDGED_BY[task]]
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}] {against}"
