"""Evaluate every rung of the ladder on the same folds; a rung must beat the champion beyond chance to replace it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.classifiers.types import Dataset, Labels
from imr_ml.evaluation.comparison import LOWER_IS_BETTER, available_metrics, bootstrap_metrics, label_metric
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold, run_parallel
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, repeated_folds, tested_part
from imr_ml.ladder.reading import TASKS, Rung, base_rung, read_frames
from imr_ml.nlp.types import NlpSettings
from imr_ml.progress import StartProgress, no_progress

if TYPE_CHECKING:
    from rich.table import Table

PRIMARY_METRIC = {"outcome": "outcome.roc_auc", "family": "family.f1_micro"}
"""Task -> metric in which a rung must be better than the champion."""
GUARD_METRIC = {"outcome": "outcome.brier", "family": "family.f1_macro"}
"""Task -> metric in which it must not be worse beyond chance."""


@dataclass(frozen=True, slots=True)
class Step:
    """Measurements of one rung.

    Attributes
    ----------
    fit_s : float
        Seconds to fit it on all requests, in one process.
    estimates : dict of Estimate
        By metric, for the tasks in which the rung is compared.
    against : dict of str
        Task -> champion that the rung was compared with; empty for the first rung.
    differences : dict of Estimate
        Metric -> this rung minus that champion, on the same resamples.
    """

    rung: Rung
    out_of_fold: OutOfFold
    fit_s: float
    estimates: dict[str, Estimate]
    against: dict[str, str]
    differences: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Climb:
    """Results of all rungs, from simple to complex.

    Attributes
    ----------
    champions : dict of str
        Task -> name of the rung.
    settings : EvaluationSettings
        Settings with the actual number of repeats.
    """

    steps: tuple[Step, ...]
    champions: dict[str, str]
    settings: EvaluationSettings


def climb(
    dataset: Dataset,
    settings: EvaluationSettings,
    rungs: Sequence[Rung],
    frames: Mapping[NlpSettings, pd.DataFrame] | None = None,
    start: StartProgress = no_progress,
) -> Climb:
    """Compare the base rate and every rung by repeated cross-validation grouped by case.

    A rung becomes champion of a task if the paired interval of its difference to the champion is above zero in the
    task's primary metric, and not entirely on the worse side of zero in its guard metric. Otherwise the simpler rung
    stays champion.

    Parameters
    ----------
    dataset : Dataset
    settings : EvaluationSettings
    rungs : sequence of Rung
        From simple to complex; see `imr_ml.ladder.reading.read_rungs`.
    frames : dict of DataFrame, optional
        Feature frames of the same requests, for rungs with other NLP settings than the data set.
    start : callable, optional
        Starts a progress bar over the fits of the cross-validation, then one over the fits on all requests.

    Raises
    ------
    SplitError
        If there are too few cases of either outcome for the folds.
    """
    settings = settings.for_requests(len(dataset))
    tested = tested_part(dataset, repeated_folds(dataset.labels.overturned, dataset.groups, settings))
    tasks = _labeled_tasks(tested.labels)
    rungs = (base_rung(tested.labels), *(rung for rung in rungs if tasks & set(rung.tasks)))
    frames = frames or {}
    datasets = [
        dataset if rung.nlp is None else replace(dataset, frame=frames.get(rung.nlp, dataset.frame)) for rung in rungs
    ]
    predicted = _predict(rungs, datasets, settings, start)
    progress = start("fitting each rung on all requests", len(rungs))
    fits_s = list(run_parallel(_measure_fit, zip(rungs, datasets, strict=True), settings.jobs, progress))
    steps, champions = _compare(rungs, predicted, fits_s, tested, settings)
    return Climb(steps, champions, settings)


def climb_requests(
    requests: pd.DataFrame,
    settings: EvaluationSettings,
    rungs: Sequence[Rung],
    start: StartProgress = no_progress,
) -> Climb:
    """Compute the features of decided requests that the rungs need, and run `climb`.

    Parameters
    ----------
    requests : DataFrame
    settings : EvaluationSettings
    rungs : sequence of Rung
    start : callable, optional
        Starts the progress bar of each long step.
    """
    dataset = Dataset.from_table(requests, NlpSettings(), start)
    frames = read_frames(requests, rungs, {NlpSettings(): dataset.frame}, start)
    return climb(dataset, settings, rungs, frames, start)


def is_better(differences: dict[str, Estimate], task: str) -> bool:
    """Return whether a rung beats the champion in the primary metric, and is not worse in the guard metric."""
    guard = GUARD_METRIC[task]
    difference = differences[guard]
    is_worse = difference.low > 0 if guard in LOWER_IS_BETTER else difference.high < 0
    return differences[PRIMARY_METRIC[task]].low > 0 and not is_worse


def climb_table(climb: Climb, task: str, metrics: tuple[str, ...] = ()) -> Table:
    """Build a table with one row per rung compared in a task: metrics, difference to the champion, seconds to fit.

    Parameters
    ----------
    climb : Climb
    task : {"outcome", "family"}
    metrics : tuple of str, optional
        Columns; all metrics of the task by default.
    """
    from rich.table import Table

    evaluated, settings = [step for step in climb.steps if task in step.rung.tasks], climb.settings
    shown = metrics or tuple(name for name in evaluated[0].estimates if _task_of(name) == task)
    table = Table(title=f"{task}: {settings.folds} folds by case x {settings.repeats}; 95 % intervals over cases")
    table.add_column("rung")
    for heading in (*map(_heading, shown), f"{_heading(PRIMARY_METRIC[task])} minus champion", "fit, s"):
        table.add_column(heading, justify="right")
    for step in evaluated:
        cells = [str(step.estimates.get(metric, "-")) for metric in shown]
        champion = step.against.get(task)
        difference = f"{step.differences[PRIMARY_METRIC[task]].signed} {champion}" if champion else "-"
        style = "bold" if climb.champions.get(task) == step.rung.name else None
        table.add_row(step.rung.name, *cells, difference, f"{step.fit_s:.1f}", style=style)
    return table


def _labeled_tasks(labels: Labels) -> set[str]:
    return {task for task in TASKS if PRIMARY_METRIC[task] in available_metrics(labels)}


def _heading(metric: str) -> str:
    return label_metric(metric, metric.split(".")[1].replace("_", " "))


def _task_of(metric: str) -> str:
    return metric.split(".")[0]


def _predict(
    rungs: Sequence[Rung], datasets: Sequence[Dataset], settings: EvaluationSettings, start: StartProgress
) -> dict[str, OutOfFold]:
    """Compute out-of-fold predictions by rung; rungs with the same feature frame are fitted together."""
    repeats = repeated_folds(datasets[0].labels.overturned, datasets[0].groups, settings)
    predicted: dict[str, OutOfFold] = {}
    for dataset in {id(dataset.frame): dataset for dataset in datasets}.values():
        builders = {
            rung.name: rung.build
            for rung, rung_data in zip(rungs, datasets, strict=True)
            if rung_data.frame is dataset.frame
        }
        predicted |= out_of_fold(dataset, builders, repeats, settings.jobs, start, "climbing the ladder")
    return predicted


def _measure_fit(rung: Rung, dataset: Dataset) -> float:
    """Return the seconds to fit a rung."""
    start_s = perf_counter()
    rung.build().fit(dataset.frame, dataset.labels, dataset.groups)
    return perf_counter() - start_s


def _compare(
    rungs: Sequence[Rung],
    predicted: dict[str, OutOfFold],
    fits_s: Sequence[float],
    tested: Dataset,
    settings: EvaluationSettings,
) -> tuple[tuple[Step, ...], dict[str, str]]:
    """Return a step for each rung in turn, and the final champion of each task."""
    available, labeled = available_metrics(tested.labels), _labeled_tasks(tested.labels)
    metrics = {rung.name: [metric for metric in available if _task_of(metric) in rung.tasks] for rung in rungs}
    pairs = [(name, metric) for name, rung_metrics in metrics.items() for metric in rung_metrics]
    bootstrap = bootstrap_metrics(predicted, pairs, tested.labels, tested.groups, settings)
    champions: dict[str, str] = {}
    steps = []
    for rung, fit_s in zip(rungs, fits_s, strict=True):
        name, against = rung.name, {task: champions[task] for task in rung.tasks if task in champions}
        differences = {
            metric: bootstrap.difference((name, metric), (against[_task_of(metric)], metric))
            for metric in metrics[name]
            if _task_of(metric) in against
        }
        estimates = {metric: bootstrap.estimate((name, metric)) for metric in metrics[name]}
        steps.append(Step(rung, predicted[name], fit_s, estimates, against, differences))
        for task in rung.tasks:
            if task in labeled and (task not in against or is_better(differences, task)):
                champions[task] = name
    return tuple(steps), champions
