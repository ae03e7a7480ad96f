"""The decided requests most like a new one: nearest neighbours in the outcome classifier's own space.

Knows feature matrices. Rows are compared by the cosine of their weighed TF-IDF terms and facts, of each row the ones
that weigh most: the many faint ones cost most of the time and say little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches

from imr_ml.corpus.rates import wilson
from imr_ml.precedents.decided import Asked, DecidedRequests, cohort_keys, is_earlier

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class PrecedentSettings:
    """What is kept to find precedents.

    Attributes
    ----------
    most_requests : int
        Requests kept, those decided last where there are more.
    most_terms : int
        Terms and facts kept of each request, those that weigh most.
    """

    most_requests: int = 10_000
    most_terms: int = 128


@dataclass(frozen=True, slots=True)
class Precedent:
    """One decided request and how like it is to the one asked about.

    Attributes
    ----------
    row : int
        In the `DecidedRequests` that it is one of.
    similarity : float
        Cosine, 0 to 1.
    """

    row: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Decided requests as rows of a matrix.

    Attributes
    ----------
    decided : DecidedRequests
    rows : (kept,) int
        Those of them that the matrix holds, in its order.
    matrix : (kept, features) sparse matrix of float32
        Rows of length 1, by columns: a batch of new requests touches few of them.
    weights : (features,) float
        Of the columns of the classifier's feature matrix.
    most_terms : int
    """

    decided: DecidedRequests
    rows: NDArray[np.int64]
    matrix: csc_matrix
    weights: NDArray[np.float64]
    most_terms: int

    @classmethod
    def of(
        cls,
        decided: DecidedRequests,
        matrix: csr_matrix,
        weights: NDArray[np.float64],
        settings: PrecedentSettings | None = None,
    ) -> Self:
        """From decided requests and the feature matrix of the same rows, every block with weight 1."""
        settings = settings or PrecedentSettings()
        # Unknown years stand first, so that they are the first to go.
        years = np.nan_to_num(decided.decided_year, nan=-np.inf)
        kept = np.sort(np.argsort(years, kind="stable")[max(0, len(years) - settings.most_requests) :])
        rows = _strongest(matrix[kept], weights, settings.most_terms)
        return cls(decided, kept, csc_matrix(rows), weights, settings.most_terms)

    def arrays(self) -> dict[str, Any]:
        """Case numbers, outcomes, families and years, and the matrix of terms' weights; no text."""
        return {
            "decided": self.decided.arrays(),
            "rows": self.rows,
            "matrix": self.matrix,
            "most_terms": self.most_terms,
        }

    @classmethod
    def from_arrays(cls, kept: dict[str, Any], weights: NDArray[np.float64]) -> Self:
        """What `arrays` gave, with the weights of the classifier that it belongs to."""
        return cls(DecidedRequests(**kept["decided"]), kept["rows"], kept["matrix"], weights, kept["most_terms"])

    def nearest(self, matrix: csr_matrix, asked: Asked, most: int) -> list[list[Precedent]]:
        """Precedents of each row of a feature matrix, the most alike first; none that has nothing in common.

        Parameters
        ----------
        matrix : (requests, features) sparse matrix
            Every block with weight 1.
        asked : Asked
            Of the same rows.
        most : int
        """
        if not most or not len(self.rows):
            return [[] for _ in range(len(asked))]
        rows = _strongest(matrix, self.weights, self.most_terms)
        return [
            found for batch in gen_batches(len(asked), _ROWS_AT_ONCE) for found in self._of(rows, asked, batch, most)
        ]

    def _of(self, rows: csr_matrix, asked: Asked, batch: slice, most: int) -> Iterator[list[Precedent]]:
        asked_rows = rows[batch]
        named, place = np.unique(asked_rows.indices, return_inverse=True)
        narrow = csr_matrix((asked_rows.data, place, asked_rows.indptr), shape=(asked_rows.shape[0], len(named)))
        # A sparse matrix times a dense one is faster than two sparse ones where every row has something in common.
        similarity = np.ascontiguousarray((self.matrix[:, named] @ narrow.T.toarray()).T)
        similarity[~is_earlier(self.decided.decided_year[self.rows], asked.as_of[batch])] = 0
        for row, own in enumerate(self.decided.own_groups(asked[batch])):
            if len(own):
                similarity[row, np.isin(self.decided.group[self.rows], own)] = 0
        for like in similarity:
            yield [Precedent(int(self.rows[row]), float(like[row])) for row in _largest(like, most) if like[row] > 0]


