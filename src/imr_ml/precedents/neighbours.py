"""Find the most similar decided requests, one of each case.

Rows are compared by the cosine of their weighed TF-IDF terms and facts, of each row the ones that weigh most: the
many faint ones cost most of the time and say little. What shares a treatment or the category comes first: a case
in the same words about another treatment is no precedent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches

from imr_ml.precedents.decided import DecidedRequests, Query, is_earlier, month_of
from imr_ml.precedents.kinds import Kinds, KnownKinds, dot_products

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class PrecedentSettings:
    """Limits of the stored precedents.

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
    """A decided request and its similarity to the query.

    Attributes
    ----------
    row : int
        In the `DecidedRequests` that it is one of.
    similarity : float
        Cosine, 0 to 1.
    shares : tuple of {"treatment", "category"}
        What both requests have in common.
    """

    row: int
    similarity: float
    shares: tuple[str, ...] = ()


@dataclass(frozen=True)
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
        """Build from decided requests and their feature matrix, every block with weight 1.

        Parameters
        ----------
        decided : DecidedRequests
        matrix : csr_matrix
        weights : array of float
            Weight of each request in each resample, shape (resamples, requests).
        settings : PrecedentSettings, optional
        """
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
        return cls(
            DecidedRequests.from_arrays(kept["decided"]), kept["rows"], kept["matrix"], weights, kept["most_terms"]
        )

    def nearest(self, matrix: csr_matrix, query: Query, kinds: Kinds, most: int) -> list[list[Precedent]]:
        """Find the precedents of each row of a feature matrix, one per case, with a similarity above 0.

        Those of the same treatment and category come first, then those of either, and of these the most alike.

        Parameters
        ----------
        matrix : (requests, features) sparse matrix
            Every block with weight 1.
        query : Query
            Of the same rows.
        kinds : Kinds
            Of the same rows.
        most : int
        """
        if not most or not len(self.rows):
            return [[] for _ in range(len(query))]
        rows = _strongest(matrix, self.weights, self.most_terms)
        return [
            found
            for batch in gen_batches(len(query), _ROWS_AT_ONCE)
            for found in self._of(rows[batch], query[batch], self._kinds.shared(kinds, batch), most)
        ]

    def reason_for_none(self, query: Query, row: int) -> str:
        """Why a row of a query has no precedent."""
        asked_at = query.asked_at[row : row + 1]
        own = self.decided.own_groups(query[row : row + 1])[0]
        others = is_earlier(self.decided.decided_year[self.rows], asked_at)[0] & ~np.isin(self._groups, own)
        if others.any():
            return "no decided request has a word or a fact in common with it"
        by = "" if np.isnan(asked_at[0]) else f" by {month_of(float(asked_at[0]))}"
        return f"no request of another case was decided{by}"

    def _of(
        self, rows: csr_matrix, query: Query, shared: dict[str, NDArray[np.bool_]], most: int
    ) -> Iterator[list[Precedent]]:
        similarity = dot_products(self.matrix, rows)
        similarity[~is_earlier(self.decided.decided_year[self.rows], query.asked_at)] = 0
        for row, own in enumerate(self.decided.own_groups(query)):
            if len(own):
                similarity[row, np.isin(self._groups, own)] = 0
        # No similarity is above 1, so that what is shared comes first.
        rank = np.where(similarity > 0, sum(shared.values(), similarity), 0)
        order, starts = self._by_case
        best = np.maximum.reduceat(rank[:, order], starts, axis=1)
        ends = [*starts[1:].tolist(), len(order)]
        for row, of_case in enumerate(best):
            cases = [case for case in _largest(of_case, most).tolist() if of_case[case] > 0]
            rows_of_cases = [order[starts[case] : ends[case]] for case in cases]
            places = [of_case_rows[rank[row, of_case_rows].argmax()] for of_case_rows in rows_of_cases]
            yield [
                Precedent(
                    int(self.rows[place]),
                    float(similarity[row, place]),
                    tuple(name for name, is_shared in shared.items() if is_shared[row, place]),
                )
                for place in places
            ]

    @cached_property
    def _groups(self) -> NDArray[np.int64]:
        return self.decided.group[self.rows]

    @cached_property
    def _by_case(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of the kept rows in the order of their cases, and where each case begins."""
        order = np.argsort(self._groups, kind="stable")
        return order, np.flatnonzero(np.diff(self._groups[order], prepend=-1))

    @cached_property
    def _kinds(self) -> KnownKinds:
        return KnownKinds(self.decided.category[self.rows], self.decided.treatments[self.rows])


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
