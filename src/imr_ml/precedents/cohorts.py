"""Compute the overturn rate of decided requests with the same characteristics as a new one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imr_ml.corpus.rates import wilson
from imr_ml.precedents.decided import DecidedRequests, Query, month_of
from imr_ml.precedents.kinds import Kinds

LEAST_REQUESTS = 20
TIERS: dict[str, tuple[str, ...]] = {
    "category+body_part+ur_families": ("category", "body_part", "ur_families"),
    "category+body_part": ("category", "body_part"),
    "category": ("category",),
}
"""Name of each tier -> shared characteristics, from narrow to broad."""


@dataclass(frozen=True, slots=True)
class CohortRates:
    """Overturn rate of each request's cohort.

    Attributes
    ----------
    rate, low, high : (requests,) float
        Share overturned with its 95% Wilson interval; NaN if no tier has enough requests.
    requests : (requests,) float
        Size of the cohort; NaN if there is none.
    tier : list of str or None
        Name in `TIERS`.
    reason : list of str or None
        Why there is no rate; None if there is one.
    """

    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    requests: NDArray[np.float64]
    tier: list[str | None]
    reason: list[str | None]


class Cohorts:
    """Index of decided requests by shared characteristics.

    Parameters
    ----------
    decided : DecidedRequests
    """

    def __init__(self, decided: DecidedRequests) -> None:
        self._decided = decided
        self._tiers = {name: _Tier(decided, shared) for name, shared in TIERS.items()}
        order = np.argsort(decided.group, kind="stable")
        groups, starts = np.unique(decided.group[order], return_index=True)
        self._rows_of = dict(zip(groups.tolist(), np.split(order, starts[1:]), strict=True))

    def rates(self, kinds: Kinds, query: Query) -> CohortRates:
        """Return each request's rate over requests of other cases that were decided by its `asked_at`."""
        values = {name: getattr(kinds, name).tolist() for name in next(iter(TIERS.values()))}
        same_case = self._decided.matching_groups(query)
        cohorts = [
            self._find_cohort({name: column[row] for name, column in values.items()}, float(asked_at), same_case[row])
            for row, asked_at in enumerate(query.asked_at)
        ]
        rate, low, high, requests = np.array([row[:4] for row in cohorts], dtype=np.float64).reshape(-1, 4).T
        return CohortRates(rate, low, high, requests, [row[4] for row in cohorts], [row[5] for row in cohorts])

    def _find_cohort(
        self, keys: dict[str, str], asked_at: float, same_case: NDArray[np.int64]
    ) -> tuple[float, float, float, float, str | None, str | None]:
        reason = "its category is not known"
        same_case_rows = np.concatenate(
            [np.zeros(0, dtype=np.int64), *(self._rows_of[group] for group in same_case.tolist())]
        )
        for name, shared in TIERS.items():
            # Two missing values are not a shared characteristic.
            if not all(keys[part] for part in shared):
                continue
            requests, overturned = self._tiers[name].counts(
                tuple(keys[part] for part in shared), asked_at, same_case_rows
            )
            if requests >= LEAST_REQUESTS:
                return (overturned / requests, *wilson(overturned, requests), requests, name, None)
            by = "" if np.isnan(asked_at) else f" by {month_of(asked_at)}"
            reason = f"{requests} other request(s) of its category decided{by}; a rate needs {LEAST_REQUESTS}"
        return (np.nan, np.nan, np.nan, np.nan, None, reason)


class _Tier:
    """Requests grouped by their values of several attributes, each group in order of decision."""

    def __init__(self, decided: DecidedRequests, shared: tuple[str, ...]) -> None:
        self._decided = decided
        self._key_of_row = list(zip(*(getattr(decided, name).tolist() for name in shared), strict=True))
        rows: dict[tuple[str, ...], list[int]] = {}
        for row in np.argsort(decided.decided_year, kind="stable").tolist():
            rows.setdefault(self._key_of_row[row], []).append(row)
        self._years = {key: decided.decided_year[members] for key, members in rows.items()}
        self._overturned = {key: np.cumsum(decided.overturned[members]) for key, members in rows.items()}

    def counts(self, key: tuple[str, ...], asked_at: float, left_out: NDArray[np.int64]) -> tuple[int, int]:
        """Count requests of a cohort decided by a time, and how many were overturned; NaN counts all.

        Parameters
        ----------
        key : tuple of str
            Values that the cohort shares.
        asked_at : float
            Decimal year, or NaN.
        left_out : (rows,) int
            Rows to ignore.
        """
        if key not in self._years:
            return 0, 0
        years = self._years[key]
        # Unknown years (NaN) are sorted last and count as later than any known time.
        requests = len(years) if np.isnan(asked_at) else int(np.searchsorted(years, asked_at, side="right"))
        overturned = int(self._overturned[key][requests - 1]) if requests else 0
        for row in left_out.tolist():
            if self._key_of_row[row] == key and (np.isnan(asked_at) or self._decided.decided_year[row] <= asked_at):
                requests -= 1
                overturned -= bool(self._decided.overturned[row])
        return requests, overturned
