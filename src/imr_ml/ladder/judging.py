"""Replace a champion only where chance does not explain the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Labels
from imr_ml.evaluation.comparison import LESS_IS_BETTER, metric_of, metrics_of
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Bootstrap, Estimate
from imr_ml.evaluation.settings import EvaluationSettings
from imr_ml.ladder.reading import TASKS, Rung

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
