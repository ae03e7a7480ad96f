"""The naive Bayes weighting of NB-SVM (Wang and Manning, 2012, "Baselines and Bigrams").

Knows matrices of features that are not negative.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin


class LogCountRatio(TransformerMixin, BaseEstimator):
    """Weighs each feature by the log of how much more it belongs to one class than to the other.

    Parameters
    ----------
    alpha : float, default 1
        Added to every sum.

    Attributes
    ----------
    ratio_ : (features,) float
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Learn the ratios from (rows, features) and (rows,) bool."""
        truth = np.asarray(y, dtype=bool)
        shares = [self.alpha + np.asarray(X[rows].sum(axis=0)).ravel() for rows in (truth, ~truth)]
        self.ratio_ = np.log(shares[0] / shares[0].sum()) - np.log(shares[1] / shares[1].sum())
        return self

    def transform(self, X: Any) -> csr_matrix:  # noqa: N803
        """The same features, weighed."""
        return csr_matrix(X).multiply(self.ratio_).tocsr()
