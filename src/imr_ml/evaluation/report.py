"""The evaluation: every metric with its interval, beside each baseline, on the same grouped folds.

Knows which metrics there are and what they compare. Knows nothing of MLflow or of drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.classifiers import Labels, Predictions, Predictor, outcome_sets
from imr_ml.evaluation import metrics
from imr_ml.evaluation.baselines import BaseRate, PlainText, UrFamilies
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.intervals import Estimate, Metric, estimate, resampled
from imr_ml.evaluation.metrics import Values, Weights
from imr_ml.evaluation.splits import grouped_folds

MODEL = "model"
_SMALL_TABLE = 2000
_REPEATS_OF_SMALL_TABLE = 5

_Computed = Callable[[Labels, Predictions, Weights], Values]
METRICS: dict[str, _Computed] = {
    "outcome.roc_auc": lambda true, said, w: metrics.roc_auc(true.overturned, said.p_overturned, w),
    "outcome.average_precision": lambda true, said, w: metrics.average_precision(true.overturned, said.p_overturned, w),
    "outcome.brier": lambda true, said, w: metrics.brier(true.overturned, said.p_overturned, w),
    "outcome.matthews": lambda true, said, w: metrics.matthews(
        true.overturned, said.p_overturned > true.overturned.mean(), w
    ),
    "family.f1_micro": lambda true, said, w: metrics.f1_micro(true.families, said.family_set, w),
    "family.f1_macro": lambda true, said, w: metrics.f1_macro(true.families, said.family_set, w),
    "family.top_cited": lambda true, said, w: metrics.top_family_cited(true.families, said.family_probability, w),
}
"""Name -> metric. The Matthews correlation takes a request as overturned above the base rate's probability."""

LESS_IS_BETTER = frozenset({"outcome.brier"})
_BASELINES_OF = {
    "outcome": ("base_rate", "plain_tfidf"),
    "family": ("base_rate", "ur_families", "plain_tfidf"),
}


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes
    ----------
    folds : int
    repeats : int
        Cross-validations with different folds; 0 takes 5 for tables under 2,000 requests and 1 above.
    resamples : int
        Bootstrap resamples of the cases.
    seed : int
    jobs : int
        Processes; -1 for all cores.
    stratify : bool
        Whether folds are stratified by outcome besides being grouped by case.
    """

    folds: int = 5
    repeats: int = 0
    resamples: int = 1000
    seed: int = 0
    jobs: int = -1
    stratify: bool = True


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes
    ----------
    estimates : dict
        Predictor (``"model"`` or a baseline) -> metric -> `Estimate`.
    differences : dict
        Baseline -> metric -> `Estimate` of model minus baseline over the same resamples.
    labels : Labels
    out_of_fold : OutOfFold
        The model's.
    settings : EvaluationSettings
        With the repeats that were run.
    """

    estimates: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]
    labels: Labels
    out_of_fold: OutOfFold
    settings: EvaluationSettings


def baselines_of(metric: str) -> tuple[str, ...]:
    """Baselines that a metric stands beside."""
    return _BASELINES_OF[metric.split(".")[0]]


def evaluate(
    frame: pd.DataFrame,
    labels: Labels,
    groups: NDArray[np.int64],
    build: Callable[[], Predictor],
    settings: EvaluationSettings,
    progress: Callable[[int], object] | None = None,
) -> Evaluation:
    """Evaluate a model and the baselines by repeated cross-validation grouped by case.

    Raises
    ------
    SplitError
        Where there are too few cases of either outcome for the folds.
    """
    settings = _with_repeats(settings, len(frame))
    repeats = [
        grouped_folds(labels.overturned, groups, settings.folds, settings.seed + repeat, stratify=settings.stratify)
        for repeat in range(settings.repeats)
    ]
    builders: dict[str, Callable[[], Predictor]] = {
        MODEL: build,
        "base_rate": lambda: BaseRate(labels),
        "ur_families": UrFamilies,
        "plain_tfidf": PlainText,
    }
    predicted = out_of_fold(frame, labels, groups, builders, repeats, settings.jobs, progress)
    estimates, differences = _estimated(predicted, labels, groups, settings)
    return Evaluation(estimates, differences, labels, predicted[MODEL], settings)


def fits_needed(settings: EvaluationSettings, requests: int) -> int:
    """How many predictors `evaluate` fits, for a progress bar."""
    return 4 * settings.folds * _with_repeats(settings, requests).repeats


def measured_coverage(evaluation: Evaluation, groups: NDArray[np.int64], coverage: float) -> dict[str, float]:
    """How often conformal sets hold the outcome, and how often they leave one outcome that is also the likelier.

    Thresholds from one half of the cases are tried on the other half, and then the other way round.
    """
    p_overturned, overturned = evaluation.out_of_fold.mean_p_overturned, evaluation.labels.overturned
    first = np.random.default_rng(evaluation.settings.seed).permutation(int(groups.max()) + 1)[groups] % 2 == 0
    held, confident = np.zeros((len(groups), 2), dtype=bool), np.zeros(len(groups), dtype=bool)
    for fitted in (first, ~first):
        sets = outcome_sets(p_overturned[fitted], overturned[fitted], groups[fitted], coverage)
        held[~fitted], confident[~fitted] = sets(p_overturned[~fitted]), sets.confident(p_overturned[~fitted])
    return {
        "conformal.coverage": float(held[np.arange(len(held)), overturned.astype(int)].mean()),
        "conformal.coverage_overturned": float(held[overturned, 1].mean()),
        "conformal.confident": float(confident.mean()),
    }


def _with_repeats(settings: EvaluationSettings, requests: int) -> EvaluationSettings:
    from dataclasses import replace

    automatic = _REPEATS_OF_SMALL_TABLE if requests < _SMALL_TABLE else 1
    return replace(settings, repeats=settings.repeats or automatic)


def _estimated(
    predicted: dict[str, OutOfFold], labels: Labels, groups: NDArray[np.int64], settings: EvaluationSettings
) -> tuple[dict[str, dict[str, Estimate]], dict[str, dict[str, Estimate]]]:
    pairs = [(name, metric) for metric in METRICS for name in (MODEL, *baselines_of(metric))]
    computed = {f"{name} {metric}": _metric(METRICS[metric], labels, predicted[name]) for name, metric in pairs}
    values = resampled(computed, groups, settings.repeats, settings.resamples, settings.seed)
    estimates: dict[str, dict[str, Estimate]] = {}
    differences: dict[str, dict[str, Estimate]] = {}
    for name, metric in pairs:
        own, models = f"{name} {metric}", f"{MODEL} {metric}"
        estimates.setdefault(name, {})[metric] = estimate(computed[own], values[own], len(groups), settings.repeats)
        if name != MODEL:
            difference = _difference(computed[models], computed[own])
            differences.setdefault(name, {})[metric] = estimate(
                difference, values[models] - values[own], len(groups), settings.repeats
            )
    return estimates, differences


def _metric(compute: _Computed, labels: Labels, predicted: OutOfFold) -> Metric:
    return lambda repeat, weights: compute(labels, predicted.repeats[repeat], weights)


def _difference(first: Metric, second: Metric) -> Metric:
    return lambda repeat, weights: first(repeat, weights) - second(repeat, weights)
