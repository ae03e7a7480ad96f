"""Find the most similar decided requests, one of each case.

Rows are compared by the cosine similarity of their weighted TF-IDF terms and facts. Only the terms with the largest
weights are used, because the many small ones take time and add little. Requests that share a treatment or the category
rank first: a case in similar words about another treatment is not a precedent.
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
        Maximum number of requests; the latest decisions are stored.
    most_terms : int
        Maximum number of terms and facts per request; those with the largest weights are stored.
    """

    most_requests: int = 10_000
    most_terms: int = 128


@dataclass(frozen=True, slots=True)
class Precedent:
    """A decided request and its similarity to the query.

    Attributes
    ----------
    row : int
        Row in `DecidedRequests`.
    similarity : float
        Cosine, 0 to 1.
    shares : tuple of {"treatment", "category"}
        Characteristics that both requests have in common.
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
    rows : (stored,) int
        Rows of `decided` that the matrix contains, in its order.
    matrix : (stored, features) sparse matrix of float32
        Normalized rows, stored by column because a batch of new requests uses few columns.
    weights : (features,) float
        Column weights of the outcome classifier.
    most_terms : int
    """

    decided: DecidedRequests
    rows: NDArray[np.int64]
    matrix: csc_matrix
    weights: NDArray[np.float64]
    most_terms: int

    @classmethod
    def from_matrix(
        cls,
        decided: DecidedRequests,
        matrix: csr_matrix,
        weights: NDArray[np.float64],
        settings: PrecedentSettings | None = None,
    ) -> Self:
        """Build from decided requests and their unweighted feature matrix.

        Parameters
        ----------
        decided : DecidedRequests
        matrix : csr_matrix
        weights : (features,) float
            Column weights of the outcome classifier.
        settings : PrecedentSettings, optional
        """
        settings = settings or PrecedentSettings()
        # Unknown years are sorted first, so those requests are dropped first.
        years = np.nan_to_num(decided.decided_year, nan=-np.inf)
        latest = np.sort(np.argsort(years, kind="stable")[max(0, len(years) - settings.most_requests) :])
        rows = _normalize_top_terms(matrix[latest], weights, settings.most_terms)
        return cls(decided, latest, csc_matrix(rows), weights, settings.most_terms)

    def arrays(self) -> dict[str, Any]:
        """Return arrays by name, for saving."""
        return {
            "decided": self.decided.arrays(),
            "rows": self.rows,
            "matrix": self.matrix,
            "most_terms": self.most_terms,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], weights: NDArray[np.float64]) -> Self:
        """Rebuild from what `arrays` returned and the column weights of the outcome classifier."""
        decided = DecidedRequests.from_arrays(arrays["decided"])
        return cls(decided, arrays["rows"], arrays["matrix"], weights, arrays["most_terms"])

    def nearest(self, matrix: csr_matrix, query: Query, kinds: Kinds, most: int) -> list[list[Precedent]]:
        """Find the precedents of each row of a feature matrix, one per case, with a similarity above 0.

        Precedents with the same treatment and category rank first, then those with either, then by similarity.

        Parameters
        ----------
        matrix : (requests, features) sparse matrix
            Unweighted feature matrix.
        query : Query
            Query of the same rows.
        kinds : Kinds
            Kinds of the same rows.
        most : int
            Maximum number of precedents per row.
        """
        if not most or not len(self.rows):
            return [[] for _ in range(len(query))]
        rows = _normalize_top_terms(matrix, self.weights, self.most_terms)
        return [
            precedents
            for batch in gen_batches(len(query), _ROWS_AT_ONCE)
            for precedents in self._nearest_in_batch(rows[batch], query[batch], self._kinds.shared(kinds, batch), most)
        ]

    def explain_absence(self, query: Query, row: int) -> str:
        """Return the reason why a row of a query has no precedent."""
        asked_at = query.asked_at[row : row + 1]
        same_case = self.decided.matching_groups(query[row : row + 1])[0]
        others = is_earlier(self.decided.decided_year[self.rows], asked_at)[0] & ~np.isin(self._groups, same_case)
        if others.any():
            return "no decided request has a word or a fact in common with it"
        by = "" if np.isnan(asked_at[0]) else f" by {month_of(float(asked_at[0]))}"
        return f"no request of another case was decided{by}"

    def _nearest_in_batch(
        self, rows: csr_matrix, query: Query, shared: dict[str, NDArray[np.bool_]], most: int
    ) -> Iterator[list[Precedent]]:
        similarity = dot_products(self.matrix, rows)
        similarity[~is_earlier(self.decided.decided_year[self.rows], query.asked_at)] = 0
        for row, same_case in enumerate(self.decided.matching_groups(query)):
            if len(same_case):
                similarity[row, np.isin(self._groups, same_case)] = 0
        # Similarities are at most 1, so each shared characteristic outranks them.
        rank = np.where(similarity > 0, sum(shared.values(), similarity), 0)
        order, starts = self._by_case
        best = np.maximum.reduceat(rank[:, order], starts, axis=1)
        ends = [*starts[1:].tolist(), len(order)]
        for row, case_ranks in enumerate(best):
            cases = [case for case in _largest(case_ranks, most).tolist() if case_ranks[case] > 0]
            rows_by_case = [order[starts[case] : ends[case]] for case in cases]
            places = [case_rows[rank[row, case_rows].argmax()] for case_rows in rows_by_case]
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
        """Return the stored rows ordered by case, and the start of each case."""
        order = np.argsort(self._groups, kind="stable")
        return order, np.flatnonzero(np.diff(self._groups[order], prepend=-1))

    @cached_property
    def _kinds(self) -> KnownKinds:
        return KnownKinds(self.decided.category[self.rows], self.decided.treatments[self.rows])


def _largest(values: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Return the places of the largest values, in descending order; ties by place."""
    least = np.partition(values, -most)[-most] if most < len(values) else -np.inf
    places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:most]


def _normalize_top_terms(matrix: csr_matrix, weights: NDArray[np.float64], most: int) -> csr_matrix:
    """Return weighted rows of length 1 that contain only the terms with the largest weights."""
    weighted = csr_matrix(normalize(matrix @ diags(weights)), dtype=np.float32)
    weighted.eliminate_zeros()
    for start, end in zip(weighted.indptr[:-1], weighted.indptr[1:], strict=True):
        if end - start > most:
            smallest = np.argsort(-np.abs(weighted.data[start:end]), kind="stable")[most:]
            weighted.data[start + smallest] = 0
    weighted.eliminate_zeros()
    return csr_matrix(normalize(weighted, copy=False))
