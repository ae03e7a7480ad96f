"""Define the metrics, compare predictors by paired differences, and compute the best reachable metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.types import Labels, Predictions, Predictor, labels_of
from imr_ml.evaluation import metrics
from imr_ml.evaluation.baselines import BaseRate, PlainText, UrFamilies
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Bootstrap, Estimate, Metric
from imr_ml.evaluation.metrics import Values, Weights, f1_micro
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    import pandas as pd


MODEL = "model"

Computed = Callable[[Labels, Predictions, Weights], Values]
LESS_IS_BETTER = frozenset({"outcome.brier", "outcome.expected_calibration_error"})
_BASELINES_OF = {
    "outcome": ("base_rate", "plain_tfidf"),
    "family": ("base_rate", "ur_families", "plain_tfidf"),
}
_THRESHOLDS = np.linspace(0.2, 0.6, 41)


def _of_outcome(compute: Callable[[NDArray[np.bool_], NDArray[np.float64], Weights], Values]) -> Computed:
    return lambda labels, predictions, weights: compute(labels.overturned, predictions.p_overturned, weights)


def _of_sets(compute: Callable[[NDArray[np.bool_], NDArray[np.bool_], Weights], Values]) -> Computed:
    return lambda labels, predictions, weights: compute(labels.families, predictions.family_set, weights)


METRICS: dict[str, Computed] = {
    "outcome.roc_auc": _of_outcome(metrics.roc_auc),
    "outcome.average_precision": _of_outcome(metrics.average_precision),
    "outcome.brier": _of_outcome(metrics.brier),
    "outcome.brier_skill": _of_outcome(metrics.brier_skill),
    "outcome.expected_calibration_error": _of_outcome(metrics.expected_calibration_error),
    "outcome.matthews": lambda labels, predictions, weights: metrics.matthews(
        labels.overturned, predictions.p_overturned > labels.overturned.mean(), weights
    ),
    "family.f1_micro": _of_sets(metrics.f1_micro),
    "family.f1_macro": _of_sets(metrics.f1_macro),
    "family.top_cited": lambda labels, predictions, weights: metrics.top_family_cited(
        labels.families, predictions.family_probability, weights
    ),
}
"""Name -> metric. The Matthews correlation takes a request as overturned above the base rate's probability."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Predictors on the same requests.

    Attributes
    ----------
    estimates : dict
        Predictor (``"model"`` or a baseline) -> metric -> `Estimate`.
    differences : dict
        Baseline -> metric -> `Estimate` of model minus baseline over the same resamples.
    """

    estimates: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]


def baselines_of(metric: str) -> tuple[str, ...]:
    """Baselines that a metric is compared with."""
    return _BASELINES_OF[metric.split(".")[0]]


def metrics_of(labels: Labels) -> tuple[str, ...]:
    """Metrics that the labels allow; without families, outcome metrics only."""
    return tuple(metric for metric in METRICS if labels.families_known or not metric.startswith("family."))


def predictors(build: Callable[[], Predictor], labels: Labels) -> dict[str, Callable[[], Predictor]]:
    """Builders of the model and the baselines, for requests with these labels; every fold builds its own."""
    builders: dict[str, Callable[[], Predictor]] = {MODEL: build, "base_rate": lambda: BaseRate(labels)}
    if labels.families_known:
        builders["ur_families"] = UrFamilies
    return {**builders, "plain_tfidf": PlainText}


def compare(
    predicted: dict[str, OutOfFold],
    labels: Labels,
    groups: NDArray[np.int64],
    settings: EvaluationSettings,
) -> Comparison:
    """Every metric of the model and of its baselines, with intervals over cases.

    Parameters
    ----------
    predicted : dict of OutOfFold
        Of the model and of each baseline, for the same requests.
    labels : Labels
    groups : (requests,) int
        Counted from 0.
    settings : EvaluationSettings
    """
    pairs = [(name, metric) for metric in metrics_of(labels) for name in (MODEL, *baselines_of(metric))]
    bootstrap = bootstrap_metrics(predicted, pairs, labels, groups, settings)
    estimates: dict[str, dict[str, Estimate]] = {}
    differences: dict[str, dict[str, Estimate]] = {}
    for name, metric in pairs:
        estimates.setdefault(name, {})[metric] = bootstrap.estimate((name, metric))
        if name != MODEL:
            differences.setdefault(name, {})[metric] = bootstrap.difference((MODEL, metric), (name, metric))
    return Comparison(estimates, differences)


def bootstrap_metrics(
    predicted: Mapping[str, OutOfFold],
    pairs: Iterable[tuple[str, str]],
    labels: Labels,
    groups: NDArray[np.int64],
    settings: EvaluationSettings,
) -> Bootstrap[tuple[str, str]]:
    """Metrics of predictors over the same resamples of the cases.

    Parameters
    ----------
    predicted : dict of OutOfFold
        By predictor, for the same requests.
    pairs : iterable of (str, str)
        Predictor and metric.
    labels : Labels
    groups : (requests,) int
        Counted from 0.
    settings : EvaluationSettings
        Its resamples and seed.
    """
    computed = {(name, metric): metric_of(predicted[name], labels, metric) for name, metric in pairs}
    repeats = len(next(iter(predicted.values())).repeats)
    return Bootstrap.over_cases(computed, groups, repeats, settings.resamples, settings.seed)


def metric_of(predicted: OutOfFold, labels: Labels, metric: str) -> Metric:
    """A metric of out-of-fold predictions as a function of row weights.

    Parameters
    ----------
    predicted : OutOfFold
    labels : Labels
    metric : str
    """
    compute = METRICS[metric]
    return lambda repeat, weights: compute(labels, predicted.repeats[repeat], weights)


def values_by_fold(predicted: OutOfFold, labels: Labels, fold_of: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Each metric by fold, shape (repeats, folds); NaN where a fold leaves it undefined.

    Parameters
    ----------
    predicted : OutOfFold
    labels : Labels
    fold_of : (repeats, requests) int
        In which fold each request was held out.
    """
    weights = [np.array([numbers == fold for fold in range(numbers.max() + 1)]) for numbers in fold_of]
    return {
        metric: np.array(
            [
                METRICS[metric](labels, predictions, of_fold.astype(np.float64))
                for predictions, of_fold in zip(predicted.repeats, weights, strict=True)
            ]
        )
        for metric in metrics_of(labels)
    }