def _largest(values: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Places of the largest values, largest first, of equals the first."""
    least = np.partition(values, -most)[-most] if most < len(values) else -np.inf
    places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:most]


def _strongest(matrix: csr_matrix, weights: NDArray[np.float64], most: int) -> csr_matrix:
    """Weighed rows of length 1 of which only the terms that weigh most are left."""
    weighed = csr_matrix(normalize(matrix @ diags(weights)), dtype=np.float32)
    weighed.eliminate_zeros()
    for start, end in zip(weighed.indptr[:-1], weighed.indptr[1:], strict=True):
        if end - start > most:
            faint = np.argsort(-np.abs(weighed.data[start:end]), kind="stable")[most:]
            weighed.data[start + faint] = 0
    weighed.eliminate_zeros()
    return csr_matrix(normalize(weighed, copy=False))


LEAST_REQUESTS = 20
TIERS: dict[str, tuple[str, ...]] = {
    "category+body_part+ur_families": ("category", "body_part", "ur_families"),
    "category+body_part": ("category", "body_part"),
    "category": ("category",),
    "all": (),
}
"""Name of each tier -> what its requests have in common, the narrowest first."""


@dataclass(frozen=True, slots=True)
class CohortRates:
    """How often each request's cohort was overturned.

    Attributes
    ----------
    rate, low, high : (requests,) float
        Share overturned with its 95 % Wilson interval; NaN where no tier holds enough requests.
    requests : (requests,) float
        Size of the cohort; NaN likewise.
    tier : list of str or None
        Name in `TIERS`.
    """

    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    requests: NDArray[np.float64]
    tier: list[str | None]


class Cohorts:
    """Counts over decided requests, by what they have in common.

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

    def rates(self, frame: pd.DataFrame, asked: Asked) -> CohortRates:
        """Rate of each row of a feature frame, over requests decided by its `as_of`, its own case left out."""
        keys = dict(zip(("category", "body_part", "ur_families"), cohort_keys(frame), strict=True))
        own = self._decided.own_groups(asked)
        found = [
            self._narrowest({name: str(values[row]) for name, values in keys.items()}, float(as_of), own[row])
            for row, as_of in enumerate(asked.as_of)
        ]
        rate, low, high, requests = np.array([row[:4] for row in found], dtype=np.float64).reshape(-1, 4).T
        return CohortRates(rate, low, high, requests, [row[4] for row in found])

    def _narrowest(
        self, keys: dict[str, str], as_of: float, own: NDArray[np.int64]
    ) -> tuple[float, float, float, float, str | None]:
        own_rows = np.concatenate([np.zeros(0, dtype=np.int64), *(self._rows_of[group] for group in own.tolist())])
        for name, shared in TIERS.items():
            requests, overturned = self._tiers[name].counts(tuple(keys[part] for part in shared), as_of, own_rows)
            if requests >= LEAST_REQUESTS:
                return (overturned / requests, *wilson(overturned, requests), requests, name)
        return (np.nan, np.nan, np.nan, np.nan, None)


class _Tier:
    """Requests with equal values of some attributes, each cohort in order of its decisions."""

    def __init__(self, decided: DecidedRequests, shared: tuple[str, ...]) -> None:
        self._decided = decided
        columns = [getattr(decided, name).tolist() for name in shared]
        self._key_of_row = list(zip(*columns, strict=True)) if columns else [()] * len(decided)
        rows: dict[tuple[str, ...], list[int]] = {}
        for row in np.argsort(decided.decided_year, kind="stable").tolist():
            rows.setdefault(self._key_of_row[row], []).append(row)
        self._years = {key: decided.decided_year[of_key] for key, of_key in rows.items()}
        self._overturned = {key: np.cumsum(decided.overturned[of_key]) for key, of_key in rows.items()}

    def counts(self, key: tuple[str, ...], as_of: float, left_out: NDArray[np.int64]) -> tuple[int, int]:
        """Requests of a cohort decided by a time, and those of them overturned; NaN takes all of them."""
        if key not in self._years:
            return 0, 0
        years = self._years[key]
        # Unknown years are sorted last, so that they are later than any known time.
        requests = len(years) if np.isnan(as_of) else int(np.searchsorted(years, as_of, side="right"))
        overturned = int(self._overturned[key][requests - 1]) if requests else 0
        for row in left_out.tolist():
            if self._key_of_row[row] == key and (np.isnan(as_of) or self._decided.decided_year[row] <= as_of):
                requests -= 1
                overturned -= bool(self._decided.overturned[row])
        return requests, overturned
