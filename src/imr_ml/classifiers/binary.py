"""Define binary classifiers that scikit-learn lacks, and fit and score any binary classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import LinearSVC
from sklearn.utils.validation import has_fit_parameter

from imr_ml.classifiers.outcome import calibration_splits

_MAX_ITERATIONS = 20_000
# The default of liblinear itself; see `families`.
_TOLERANCE = 0.1
_ALMOST_SURE = 1e-6
_FOLDS = 5
_MOST_COLUMNS = 1000


def fit_binary(
    estimator: Any,
    X: Any,  # noqa: N803
    truth: NDArray[np.bool_],
    groups: NDArray[np.generic],
    weights: NDArray[np.float64] | None = None,
) -> Any:
    """Fit a copy of a binary classifier.

    Parameters
    ----------
    estimator : Any
    X : (rows, features) sparse matrix
    truth : (rows,) bool
    groups : (rows,) array
        Case of each row, for classifiers that hold rows out.
    weights : (rows,) float, optional
    """
    params = {"groups": groups} if has_fit_parameter(estimator, "groups") else {}
    return clone(estimator).fit(X, truth, sample_weight=weights, **params)


def log_odds(fitted: Any, X: Any) -> NDArray[np.float64]:  # noqa: N803
    """Return log-odds of the second class, or the margin if there are no probabilities, shape (rows,)."""
    if hasattr(fitted, "decision_function"):
        return np.asarray(fitted.decision_function(X))
    return np.asarray(logit(np.clip(fitted.predict_proba(X)[:, 1], _ALMOST_SURE, 1 - _ALMOST_SURE)))


def linear_svm(C: float, seed: int) -> LinearSVC:  # noqa: N803
    """Build a linear support vector machine fitted by dual coordinate descent."""
    return LinearSVC(C=C, loss="hinge", dual=True, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS, random_state=seed)


class NaiveBayes(ComplementNB):
    """Binary `ComplementNB` with a linear decision function."""

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Coefficients of the log-odds of the second class, shape (1, features)."""
        coefficients: NDArray[np.float64] = self.feature_log_prob_[[1]] - self.feature_log_prob_[[0]]
        return coefficients

    @property
    def intercept_(self) -> NDArray[np.float64]:
        """Zero: complement naive Bayes has no prior."""
        return np.zeros(1)

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the log-odds of the second class, shape (rows,)."""
        scores: NDArray[np.float64] = X @ self.coef_[0]
        return scores


class _TwoClasses(ClassifierMixin, BaseEstimator):
    """Base of binary classifiers that have a score."""

    classes_: NDArray[np.generic]

    def predict(self, X: Any) -> NDArray[np.generic]:  # noqa: N803
        """Return the more probable class of each row."""
        predicted: NDArray[np.generic] = self.classes_[(log_odds(self, X) > 0).astype(int)]
        return predicted


class NaiveBayesSvm(_TwoClasses):
    """Linear support vector machine on features scaled by naive Bayes log-count ratios (Wang and Manning, 2012).

    Parameters
    ----------
    C : float, default 1
        Inverse strength of the penalty.
    alpha : float, default 1
        Smoothing term added to each feature sum.
    random_state : int, default 0
    """

    def __init__(self, C: float = 1.0, alpha: float = 1.0, random_state: int = 0) -> None:  # noqa: N803
        self.C = C
        self.alpha = alpha
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: NDArray[np.float64] | None = None) -> Self:  # noqa: N803
        """Scale each feature by its log-count ratio, then fit the support vector machine."""
        self.classes_ = np.unique(y)
        truth = np.asarray(y) == self.classes_[1]
        rows = np.ones(len(truth)) if sample_weight is None else sample_weight
        sums = [self.alpha + csr_matrix(X).T @ (rows * side) for side in (truth, ~truth)]
        ratio = np.log(sums[0] / sums[0].sum()) - np.log(sums[1] / sums[1].sum())
        machine = linear_svm(self.C, self.random_state)
        machine.fit(csr_matrix(X).multiply(ratio).tocsr(), truth, sample_weight=sample_weight)
        self.coef_, self.intercept_ = machine.coef_ * ratio, machine.intercept_
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the margin of the second class, shape (rows,)."""
        margins: NDArray[np.float64] = X @ self.coef_[0] + self.intercept_[0]
        return margins


