"""Store a feature matrix in which requests of a case share the row of their clinical summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils import gen_batches

from imr_ml.features.terms import stack_rows

_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """A feature matrix in which requests of one case share the row of their clinical summary.

    Attributes
    ----------
    unshared : (requests, features) sparse matrix
        Features other than those of the summaries.
    shared : (summaries, features) sparse matrix
        Features of the summaries.
    summary_of : (requests,) int
        Row of each request in `shared`.
    weights : (features,) float or None
        Column weights; None for 1.
    """

    unshared: csr_matrix
    shared: csr_matrix
    summary_of: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of requests and features."""
        rows, columns = self.unshared.shape
        return rows, columns

    def with_weights(self, weights: NDArray[np.float64]) -> FeatureRows:
        """Return the matrix with column weights, without copying data."""
        return FeatureRows(self.unshared, self.shared, self.summary_of, weights.astype(self.unshared.dtype))

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> csr_matrix:
        """Return selected rows as a sparse matrix."""
        unshared, shared = self.unshared[rows], self.shared[self.summary_of[rows]]
        if self.weights is None:
            return csr_matrix(unshared + shared)
        return scale_columns(csr_matrix(unshared + shared), self.weights)

    def to_sparse(self, rows: NDArray[np.int64] | None = None) -> csr_matrix:
        """Return selected or all rows as a sparse matrix; uses less memory if all summary weights are 0."""
        rows = np.arange(self.shape[0]) if rows is None else rows
        weights = self.weights
        if weights is None or weights[self.shared.indices].any():
            return self[rows]
        parts = [scale_columns(self.unshared[rows[batch]], weights) for batch in gen_batches(len(rows), _ROWS_AT_ONCE)]
        return stack_rows(parts, self.shape[1], self.unshared.dtype)

    def __matmul__(self, coefficients: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the product with a vector, shape (requests,)."""
        weighted = coefficients if self.weights is None else coefficients * self.weights
        product: NDArray[np.floating[Any]] = self.unshared @ weighted + (self.shared @ weighted)[self.summary_of]
        return product

    def transposed_product(self, vector: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the product of the transposed matrix with a vector, shape (features,)."""
        summary_sums = np.bincount(self.summary_of, vector, self.shared.shape[0]).astype(vector.dtype)
        product: NDArray[np.floating[Any]] = self.unshared.T @ vector + self.shared.T @ summary_sums
        return product if self.weights is None else product * self.weights


def scale_columns(matrix: csr_matrix, weights: NDArray[np.floating[Any]]) -> csr_matrix:
    """Multiply the columns of a sparse matrix by weights in place, and remove zero entries."""
    matrix.data *= weights[matrix.indices]
    matrix.eliminate_zeros()
    return matrix
