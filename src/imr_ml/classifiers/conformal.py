"""When the outcome classifier may speak: label-conditional conformal thresholds.

Knows probabilities and cases.

An outcome belongs to a request's prediction set unless its probability is lower than what all but a share of
``1 - coverage`` of the truly so decided requests got when they were held out. Each outcome has a threshold of its own:
nine in ten denials are upheld, so that one threshold for both would reach its coverage by always saying "upheld"
(Vovk, 2012, "Conditional validity of inductive conformal predictors").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EVEN = 0.5


@dataclass(frozen=True, slots=True)
class OutcomeSets:
    """Thresholds that make prediction sets.

    Attributes
    ----------
    coverage : float
        Share of requests of each outcome whose set holds their outcome.
    least_p_overturned : float
        ``overturned`` is in the set of a request whose p_overturned is at least this.
    most_p_overturned : float
        ``upheld`` is in the set of a request whose p_overturned is at most this.
    """

    coverage: float
    least_p_overturned: float
    most_p_overturned: float

    def __call__(self, p_overturned: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of (upheld, overturned) each request's set holds, shape (requests, 2)."""
        return np.column_stack([p_overturned <= self.most_p_overturned, p_overturned >= self.least_p_overturned])

    def confident(self, p_overturned: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where the set holds one outcome and it is the likelier one, shape (requests,).

        A probability of 0.2 may be unusual for a denial that is upheld; with one in ten overturned it still speaks for
        upheld, and such a request is not called overturned.
        """
        held = self(p_overturned)
        likelier = held[np.arange(len(held)), (p_overturned >= EVEN).astype(int)]
        sure: NDArray[np.bool_] = (held.sum(axis=1) == 1) & likelier
        return sure


def outcome_sets(
    p_overturned: NDArray[np.float64],
    overturned: NDArray[np.bool_],
    groups: NDArray[np.int64],
    coverage: float,
) -> OutcomeSets:
    """Thresholds from held-out predictions; each case counts once, however many requests it has.

    Parameters
    ----------
    p_overturned : (requests,) float
        Predictions for requests whose case was not fitted on.
    overturned : (requests,) bool
    groups : (requests,) int
    coverage : float
        Between 0 and 1.
    """
    return OutcomeSets(
        coverage=coverage,
        least_p_overturned=_low_quantile(p_overturned[overturned], groups[overturned], coverage),
        most_p_overturned=-_low_quantile(-p_overturned[~overturned], groups[~overturned], coverage),
    )


def _low_quantile(values: NDArray[np.float64], groups: NDArray[np.int64], coverage: float) -> float:
    """Value that at least a share `coverage` of cases reach, with the correction for their finite number."""
    cases, case, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    # Rounded, since 1 - 0.9 is a little less than 0.1 and nine cases would then be too few.
    allowed = round((1 - coverage) * (len(cases) + 1) - 1, 9)
    if allowed < 0:
        return -np.inf
    order = np.argsort(values)
    below = np.cumsum(1 / sizes[case][order])
    return float(values[order][np.searchsorted(below, allowed, side="right")])