def best_reachable(truth: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Metrics of the probabilities that the letters were drawn with, with 95 % intervals over cases.

    One who says these knows every fact that a letter states before the decision and how each counts; neither chance nor
    the reviewer's liking for a guideline. A model that does better on so many letters was lucky, or saw the decision.

    Parameters
    ----------
    truth : DataFrame
        One row per item, as `imr-ml sample` writes it beside the letters: ``case_number``, ``outcome``, ``families``,
        ``p_overturned`` and ``p_<family>``.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    dict of Estimate
        By the names of `METRICS`. Sets of families are cut at the threshold that gives the best micro F1 here.
    """
    labels, predictions = labels_of(truth), true_predictions(truth)
    groups = truth["case_number"].factorize()[0].astype(np.int64)
    settings = EvaluationSettings(resamples=resamples, seed=seed)
    pairs = [(MODEL, metric) for metric in METRICS]
    bootstrap = bootstrap_metrics({MODEL: OutOfFold((predictions,))}, pairs, labels, groups, settings)
    return {metric: bootstrap.estimate((MODEL, metric)) for metric in METRICS}


def true_predictions(truth: pd.DataFrame) -> Predictions:
    """The probabilities that items were drawn with, as predictions."""
    cited = truth[[f"p_{family}" for family in FAMILIES]].to_numpy(dtype=float)
    return Predictions(truth["p_overturned"].to_numpy(dtype=float), cited, _best_sets(cited, labels_of(truth)))


def _best_sets(probability: NDArray[np.float64], labels: Labels) -> NDArray[np.bool_]:
    ones = np.ones((1, len(probability)))
    sets = (family_sets(probability, float(threshold)) for threshold in _THRESHOLDS)
    return max(sets, key=lambda sets_cited: float(f1_micro(labels.families, sets_cited, ones)[0]))
