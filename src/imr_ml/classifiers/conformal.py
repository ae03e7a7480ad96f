"""Compute label-conditional conformal prediction sets at a coverage chosen at prediction time.

A prediction set contains every outcome whose p-value is above ``1 - coverage``. The p-value ranks the probability of
an outcome among the held-out probabilities of requests with that outcome. Each outcome has a separate threshold: nine
in ten denials are upheld, so a common threshold could reach its coverage by always predicting "upheld" (Vovk, 2012,
"Conditional validity of inductive conformal predictors").

Requests of one case are not independent. Each draw takes one request per case, which makes the scores exchangeable, and
p-values are averaged over several draws to reduce the effect of chance (Dunn, Wasserman and Ramdas, 2022,
"Distribution-free prediction sets for two-layer hierarchical models"). The coverage is therefore a share of cases with
one request each, not a share of all requests, in which cases with many items have more weight.

A set that would be empty, because the request is unusual for both outcomes, contains the outcome with the higher
p-value, or both if the p-values are equal. Sets at a lower coverage are therefore subsets of those at a higher one.
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
    """Thresholds of prediction sets.

    Attributes
    ----------
    coverage : float
        Share of cases of each outcome whose prediction set contains it.
    min_p_overturned : float
        Minimum p_overturned at which a set contains ``overturned``.
    max_p_overturned : float
        Maximum p_overturned at which a set contains ``upheld``.
    tie_from, tie_end : float
        Below `tie_from`, ``upheld`` has the higher p-value; from `tie_end` on, ``overturned``; between, they are equal.
    """

    coverage: float
    min_p_overturned: float
    max_p_overturned: float
    tie_from: float = EVEN
    tie_end: float = EVEN

    def __call__(self, p_overturned: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether each set contains upheld and overturned, shape (requests, 2); no set is empty."""
        upheld, overturned = p_overturned <= self.max_p_overturned, p_overturned >= self.min_p_overturned
        is_empty = ~upheld & ~overturned
        return np.column_stack(
            [upheld | is_empty & (p_overturned < self.tie_end), overturned | is_empty & (p_overturned >= self.tie_from)]
        )

    def confident(self, p_overturned: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Mark sets that contain only the more probable outcome, shape (requests,).

        A probability of 0.2 may be unusual for an upheld denial, so that its set contains only ``overturned``, although
        ``upheld`` is more probable. Such a request is not confident.
        """
        sets = self(p_overturned)
        has_likelier = sets[np.arange(len(sets)), (p_overturned >= EVEN).astype(int)]
        confident: NDArray[np.bool_] = (sets.sum(axis=1) == 1) & has_likelier
        return confident


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Held-out scores of each outcome, from which sets of any coverage are computed.

    Attributes
    ----------
    upheld, overturned : tuple of tuple of float
        Draws, each with the p_overturned of one request per case. All draws of an outcome have the same length, at
        most 2,000; if there are more cases, each draw is a sample of them.
    """

    upheld: Draws
    overturned: Draws

    @classmethod
    def from_predictions(
        cls,
        p_overturned: NDArray[np.float64],
        overturned: NDArray[np.bool_],
        groups: NDArray[np.int64],
        seed: int = 0,
    ) -> Self:
        """Build from held-out predictions.

        Parameters
        ----------
        p_overturned : (requests,) float
            Held-out predictions.
        overturned : (requests,) bool
        groups : (requests,) int
            Requests of one case share a number.
        seed : int
            Seed of the draws.
        """
        random = np.random.default_rng(seed)
        return cls(
            upheld=_draws(p_overturned[~overturned], groups[~overturned], random),
            overturned=_draws(p_overturned[overturned], groups[overturned], random),
        )

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.float64]]) -> Self:
        """Rebuild scores from what `arrays` returned."""
        return cls(**{name: tuple(map(tuple, np.asarray(rows).tolist())) for name, rows in arrays.items()})

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the scores of each outcome, shape (draws, cases), for saving."""
        return {field.name: np.array(getattr(self, field.name), dtype=np.float64) for field in fields(self)}

    def sets(self, coverage: float) -> OutcomeSets:
        """Return the thresholds for a coverage.

        Raises
        ------
        ValueError
            If the coverage is not between 0 and 1.
        """
        if not 0 < coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, not {coverage}")
        scores = self.arrays()
        tie_from, tie_end = _tie(scores["upheld"], scores["overturned"])
        # Nonconformity rises with p_overturned for upheld and falls for overturned.
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
    """Compute thresholds for one coverage from held-out predictions; each case counts once.

    Parameters
    ----------
    p_overturned : (requests,) float
        Held-out predictions.
    overturned : (requests,) bool
    groups : (requests,) int
    coverage : float
        Between 0 and 1.
    """
    return HeldOutScores.from_predictions(p_overturned, overturned, groups).sets(coverage)


def _draws(values: NDArray[np.float64], groups: NDArray[np.int64], random: np.random.Generator) -> Draws:
    """Draw one value per group, several times; once if all groups have one value or the draws are large."""
    cases, sizes = np.unique(groups, return_counts=True)
    length = min(len(cases), _MOST_SCORES)
    is_fixed = not len(cases) or sizes.max() == 1
    times = 1 if is_fixed else min(_MOST_DRAWS, max(1, _MOST_SCORES // length))
    return tuple(_draw(values, groups, random)[:length] for _ in range(times))


def _draw(values: NDArray[np.float64], groups: NDArray[np.int64], random: np.random.Generator) -> tuple[float, ...]:
    order = random.permutation(len(values))
    _, first = np.unique(groups[order], return_index=True)
    drawn: list[float] = values[order[random.permutation(first)]].tolist()
    return tuple(drawn)


def _quantile_threshold(draws: NDArray[np.float64], coverage: float) -> float:
    """Return the largest nonconformity score that is in the set; infinite if there are too few cases.

    The p-value never rises with the score and changes only at held-out scores, so it is computed only at these and
    beyond the last one.
    """
    scores = [*np.unique(draws).tolist(), np.inf]
    # Rounded, because 1 - 0.9 is slightly less than 0.1, and 1 - 0.95 slightly more than 0.05.
    first_out = bisect_left(scores, -round(1 - coverage, 9), key=lambda score: -round(_p_value(draws, score), 9))
    return scores[first_out - 1] if first_out else -np.inf


def _tie(upheld: NDArray[np.float64], overturned: NDArray[np.float64]) -> tuple[float, float]:
    """Return the lowest p_overturned at which the p-value of ``overturned`` equals, and exceeds, that of ``upheld``.

    The p-value of ``upheld`` falls just above a held-out score, and that of ``overturned`` rises at one.
    """
    scores = np.unique(np.concatenate([upheld.ravel(), overturned.ravel()]))
    places = [*np.unique(np.concatenate([scores, np.nextafter(scores, np.inf)])).tolist(), np.inf]

    def lead(place: float) -> float:
        return round(_p_value(-overturned, -place) - _p_value(upheld, place), 9)

    as_high = bisect_left(places, True, hi=len(places) - 1, key=lambda place: lead(place) >= 0)
    higher = bisect_left(places, True, hi=len(places) - 1, key=lambda place: lead(place) > 0)
    return places[as_high], places[higher]


def _p_value(draws: NDArray[np.float64], score: float) -> float:
    """Return the p-value of a score as a mean over the draws, without randomized smoothing."""
    return float(np.mean((np.count_nonzero(draws >= score, axis=1) + 1) / (draws.shape[1] + 1)))