class SimilarityVote(_TwoClasses):
    """Nearest-neighbor classifier whose votes are weighted by cosine similarity and row weight.

    Parameters
    ----------
    n_neighbors : int, default 9
    """

    def __init__(self, n_neighbors: int = 9) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: Any, y: Any, sample_weight: NDArray[np.float64] | None = None) -> Self:  # noqa: N803
        """Store the rows."""
        self.classes_ = np.unique(y)
        self.truth_ = (np.asarray(y) == self.classes_[1]).astype(float)
        self.weights_ = np.ones(len(self.truth_)) if sample_weight is None else np.asarray(sample_weight)
        neighbors = min(self.n_neighbors, len(self.truth_))
        self.rows_ = NearestNeighbors(n_neighbors=neighbors, metric="cosine", algorithm="brute").fit(X)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the share of the votes for each class, shape (rows, 2)."""
        distances, nearest = self.rows_.kneighbors(X)
        votes = np.maximum(1 - distances, _ALMOST_SURE) * self.weights_[nearest]
        share = (votes * self.truth_[nearest]).sum(axis=1) / votes.sum(axis=1)
        return np.column_stack([1 - share, share])


class BoostedTrees(HistGradientBoostingClassifier):
    """`HistGradientBoostingClassifier` for sparse matrices; uses the columns with the most entries."""

    def fit(self, X: Any, y: Any, sample_weight: NDArray[np.float64] | None = None) -> Self:  # noqa: N803
        """Fit the trees."""
        filled = csr_matrix(X).getnnz(axis=0)
        self.columns_ = np.sort(np.argsort(-filled, kind="stable")[: max(1, min(_MOST_COLUMNS, (filled > 0).sum()))])
        fitted: Self = super().fit(self._dense(X), y, sample_weight=sample_weight)
        return fitted

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the log-odds of the second class, shape (rows,)."""
        scores: NDArray[np.float64] = super().decision_function(self._dense(X))
        return scores

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the probability of each class, shape (rows, 2)."""
        probability: NDArray[np.float64] = super().predict_proba(self._dense(X))
        return probability

    def _dense(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        dense: NDArray[np.float64] = csr_matrix(X)[:, self.columns_].toarray()
        return dense


class Stacked(_TwoClasses):
    """`StackingClassifier` with grouped inner folds; averages the base classifiers if there are too few cases.

    Parameters
    ----------
    estimators : list of (str, estimator)
    C : float, default 1
        Inverse strength of the penalty of the final regression.
    random_state : int, default 0
    """

    def __init__(self, estimators: list[tuple[str, Any]], C: float = 1.0, random_state: int = 0) -> None:  # noqa: N803
        self.estimators = estimators
        self.C = C
        self.random_state = random_state

    def fit(
        self,
        X: Any,  # noqa: N803
        y: Any,
        groups: Any = None,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit the regression on held-out probabilities of the base classifiers, and these on all rows.

        Parameters
        ----------
        X : (rows, features) sparse matrix
        y : (rows,) array of two classes
        groups : (rows,) array, optional
            Case of each row; default: each row is a case.
        sample_weight : (rows,) float, optional
        """
        self.classes_ = np.unique(y)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        splits = calibration_splits(np.asarray(y) == self.classes_[1], groups, _FOLDS, self.random_state)
        if splits:
            model = StackingClassifier(self.estimators, LogisticRegression(C=self.C), cv=splits)
        else:
            model = VotingClassifier(self.estimators, voting="soft")
        self.model_ = model.fit(X, y, **({} if sample_weight is None else {"sample_weight": sample_weight}))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the probability of each class, shape (rows, 2)."""
        probability: NDArray[np.float64] = self.model_.predict_proba(X)
        return probability
