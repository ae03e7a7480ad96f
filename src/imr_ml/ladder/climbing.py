"""Evaluate every rung of the ladder on the same folds; a champion is replaced only beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.classifiers.types import Dataset, Labels
from imr_ml.evaluation.comparison import LESS_IS_BETTER, bootstrap_metrics, metrics_of
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold, run_parallel
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, repeated_folds, tested_part
from imr_ml.ladder.reading import TASKS, Rung, base_rung, read_frames
from imr_ml.nlp.types import NlpSettings
from imr_ml.progress import StartProgress, silent

if TYPE_CHECKING:
    from rich.table import Table

JUDGED_BY = {"outcome": "outcome.roc_auc", "family": "family.f1_micro"}
"""Task -> the metric in which a rung must be better."""
NOT_WORSE_IN = {"outcome": "outcome.brier", "family": "family.f1_macro"}
"""Task -> the metric in which it must not be worse beyond chance."""


@dataclass(frozen=True, slots=True)
class Step:
    """Measurements of one rung.

    Attributes
    ----------
    fit_s : float
        Seconds to fit it on all requests, in one process.
    estimates : dict of Estimate
        By metric, of the tasks that the rung is compared in.
    against : dict of str
        Task -> the champion that it met; nothing for the first.
    differences : dict of Estimate
        Metric -> this rung minus the champion that it met, over the same resamples.
    """

    rung: Rung
    out_of_fold: OutOfFold
    fit_s: float
    estimates: dict[str, Estimate]
    against: dict[str, str]
    differences: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Climb:
    """The rungs, from simple to complex.

    Attributes
    ----------
    champions : dict of str
        Task -> rung.
    settings : EvaluationSettings
        With the repeats that were run.
    """

    steps: tuple[Step, ...]
    champions: dict[str, str]
    settings: EvaluationSettings


def climb(
    dataset: Dataset,
    settings: EvaluationSettings,
    rungs: Sequence[Rung],
    frames: Mapping[NlpSettings, pd.DataFrame] | None = None,
    start: StartProgress = silent,
) -> Climb:
    """Compare the base rate and every rung by repeated cross-validation grouped by case.

    A rung becomes champion of a task if the paired interval of its difference to the champion lies above zero in the
    metric that the task is judged by, and does not lie on the worse side of zero in the one that guards it; otherwise
    the simpler one stays.

    Parameters
    ----------
    dataset : Dataset
    settings : EvaluationSettings
    rungs : sequence of Rung
        From simple to complex; see `imr_ml.ladder.reading.read_rungs`.
    frames : dict of DataFrame, optional
        Feature frames of the same requests, for rungs that read them otherwise than the data set does.
    start : callable, optional
        Starts a progress bar over the fits of the cross-validation, then one over those on all requests.

    Raises
    ------
    SplitError
        Where there are too few cases of either outcome for the folds.
    """
    settings = settings.for_requests(len(dataset))
    tested = tested_part(dataset, repeated_folds(dataset.labels.overturned, dataset.groups, settings))
    tasks = _known_tasks(tested.labels)
    climbed = (base_rung(tested.labels), *(rung for rung in rungs if tasks & set(rung.tasks)))
    known = frames or {}
    datasets = [
        dataset if rung.nlp is None else replace(dataset, frame=known.get(rung.nlp, dataset.frame)) for rung in climbed
    ]
    predicted = _predict(climbed, datasets, settings, start)
    progress = start("fitting each rung on all requests", len(climbed))
    fits_s = list(run_parallel(_fit_time, zip(climbed, datasets, strict=True), settings.jobs, progress))
    steps, champions = _compare(climbed, predicted, fits_s, tested, settings)
    return Climb(steps, champions, settings)


def climb_requests(
    requests: pd.DataFrame,
    settings: EvaluationSettings,
    rungs: Sequence[Rung],
    start: StartProgress = silent,
) -> Climb:
    """`climb` on decided requests, each read as the rungs need it.

    Parameters
    ----------
    requests : DataFrame
    settings : EvaluationSettings
    rungs : sequence of Rung
    start : callable, optional
        Starts a progress bar.
    """
    dataset = Dataset.from_table(requests, NlpSettings(), start)
    frames = read_frames(requests, rungs, {NlpSettings(): dataset.frame}, start)
    return climb(dataset, settings, rungs, frames, start)


def is_better(differences: dict[str, Estimate], task: str) -> bool:
    """Whether a rung is better than the champion beyond chance, and not worse beyond chance where that is guarded."""
    guard = NOT_WORSE_IN[task]
    guarded = differences[guard]
    worse = guarded.low > 0 if guard in LESS_IS_BETTER else guarded.high < 0
    return differences[JUDGED_BY[task]].low > 0 and not worse


def climb_table(climb: Climb, task: str, metrics: tuple[str, ...] = ()) -> Table:
    """One row per rung compared in the task: its metrics, its difference to the champion it met, seconds to fit.

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
    for heading in (*map(_heading, shown), f"{_heading(JUDGED_BY[task])} beside the champion", "fit, s"):
        table.add_column(heading, justify="right")
    for step in evaluated:
        cells = [str(step.estimates.get(metric, "-")) for metric in shown]
        champion = step.against.get(task)
        beside = f"{step.differences[JUDGED_BY[task]].signed} {champion}" if champion else "-"
        style = "bold" if climb.champions.get(task) == step.rung.name else None
        table.add_row(step.rung.name, *cells, beside, f"{step.fit_s:.1f}", style=style)
    return table


def _known_tasks(labels: Labels) -> set[str]:
    return {task for task in TASKS if JUDGED_BY[task] in metrics_of(labels)}


def _heading(metric: str) -> str:
    name = metric.split(".")[1].replace("_", " ")
    return f"{name} (less is better)" if metric in LESS_IS_BETTER else name


def _task_of(metric: str) -> str:
    return metric.split(".")[0]


def _predict(
    rungs: Sequence[Rung], datasets: Sequence[Dataset], settings: EvaluationSettings, start: StartProgress
) -> dict[str, OutOfFold]:
    """Out-of-fold predictions by rung; rungs that read the texts alike are fitted together."""
    repeats = repeated_folds(datasets[0].labels.overturned, datasets[0].groups, settings)
    predicted: dict[str, OutOfFold] = {}
    for frame in {id(part.frame): part.frame for part in datasets}.values():
        builders = {rung.name: rung.build for rung, part in zip(rungs, datasets, strict=True) if part.frame is frame}
        alike = replace(datasets[0], frame=frame)
        predicted |= out_of_fold(alike, builders, repeats, settings.jobs, start, "climbing the ladder")
    return predicted


def _fit_time(rung: Rung, dataset: Dataset) -> float:
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
    """A step for each rung in turn, and the final champion of each task."""
    metrics = {
        rung.name: [metric for metric in metrics_of(tested.labels) if _task_of(metric) in rung.tasks] for rung in rungs
    }
    pairs = [(name, metric) for name, of_rung in metrics.items() for metric in of_rung]
    bootstrap = bootstrap_metrics(predicted, pairs, tested.labels, tested.groups, settings)
    champions: dict[str, str] = {}
    known, steps = _known_tasks(tested.labels), []
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
            if task in known and (task not in against or is_better(differences, task)):
                champions[task] = name
    return tuple(steps), champions
