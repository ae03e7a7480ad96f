"""Find the most similar decided requests.

Rows are compared by the cosine of their weighed TF-IDF terms and facts, of each row the ones that weigh most: the
many faint ones cost most of the time and say little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches

from imr_ml.precedents.decided import DecidedRequests, Query, is_earlier

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
        """From decided requests and the feature matrix of the same rows, every block with weight 1.

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
        return cls(DecidedRequests(**kept["decided"]), kept["rows"], kept["matrix"], weights, kept["most_terms"])

    def nearest(self, matrix: csr_matrix, query: Query, most: int) -> list[list[Precedent]]:
        """Precedents of each row of a feature matrix, the most alike first; none that has nothing in common.

        Parameters
        ----------
        matrix : (requests, features) sparse matrix
            Every block with weight 1.
        query : Query
            Of the same rows.
        most : int
        """
        if not most or not len(self.rows):
            return [[] for _ in range(len(query))]
        rows = _strongest(matrix, self.weights, self.most_terms)
        return [
            found for batch in gen_batches(len(query), _ROWS_AT_ONCE) for found in self._of(rows, query, batch, most)
        ]

    def _of(self, rows: csr_matrix, query: Query, batch: slice, most: int) -> Iterator[list[Precedent]]:
        asked_rows = rows[batch]
        named, place = np.unique(asked_rows.indices, return_inverse=True)
        narrow = csr_matrix((asked_rows.data, place, asked_rows.indptr), shape=(asked_rows.shape[0], len(named)))
        # A sparse matrix times a dense one is faster than two sparse ones where every row has something in common.
        similarity = np.ascontiguousarray((self.matrix[:, named] @ narrow.T.toarray()).T)
        similarity[~is_earlier(self.decided.decided_year[self.rows], query.asked_at[batch])] = 0
        for row, own in enumerate(self.decided.own_groups(query[batch])):
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
