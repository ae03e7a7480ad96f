"""Evaluate every rung of the ladder on the same folds and select the champions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset, Labels
from imr_ml.evaluation.comparison import LESS_IS_BETTER, metric_of, metrics_of
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.intervals import Bootstrap, Estimate
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
class Judgement:
    """A rung's metrics, and its differences to the champion.

    Attributes
    ----------
    estimates : dict of Estimate
        By metric, of the tasks that the rung is judged in.
    against : dict of str
        Task -> the champion that it met; nothing for the first.
    differences : dict of Estimate
        Metric -> this rung minus the champion that it met, over the same resamples.
    """

    estimates: dict[str, Estimate]
    against: dict[str, str]
    differences: dict[str, Estimate]


def judge(
    rungs: Sequence[Rung],
    predicted: dict[str, OutOfFold],
    labels: Labels,
    groups: NDArray[np.int64],
    settings: EvaluationSettings,
) -> tuple[list[Judgement], dict[str, str]]:
    """A judgement of each rung in turn, and the final champion of each task.

    Parameters
    ----------
    rungs : sequence of Rung
        From simple to complex.
    predicted : dict of OutOfFold
        By rung, all on the same folds.
    labels : Labels
    groups : (requests,) int
    settings : EvaluationSettings
    """
    compared = _compared(rungs, predicted, labels, groups, settings)
    champions: dict[str, str] = {}
    judgements = []
    for rung in rungs:
        judgement = _judgement(rung, compared, {task: champions[task] for task in rung.tasks if task in champions})
        judgements.append(judgement)
        for task in set(rung.tasks) & set(tasks_of(labels)):
            if task not in judgement.against or is_better(judgement.differences, task):
                champions[task] = rung.name
    return judgements, champions


def is_better(differences: dict[str, Estimate], task: str) -> bool:
    """Whether a rung is better than the champion beyond chance, and not worse beyond chance where that is guarded."""
    guard = NOT_WORSE_IN[task]
    guarded = differences[guard]
    worse = guarded.low > 0 if guard in LESS_IS_BETTER else guarded.high < 0
    return differences[JUDGED_BY[task]].low > 0 and not worse


def tasks_of(labels: Labels) -> tuple[str, ...]:
    """Tasks that the labels allow to judge."""
    return tuple(task for task in TASKS if JUDGED_BY[task] in metrics_of(labels))


def task_of(metric: str) -> str:
    """``"outcome"`` or ``"family"``."""
    return metric.split(".")[0]


def _compared(
    rungs: Sequence[Rung],
    predicted: dict[str, OutOfFold],
    labels: Labels,
    groups: NDArray[np.int64],
    settings: EvaluationSettings,
) -> Bootstrap[tuple[str, str]]:
    computed = {
        (rung.name, metric): metric_of(predicted[rung.name], labels, metric)
        for rung in rungs
        for metric in metrics_of(labels)
        if task_of(metric) in rung.tasks
    }
    return Bootstrap.over_cases(computed, groups, settings.repeats, settings.resamples, settings.seed)


def _judgement(rung: Rung, compared: Bootstrap[tuple[str, str]], against: dict[str, str]) -> Judgement:
    metrics = [metric for name, metric in compared.metrics if name == rung.name]
    return Judgement(
        estimates={metric: compared.estimate((rung.name, metric)) for metric in metrics},
        against=against,
        differences={
            metric: compared.difference((rung.name, metric), (against[task_of(metric)], metric))
            for metric in metrics
            if task_of(metric) in against
        },
    )


@dataclass(frozen=True, slots=True)
class Step:
    """Measurements of one rung.

    Attributes
    ----------
    rung : Rung
    judgement : Judgement
    out_of_fold : OutOfFold
    fit_s : float
        Seconds to fit it on all requests, in one process.
    """

    rung: Rung
    judgement: Judgement
    out_of_fold: OutOfFold
    fit_s: float

    @property
    def estimates(self) -> dict[str, Estimate]:
        """By metric, of the tasks that the rung is compared in."""
        return self.judgement.estimates


@dataclass(frozen=True, slots=True)
class Climb:
    """The rungs, from simple to complex.

    Attributes
    ----------
    steps : tuple of Step
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
    """Judge the base rate and every rung by repeated cross-validation grouped by case.

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
    labels, groups = tested.labels, tested.groups
    tasks_known = set(tasks_of(labels))
    climbed = (base_rung(labels), *(rung for rung in rungs if tasks_known & set(rung.tasks)))
    known = frames or {}
    datasets = [
        dataset if rung.nlp is None else replace(dataset, frame=known.get(rung.nlp, dataset.frame)) for rung in climbed
    ]
    predicted = _predicted(climbed, datasets, settings, start)
    fits_s = _fit_times(climbed, datasets, settings.jobs, start)
    judgements, champions = judge(climbed, predicted, labels, groups, settings)
    steps = zip(climbed, judgements, fits_s, strict=True)
    return Climb(
        tuple(Step(rung, judgement, predicted[rung.name], fit_s) for rung, judgement, fit_s in steps),
        champions,
        settings,
    )


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
    dataset = Dataset.of(requests, NlpSettings(), start)
    frames = read_frames(requests, rungs, {NlpSettings(): dataset.frame}, start)
    return climb(dataset, settings, rungs, frames, start)


def _predicted(
    rungs: Sequence[Rung], datasets: Sequence[Dataset], settings: EvaluationSettings, start: StartProgress
) -> dict[str, OutOfFold]:
    """Out-of-fold predictions by rung; rungs that read the texts alike are fitted together."""
    repeats = repeated_folds(datasets[0].labels.overturned, datasets[0].groups, settings)
    predicted: dict[str, OutOfFold] = {}
    for frame in {id(one.frame): one.frame for one in datasets}.values():
        builders = {rung.name: rung.build for rung, one in zip(rungs, datasets, strict=True) if one.frame is frame}
        alike = replace(datasets[0], frame=frame)
        predicted |= out_of_fold(alike, builders, repeats, settings.jobs, start, "climbing the ladder")
    return predicted


def _fit_times(rungs: Sequence[Rung], datasets: Sequence[Dataset], jobs: int, start: StartProgress) -> list[float]:
    """Seconds to fit each rung on all requests."""
    from joblib import Parallel, delayed

    progress = start("fitting each rung on all requests", len(rungs))
    run = Parallel(n_jobs=jobs, return_as="generator")
    fits_s = []
    for fit_s in run(delayed(_fit_time)(rung, dataset) for rung, dataset in zip(rungs, datasets, strict=True)):
        fits_s.append(fit_s)
        progress(1)
    return fits_s


def _fit_time(rung: Rung, dataset: Dataset) -> float:
    start_s = perf_counter()
    rung.build().fit(dataset.frame, dataset.labels, dataset.groups)
    return perf_counter() - start_s


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

    from imr_ml.ladder.climbing import JUDGED_BY

    evaluated = [step for step in climb.steps if task in step.rung.tasks]
    shown = metrics or tuple(name for name in evaluated[0].estimates if name.startswith(f"{task}."))
    settings = climb.settings
    table = Table(
        title=f"{task}: {settings.folds} folds by case x {settings.repeats}; 95 % intervals over cases",
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
    from imr_ml.ladder.climbing import JUDGED_BY

    against = step.judgement.against.get(task)
    if against is None:
        return "-"
    difference = step.judgement.differences[JUDGED_BY[task]]
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}] {against}"
