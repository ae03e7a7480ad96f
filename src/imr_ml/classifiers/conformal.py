"""Compute label-conditional conformal sets at a coverage chosen at prediction time.

An outcome belongs to a request's prediction set where its p-value is above ``1 - coverage``: unless its probability
is lower than what all but that share of the truly so decided requests got when they were held out. Each outcome is
compared with its own: nine in ten denials are upheld, so that one threshold for both would reach its coverage by
always saying "upheld" (Vovk, 2012, "Conditional validity of inductive conformal predictors").

Requests of one case are no independent witnesses. A draw takes one request of each case, which makes the scores
exchangeable again, and the p-values of several draws are averaged, so that no threshold hangs on the luck of one
(Dunn, Wasserman and Ramdas, 2022, "Distribution-free prediction sets for two-layer hierarchical models"). What is
promised is therefore a share of cases, with one request taken of each; of all requests, those of cases with many
items weigh more.

A set that would be empty, because the request is unusual for either outcome, holds the outcome with the higher p-value,
or both where the p-values are equal. So sets of a lower coverage are parts of those of a higher one, and never less
certain.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

EVEN = 0.5
_MOST_SCORES = 2000
_MOST_DRAWS = 10
Draws = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class OutcomeSets:
    """Thresholds that make prediction sets.

    Attributes
    ----------
    coverage : float
        Share of cases of each outcome whose request's set holds its outcome.
    min_p_overturned : float
        ``overturned`` is in the set of a request whose p_overturned is at least this.
    max_p_overturned : float
        ``upheld`` is in the set of a request whose p_overturned is at most this.
    tie_from, tie_end : float
        Below the first ``upheld`` has the higher p-value, from the second on ``overturned``; between they are equal.
    """

    coverage: float
    min_p_overturned: float
    max_p_overturned: float
    tie_from: float = EVEN
    tie_end: float = EVEN

    def __call__(self, p_overturned: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of (upheld, overturned) each request's set holds, shape (requests, 2); never neither."""
        upheld, overturned = p_overturned <= self.max_p_overturned, p_overturned >= self.min_p_overturned
        is_empty = ~upheld & ~overturned
        return np.column_stack(
            [upheld | is_empty & (p_overturned < self.tie_end), overturned | is_empty & (p_overturned >= self.tie_from)]
        )

    def confident(self, p_overturned: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where the set holds one outcome and it is the likelier one, shape (requests,).

        A probability of 0.2 may be unusual for a denial that is upheld; with one in ten overturned it still speaks for
        upheld, and such a request is not called overturned.
        """
        held = self(p_overturned)
        likelier = held[np.arange(len(held)), (p_overturned >= EVEN).astype(int)]
        sure: NDArray[np.bool_] = (held.sum(axis=1) == 1) & likelier
        return sure


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """What requests of each outcome got when their case was held out: enough for sets of any coverage.

    Attributes
    ----------
    upheld, overturned : tuple of tuple of float
        For each draw the p_overturned of one request a case; all draws of an outcome are equally long. At most
        2,000 scores an outcome: of more cases, each draw takes a part.
    """

    upheld: Draws
    overturned: Draws

    @classmethod
    def of(
        cls,
        p_overturned: NDArray[np.float64],
        overturned: NDArray[np.bool_],
        groups: NDArray[np.int64],
        seed: int = 0,
    ) -> Self:
        """Scores from held-out predictions.

        Parameters
        ----------
        p_overturned : (requests,) float
            Predictions for requests whose case was not fitted on.
        overturned : (requests,) bool
        groups : (requests,) int
            Requests of one case share a number.
        seed : int
            Of the draws.
        """
        random = np.random.default_rng(seed)
        return cls(
            upheld=_draws(p_overturned[~overturned], groups[~overturned], random),
            overturned=_draws(p_overturned[overturned], groups[overturned], random),
        )

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The same from what `arrays` gave."""
        return cls(**{name: tuple(map(tuple, np.asarray(rows).tolist())) for name, rows in arrays.items()})

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Scores of each outcome, shape (draws, cases), for saving."""
        return {field.name: np.array(getattr(self, field.name), dtype=np.float64) for field in fields(self)}

    def sets(self, coverage: float) -> OutcomeSets:
        """Thresholds for a coverage.

        Raises
        ------
        ValueError
            For a coverage that is not between 0 and 1.
        """
        if not 0 < coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, not {coverage}")
        scores = self.arrays()
        tie_from, tie_end = _tie(scores["upheld"], scores["overturned"])
        # An outcome is the stranger the less probable it is: upheld the higher p_overturned, overturned the lower.
        return OutcomeSets(
            coverage=coverage,
            min_p_overturned=-_quantile_threshold(-scores["overturned"], coverage),
            max_p_overturned=_quantile_threshold(scores["upheld"], coverage),
            tie_from=tie_from,
            tie_end=tie_end,
        )


def outcome_sets(
    p_overturned: NDArray[np.float64],
    overturned: NDArray[np.bool_],
    groups: NDArray[np.int64],
    coverage: float,
) -> OutcomeSets:
    """Thresholds of one coverage from held-out predictions; each case counts once, however many requests it has.

    Parameters
    ----------
    p_overturned : (requests,) float
        Predictions for requests whose case was not fitted on.
    overturned : (requests,) bool
    groups : (requests,) int
    coverage : float
        Between 0 and 1.
    """
    return HeldOutScores.of(p_overturned, overturned, groups).sets(coverage)


def _draws(values: NDArray[np.float64], groups: NDArray[np.int64], random: np.random.Generator) -> Draws:
    """One value of each group, several times; once where every group has one or the draws are large."""
    cases, sizes = np.unique(groups, return_counts=True)
    kept = min(len(cases), _MOST_SCORES)
    alike = not len(cases) or sizes.max() == 1
    times = 1 if alike else min(_MOST_DRAWS, max(1, _MOST_SCORES // kept))
    return tuple(_draw(values, groups, random)[:kept] for _ in range(times))


def _draw(values: NDArray[np.float64], groups: NDArray[np.int64], random: np.random.Generator) -> tuple[float, ...]:
    order = random.permutation(len(values))
    _, first = np.unique(groups[order], return_index=True)
    chosen: list[float] = values[order[random.permutation(first)]].tolist()
    return tuple(chosen)


def _quantile_threshold(draws: NDArray[np.float64], coverage: float) -> float:
    """Largest nonconformity score that the set still holds; infinite where too few cases support any threshold.

    A p-value only falls as the score rises and only changes at the held-out scores, so that asking it there, and beyond
    the last of them, gives it everywhere.
    """
    scores = [*np.unique(draws).tolist(), np.inf]
    # Rounded, since 1 - 0.9 is a little less than 0.1, and 1 - 0.95 a little more than 0.05.
    first_out = bisect_left(scores, -round(1 - coverage, 9), key=lambda score: -round(_p_value(draws, score), 9))
    return scores[first_out - 1] if first_out else -np.inf


def _tie(upheld: NDArray[np.float64], overturned: NDArray[np.float64]) -> tuple[float, float]:
    """Least p_overturned at which the p-value of ``overturned`` is as high as that of ``upheld``, and is higher.

    The p-value of ``upheld`` falls just above a held-out score and that of ``overturned`` rises at one.
    """
    scores = np.unique(np.concatenate([upheld.ravel(), overturned.ravel()]))
    places = [*np.unique(np.concatenate([scores, np.nextafter(scores, np.inf)])).tolist(), np.inf]

    def lead(place: float) -> float:
        return round(_p_value(-overturned, -place) - _p_value(upheld, place), 9)

    as_high = bisect_left(places, True, hi=len(places) - 1, key=lambda place: lead(place) >= 0)
    higher = bisect_left(places, True, hi=len(places) - 1, key=lambda place: lead(place) > 0)
    return places[as_high], places[higher]


def _p_value(draws: NDArray[np.float64], score: float) -> float:
    """Mean over the draws of a score's p-value, without smoothing, which would take chance."""
    return float(np.mean((np.count_nonzero(draws >= score, axis=1) + 1) / (draws.shape[1] + 1)))
