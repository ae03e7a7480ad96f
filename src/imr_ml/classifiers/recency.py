"""Give older decisions less weight if that improves predictions for later years.

Decisions drift because guidelines, drugs and reviewers change. Each half-life is tested on several years, with a model
trained on the years before. Losses are compared by year, not by request, because requests of one year share its drift:
a gain in a single large year may be due to chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.binary import fit_binary, log_odds
from imr_ml.features.rows import FeatureRows

_MOST_TESTED_YEARS = 8
_FEWEST_TESTED_YEARS = 4
_FEWEST_EARLIER_YEARS = 2
_FEWEST_OF_EACH_OUTCOME = 30
# A random sample of this size selects as well as a larger table, and faster.
_MOST_ROWS = 20_000


def recency_weights(decided_year: NDArray[np.float64], half_life_years: float | None) -> NDArray[np.float64] | None:
    """Return the weight of each request, 1 for the newest, shape (requests,); None for equal weights.

    Parameters
    ----------
    decided_year : (requests,) float
        Requests of unknown year (NaN) get the mean weight of the others.
    half_life_years : float or None
        Age at which a request has half the weight of the newest.

    Examples
    --------
    >>> recency_weights(np.array([2009.5, 2013.5, 2011.5]), half_life_years=2)
    array([0.25, 1.  , 0.5 ])
    """
    has_year = ~np.isnan(decided_year)
    if half_life_years is None or not has_year.any():
        return None
    weights = 0.5 ** ((np.nanmax(decided_year) - decided_year) / half_life_years)
    weights[~has_year] = weights[has_year].mean()
    return weights


def select_half_life(
    X: Any,  # noqa: N803
    truth: NDArray[np.bool_],
    decided_year: NDArray[np.float64],
    half_lives_years: tuple[float | None, ...],
    estimator: Any,
    seed: int,
) -> float | None:
    """Select the first half-life, unless another one has a clearly lower loss on later years.

    Clearly means by more than two standard errors of the mean over years.

    Parameters
    ----------
    X : (requests, features) sparse matrix, or FeatureRows
    truth : (requests,) bool
        Whether the denial was overturned.
    decided_year : (requests,) float
    half_lives_years : tuple of (float or None)
        At least one.
    estimator : estimator
        Unfitted binary classifier; see `imr_ml.classifiers.binary.fit_binary`.
    seed : int
        Seed for sampling rows of a large table.

    Returns
    -------
    float or None
        The first half-life if fewer than four years can be tested. A year is tested if it and two earlier years
        have at least 30 requests of each outcome.
    """
    years = np.floor(decided_year)
    tested = _tested_years(years, truth) if len(half_lives_years) > 1 else []
    best = half_lives_years[0]
    if len(tested) < _FEWEST_TESTED_YEARS:
        return best
    if len(truth) > _MOST_ROWS or isinstance(X, FeatureRows):
        rows = np.sort(np.random.default_rng(seed).choice(len(truth), min(len(truth), _MOST_ROWS), replace=False))
        X, truth, decided_year, years = X[rows], truth[rows], decided_year[rows], years[rows]  # noqa: N806
    losses = [
        np.array([_loss(X, truth, decided_year, years, year, half_life, estimator) for year in tested])
        for half_life in half_lives_years
    ]
    lowest = losses[0]
    for half_life, loss in zip(half_lives_years[1:], losses[1:], strict=True):
        gain = lowest - loss
        if gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)):
            best, lowest = half_life, loss
    return best


def _tested_years(years: NDArray[np.float64], truth: NDArray[np.bool_]) -> list[float]:
    """Return the newest years with enough requests of both outcomes, and enough such years before them."""
    large_years = [
        float(year)
        for year in np.unique(years[~np.isnan(years)])
        if min(truth[years == year].sum(), (~truth[years == year]).sum()) >= _FEWEST_OF_EACH_OUTCOME
    ]
    return large_years[_FEWEST_EARLIER_YEARS:][-_MOST_TESTED_YEARS:]


def _loss(
    X: Any,  # noqa: N803
    truth: NDArray[np.bool_],
    decided_year: NDArray[np.float64],
    years: NDArray[np.float64],
    year: float,
    half_life: float | None,
    estimator: Any,
) -> float:
    """Return the mean log loss on one year of a model trained on the years before."""
    train, test = np.flatnonzero(years < year), np.flatnonzero(years == year)
    weights = recency_weights(decided_year[train], half_life)
    scores = log_odds(fit_binary(estimator, X[train], truth[train], train, weights), X[test])
    return float(np.logaddexp(0, np.where(truth[test], -scores, scores)).mean())
