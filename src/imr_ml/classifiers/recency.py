"""Weigh older decisions less if that predicts later years better.

How requests are decided drifts: guidelines, drugs and reviewers change. A half-life is tried as it will be used, on
each year from the years before it. The choice is made by years, not by requests: a year's requests
share its drift, and a gain in one year of many decisions is still one year's luck.
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
# Of more, so many drawn by chance choose as well and faster.
_MOST_ROWS = 20_000


def recency_weights(decided_year: NDArray[np.float64], half_life_years: float | None) -> NDArray[np.float64] | None:
    """Weight of each request, 1 for the newest, shape (requests,); None where all weigh alike.

    Parameters
    ----------
    decided_year : (requests,) float
        Years; a request whose year is not known weighs as those with a year do on average.
    half_life_years : float or None
        A request decided so much earlier than the newest weighs half of it.

    Examples
    --------
    >>> recency_weights(np.array([2009.5, 2013.5, 2011.5]), half_life_years=2)
    array([0.25, 1.  , 0.5 ])
    """
    known = ~np.isnan(decided_year)
    if half_life_years is None or not known.any():
        return None
    weights = 0.5 ** ((np.nanmax(decided_year) - decided_year) / half_life_years)
    weights[~known] = weights[known].mean()
    return weights


def chosen_half_life(
    X: Any,  # noqa: N803
    truth: NDArray[np.bool_],
    decided_year: NDArray[np.float64],
    half_lives_years: tuple[float | None, ...],
    estimator: Any,
    seed: int,
) -> float | None:
    """The first half-life, or one with a lower loss on later years, by more than two standard errors over years.

    Parameters
    ----------
    X : (requests, features) sparse matrix, or FeatureRows
    truth : (requests,) bool
        Whether the denial was overturned.
    decided_year : (requests,) float
    half_lives_years : tuple of (float or None)
        At least one.
    estimator : estimator
        Unfitted classifier of two classes; see `imr_ml.classifiers.binary.fit_binary`.
    seed : int
        Of the rows drawn from a large table.

    Returns
    -------
    float or None
        The first where fewer than four years can be tested: a year is, that has 30 requests of each outcome, and two
        years before it that have as many.
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
    least = losses[0]
    for half_life, loss in zip(half_lives_years[1:], losses[1:], strict=True):
        gain = least - loss
        if gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)):
            best, least = half_life, loss
    return best


def _tested_years(years: NDArray[np.float64], truth: NDArray[np.bool_]) -> list[float]:
    """The newest years that have enough of both outcomes and enough such years before them."""
    known = np.unique(years[~np.isnan(years)])
    full = [
        float(year)
        for year in known
        if min(truth[years == year].sum(), (~truth[years == year]).sum()) >= _FEWEST_OF_EACH_OUTCOME
    ]
    return full[_FEWEST_EARLIER_YEARS:][-_MOST_TESTED_YEARS:]


def _loss(
    X: Any,  # noqa: N803
    truth: NDArray[np.bool_],
    decided_year: NDArray[np.float64],
    years: NDArray[np.float64],
    year: float,
    half_life: float | None,
    estimator: Any,
) -> float:
    """Mean log loss of a year's requests, learned from the years before it."""
    train, test = np.flatnonzero(years < year), np.flatnonzero(years == year)
    weights = recency_weights(decided_year[train], half_life)
    scores = log_odds(fit_binary(estimator, X[train], truth[train], train, weights), X[test])
    return float(np.logaddexp(0, np.where(truth[test], -scores, scores)).mean())
