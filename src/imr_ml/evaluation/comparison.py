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
LOWER_IS_BETTER = frozenset({"outcome.brier", "outcome.expected_calibration_error"})
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
"""Name -> metric. For the Matthews correlation, a probability above the base rate predicts overturned."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Metrics of predictors on the same requests.

    Attributes
    ----------
    estimates : dict
        Predictor (``"model"`` or a baseline) -> metric -> `Estimate`.
    differences : dict
        Baseline -> metric -> `Estimate` of model minus baseline on the same resamples.
    """

    estimates: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]


def baselines_for(metric: str) -> tuple[str, ...]:
    """Return the baselines that have a metric."""
    return _BASELINES_OF[metric.split(".")[0]]


def available_metrics(labels: Labels) -> tuple[str, ...]:
    """Return the metrics that the labels allow; without families, only outcome metrics."""
    return tuple(metric for metric in METRICS if labels.families_known or not metric.startswith("family."))


def label_metric(metric: str, title: str = "") -> str:
    """Return the title of a metric (its name by default), with a note if lower is better."""
    return f"{title or metric} (lower is better)" if metric in LOWER_IS_BETTER else title or metric


def predictors(build: Callable[[], Predictor], labels: Labels) -> dict[str, Callable[[], Predictor]]:
    """Return functions that build the model and the baselines, by name; `labels` are those of the tested requests."""
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
    """Compute every metric of the model and its baselines, with intervals over cases.

    Parameters
    ----------
    predicted : dict of OutOfFold
        Predictions of the model and each baseline for the same requests.
    labels : Labels
    groups : (requests,) int
        Case of each request, numbered from 0.
    settings : EvaluationSettings
    """
    pairs = [(name, metric) for metric in available_metrics(labels) for name in (MODEL, *baselines_for(metric))]
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
    """Compute metrics of predictors on the same resamples of the cases.

    Parameters
    ----------
    predicted : dict of OutOfFold
        By predictor, for the same requests.
    pairs : iterable of (str, str)
        Predictor and metric.
    labels : Labels
    groups : (requests,) int
        Case of each request, numbered from 0.
    settings : EvaluationSettings
        Only the number of resamples and the seed are used.
    """
    computed = {(name, metric): metric_function(predicted[name], labels, metric) for name, metric in pairs}
    repeats = len(next(iter(predicted.values())).repeats)
    return Bootstrap.over_cases(computed, groups, repeats, settings.resamples, settings.seed)


def metric_function(predicted: OutOfFold, labels: Labels, metric: str) -> Metric:
    """Return a function of repeat and request weights that computes a metric of out-of-fold predictions.

    Parameters
    ----------
    predicted : OutOfFold
    labels : Labels
    metric : str
    """
    compute = METRICS[metric]
    return lambda repeat, weights: compute(labels, predicted.repeats[repeat], weights)


def values_by_fold(predicted: OutOfFold, labels: Labels, fold_of: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Compute each metric by fold, shape (repeats, folds); NaN for a fold in which it is undefined.

    Parameters
    ----------
    predicted : OutOfFold
    labels : Labels
    fold_of : (repeats, requests) int
        Fold in which each request was held out.
    """
    weights = [
        np.array([numbers == fold for fold in range(numbers.max() + 1)], dtype=np.float64) for numbers in fold_of
    ]
    return {
        metric: np.array(
            [
                METRICS[metric](labels, predictions, fold_weights)
                for predictions, fold_weights in zip(predicted.repeats, weights, strict=True)
            ]
        )
        for metric in available_metrics(labels)
    }


def best_reachable(truth: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Compute metrics of the probabilities that sample letters were drawn with, with 95 % intervals over cases.

    These probabilities use every fact that a letter states before the decision, with its true effect, but neither
    chance nor the reviewer's preference for a guideline. A model that scores better on as many letters was lucky, or
    had access to the decision.

    Parameters
    ----------
    truth : DataFrame
        One row per item, as `imr-ml sample` writes it beside the letters: ``case_number``, ``outcome``, ``families``,
        ``p_overturned`` and ``p_<family>``.
    resamples, seed : int
        Number of bootstrap resamples and their seed.

    Returns
    -------
    dict of Estimate
        By the names of `METRICS`. Sets of families use the threshold with the best micro F1 on these items.
    """
    labels, predictions = labels_of(truth), true_predictions(truth)
    groups = truth["case_number"].factorize()[0].astype(np.int64)
    settings = EvaluationSettings(resamples=resamples, seed=seed)
    pairs = [(MODEL, metric) for metric in METRICS]
    bootstrap = bootstrap_metrics({MODEL: OutOfFold((predictions,))}, pairs, labels, groups, settings)
    return {metric: bootstrap.estimate((MODEL, metric)) for metric in METRICS}


def true_predictions(truth: pd.DataFrame) -> Predictions:
    """Return the probabilities that items were drawn with, as predictions."""
    cited = truth[[f"p_{family}" for family in FAMILIES]].to_numpy(dtype=float)
    return Predictions(truth["p_overturned"].to_numpy(dtype=float), cited, _best_sets(cited, labels_of(truth)))


def _best_sets(probability: NDArray[np.float64], labels: Labels) -> NDArray[np.bool_]:
    ones = np.ones((1, len(probability)))
    candidates = (family_sets(probability, float(threshold)) for threshold in _THRESHOLDS)
    return max(candidates, key=lambda sets: float(f1_micro(labels.families, sets, ones)[0]))
