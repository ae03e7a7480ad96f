"""Compute metrics of weighted requests for many resamples at once.

Each function takes weights of shape (resamples, requests) and returns one value per resample: a bootstrap over cases
weights each request by how often its case was drawn. With all weights 1, the values equal those of scikit-learn's
metrics of the same name, which would sort and count again for every resample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
Values = NDArray[np.float64]


def roc_auc(truth: NDArray[np.bool_], score: NDArray[np.float64], weights: Weights) -> Values:
    """Area under the ROC curve; ties count half. NaN for a resample with a single outcome.

    Parameters
    ----------
    truth : (requests,) bool
    score : (requests,) float
        Larger means more likely true.
    weights : (resamples, requests) float
    """
    positive, negative = _by_score(truth, score, weights)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    return _ratio(wins, positive.sum(axis=1) * negative.sum(axis=1))


def average_precision(truth: NDArray[np.bool_], score: NDArray[np.float64], weights: Weights) -> Values:
    """Average precision: the mean precision at each threshold, weighted by the gain in recall.

    Parameters
    ----------
    truth : (requests,) bool
        Whether each request was overturned.
    score : (requests,) float
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    positive, negative = (counts[:, ::-1] for counts in _by_score(truth, score, weights))
    hits = np.cumsum(positive, axis=1)
    precision = _ratio(hits, hits + np.cumsum(negative, axis=1), empty=0.0)
    return _ratio((positive * precision).sum(axis=1), positive.sum(axis=1))


def brier(truth: NDArray[np.bool_], probability: NDArray[np.float64], weights: Weights) -> Values:
    """Mean squared difference of probability and outcome.

    Parameters
    ----------
    truth : (requests,) bool
        Whether each request was overturned.
    probability : (requests,) float
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    return _ratio(weights @ (probability - truth) ** 2, weights.sum(axis=1))


def brier_skill(truth: NDArray[np.bool_], probability: NDArray[np.float64], weights: Weights) -> Values:
    """1 - Brier / Brier of the base rate: above 0 is better than predicting the base rate for every request.

    The base rate is that of all requests, in every resample: the constant that `BaseRate` predicts.

    Parameters
    ----------
    truth : (requests,) bool
        Whether each request was overturned.
    probability : (requests,) float
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    constant = np.full(len(truth), truth.mean())
    return 1 - _ratio(brier(truth, probability, weights), brier(truth, constant, weights))


def expected_calibration_error(
    truth: NDArray[np.bool_], probability: NDArray[np.float64], weights: Weights, bins: int = 10
) -> Values:
    """Expected calibration error over bins with equal numbers of requests.

    Every resample uses the bins of all requests. Equal probabilities share a bin, so a constant prediction has one
    bin. The error is a mean of distances, which chance only increases: with few requests, even a well calibrated model
    has an error well above 0.

    Parameters
    ----------
    truth : (requests,) bool
        Whether each request was overturned.
    probability : (requests,) float
    weights : (resamples, requests) float
        Weight of each request in each resample.
    bins : int, optional
    """
    bin_of = np.searchsorted(np.sort(probability), probability) * bins // len(probability)
    excess = (probability - truth)[:, None] * (bin_of[:, None] == np.arange(bins))
    return _ratio(np.abs(weights @ excess).sum(axis=1), weights.sum(axis=1))


def matthews(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: Weights) -> Values:
    """Matthews correlation coefficient; 0 where it is undefined, as in scikit-learn.

    Parameters
    ----------
    truth, predicted : (requests,) or (requests, families) bool
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    both = weights @ (truth & predicted)
    neither = weights @ (~truth & ~predicted)
    wrongly = weights @ (~truth & predicted)
    missed = weights @ (truth & ~predicted)
    sides = (both + wrongly) * (both + missed) * (neither + wrongly) * (neither + missed)
    return _ratio(both * neither - wrongly * missed, np.sqrt(sides), empty=0.0)


def f1_micro(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: Weights) -> Values:
    """F1 over all pairs of request and family; `truth` and `predicted` have shape (requests, families).

    Parameters
    ----------
    truth, predicted : (requests,) or (requests, families) bool
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    both = weights @ (truth & predicted).sum(axis=1)
    total = weights @ (truth.sum(axis=1) + predicted.sum(axis=1))
    return _ratio(2 * both, total, empty=0.0)


def f1_by_family(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: Weights) -> Values:
    """F1 of each family, shape (resamples, families); 0 for a family neither cited nor predicted.

    Parameters
    ----------
    truth, predicted : (requests,) or (requests, families) bool
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    both = weights @ (truth & predicted)
    total = weights @ truth + weights @ predicted
    return _ratio(2 * both, total, empty=0.0)


def f1_macro(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: Weights) -> Values:
    """Mean F1 over the families that occur in `truth`.

    Parameters
    ----------
    truth, predicted : (requests,) or (requests, families) bool
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    cited = truth.any(axis=0)
    values: Values = f1_by_family(truth[:, cited], predicted[:, cited], weights).mean(axis=1)
    return values


def top_family_cited(truth: NDArray[np.bool_], probability: NDArray[np.float64], weights: Weights) -> Values:
    """Share of requests whose most likely family was cited.

    Parameters
    ----------
    truth : (requests, families) bool
        Whether each family was cited.
    probability : (requests, families) float
    weights : (resamples, requests) float
        Weight of each request in each resample.
    """
    cited = truth[np.arange(len(truth)), probability.argmax(axis=1)]
    return _ratio(weights @ cited, weights.sum(axis=1))


def _by_score(truth: NDArray[np.bool_], score: NDArray[np.float64], weights: Weights) -> tuple[Weights, Weights]:
    """Sum weights of positives and negatives at each distinct score, ascending; each of shape (resamples, scores)."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
    ordered = weights[:, order]
    positive = np.add.reduceat(ordered * truth[order], starts, axis=1)
    return positive, np.add.reduceat(ordered, starts, axis=1) - positive


def _ratio(numerator: Values, denominator: Values, empty: float = np.nan) -> Values:
    ratio: Values = np.divide(numerator, denominator, out=np.full(np.shape(numerator), empty), where=denominator > 0)
    return ratio
