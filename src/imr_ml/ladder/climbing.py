"""Evaluate every rung of the ladder on the same folds and select the champions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from imr_ml.classifiers.types import Dataset, Labels
from imr_ml.evaluation.comparison import LESS_IS_BETTER
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.settings import EvaluationSettings
from imr_ml.evaluation.splits import repeated_folds
from imr_ml.ladder.judging import Judgement, judge, tasks_of
from imr_ml.ladder.rungs import RUNGS, Rung, available, base_rung
from imr_ml.progress import StartProgress, silent

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Step:
    """Measurements of one rung.

    Attributes
    ----------
    rung : Rung
    judgement : Judgement
    out_of_fold : OutOfFold
    fit_s : float
        Seconds to prepare and fit it on all requests, in one process.
    chosen : dict
        Task -> point of its grid chosen in that fit; empty if nothing is tuned.
    """

    rung: Rung
    judgement: Judgement
    out_of_fold: OutOfFold
    fit_s: float
    chosen: dict[str, dict[str, Any]]

    @property
    def estimates(self) -> dict[str, Estimate]:
        """By metric, of the tasks that the rung is judged in."""
        return self.judgement.estimates


@dataclass(frozen=True, slots=True)
class Climb:
    """The rungs, from simple to complex.

    Attributes
    ----------
    steps : tuple of Step
    champions : dict of str
        Task -> rung.
    left_out : dict of str
        Rung -> why it could not be climbed.
    settings : EvaluationSettings
        With the repeats that were run.
    """

    steps: tuple[Step, ...]
    champions: dict[str, str]
    left_out: dict[str, str]
    settings: EvaluationSettings


def climb(
    dataset: Dataset,
    settings: EvaluationSettings,
    rungs: Sequence[Rung] = RUNGS,
    start: StartProgress = silent,
) -> Climb:
    """Judge the base rate and every rung by repeated cross-validation grouped by case.

    A rung becomes champion of a task if the paired interval of its difference to the champion lies above zero in the
    metric that the task is judged by, and does not lie on the worse side of zero in the one that guards it; otherwise
    the simpler one stays.

    Parameters
    ----------
    dataset : Dataset
    settings : EvaluationSettings
    rungs : sequence of Rung
        From simple to complex.
    start : callable, optional
        Starts a progress bar over the fits of the cross-validation, then one over those on all requests.

    Raises
    ------
    SplitError
        Where there are too few cases of either outcome for the folds.
    """
    settings = settings.for_requests(len(dataset))
    labels, groups = dataset.labels, dataset.groups
    climbed, left_out = _climbed(rungs, labels)
    frame, prepare_s = _prepared(dataset.frame, climbed)
    prepared = replace(dataset, frame=frame)
    repeats = repeated_folds(labels.overturned, groups, settings)
    builders = {rung.name: rung.build for rung in climbed}
    predicted = out_of_fold(prepared, builders, repeats, settings.jobs, start, "climbing the ladder")
    fits = _fitted_on_all(climbed, prepared, settings.jobs, start)
    judgements, champions = judge(climbed, predicted, labels, groups, settings)
    return Climb(
        tuple(
            Step(rung, judgement, predicted[rung.name], prepare_s.get(rung.name, 0.0) + fit_s, chosen)
            for rung, judgement, (fit_s, chosen) in zip(climbed, judgements, fits, strict=True)
        ),
        champions,
        left_out,
        settings,
    )


def _climbed(rungs: Sequence[Rung], labels: Labels) -> tuple[tuple[Rung, ...], dict[str, str]]:
    """The base rate and the rungs that can be climbed and judged here."""
    usable, left_out = available(tuple(rungs))
    tasks_known = set(tasks_of(labels))
    return (base_rung(labels), *(rung for rung in usable if tasks_known & set(rung.tasks))), left_out


def _prepared(frame: pd.DataFrame, rungs: Sequence[Rung]) -> tuple[pd.DataFrame, dict[str, float]]:
    elapsed_s = {}
    for rung in rungs:
        if rung.prepare:
            start = perf_counter()
            frame = rung.prepare(frame)
            elapsed_s[rung.name] = perf_counter() - start
    return frame, elapsed_s


_Fit = tuple[float, dict[str, dict[str, Any]]]


def _fitted_on_all(rungs: Sequence[Rung], dataset: Dataset, jobs: int, start: StartProgress) -> list[_Fit]:
    """Seconds to fit each rung on all requests, and the grid points it chose."""
    from joblib import Parallel, delayed

    progress = start("fitting each rung on all requests", len(rungs))
    run = Parallel(n_jobs=jobs, return_as="generator")
    fits = []
    for fit in run(delayed(_fit)(rung, dataset) for rung in rungs):
        fits.append(fit)
        progress(1)
    return fits


def _fit(rung: Rung, dataset: Dataset) -> _Fit:
    start_s = perf_counter()
    predictor = rung.build().fit(dataset.frame, dataset.labels, dataset.groups)
    return perf_counter() - start_s, getattr(predictor, "chosen_", {})


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

    evaluated = [step for step in climb.steps if task in step.rung.tasks]
    shown = metrics or tuple(name for name in evaluated[0].estimates if name.startswith(f"{task}."))
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
    for step in evaluated:
        is_champion = climb.champions.get(task) == step.rung.name
        cells = [_format_metric(step, metric) for metric in shown]
        table.add_row(
            step.rung.name, *cells, _beside(step, task), f"{step.fit_s:.1f}", style="bold" if is_champion else None
        )
    return table


def _heading(metric: str) -> str:
    name = metric.split(".")[1].replace("_", " ")
    return f"{name} (less is better)" if metric in LESS_IS_BETTER else name


def _format_metric(step: Step, metric: str) -> str:
    return str(step.estimates[metric]) if metric in step.estimates else "-"


def _beside(step: Step, task: str) -> str:
    from imr_ml.ladder.judging import JUDGED_BY

    against = step.judgement.against.get(task)
    if against is None:
        return "-"
    difference = step.judgement.differences[JUDGED_BY[task]]
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}] {against}"
