"""Which guideline families the reviewer cites: a set of families, and the likeliest one.

Knows matrices and groups. Knows nothing of text, files or MLflow.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted, validate_data

from imr_ml.classifiers.outcome import sparse_logistic_regression


class GuidelineFamilyClassifier(BaseEstimator):
    """One logistic regression a family, and a threshold above which a family belongs to the predicted set.

    Parameters
    ----------
    C : float, default 3
        Inverse strength of the penalty.
    folds : int, default 5
        Grouped folds that the threshold is tuned on.
    random_state : int, default 0

    Attributes
    ----------
    estimators_ : list of LogisticRegression or float
        Per family; a constant probability for a family that every training row or none cites.
    threshold_ : float
    held_out_loss_ : (rows,) array
        Squared error of the probabilities of each row when it was not fitted on, summed over the families; NaN where
        all rows are of one group.
    n_features_in_ : int
    """

    def __init__(self, C: float = 3.0, folds: int = 5, random_state: int = 0) -> None:  # noqa: N803
        self.C = C
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: object = None) -> Self:  # noqa: N803
        """Fit on (rows, features) and a (rows, families) indicator; `groups` keep a case on one side when tuning.

        Raises
        ------
        ValueError
            For a `y` that has not two dimensions.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True)  # noqa: N806
        y = np.asarray(y).astype(bool)
        if y.ndim != 2:
            raise ValueError(f"y must be an indicator of shape (rows, families); it has the shape {y.shape}")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        self.threshold_, self.held_out_loss_ = self._tuned_threshold(X, y, groups)
        self.estimators_ = [self._fit_one(X, column) for column in y.T]
        return self

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Coefficients of each family's score, shape (families, features); zero for a constant one."""
        zero = np.zeros(self.n_features_in_)
        return np.array([zero if isinstance(one, float) else one.coef_[0] for one in self.estimators_])

    def predict_proba(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Probability that each family is cited, shape (rows, families); they need not add up to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)  # noqa: N806
        return family_probabilities(self.estimators_, X)

    def predict(self, X: object) -> NDArray[np.bool_]:  # noqa: N803
        """Predicted set of each row as an indicator, shape (rows, families); never empty."""
        return family_sets(self.predict_proba(X), self.threshold_)

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    def _fit_one(self, X: object, column: NDArray[np.bool_]) -> LogisticRegression | float:  # noqa: N803
        if column.all() or not column.any():
            return float(column[0])
        return sparse_logistic_regression(self.C, self.random_state).fit(X, column)

    def _tuned_threshold(
        self,
        X: Any,  # noqa: N803
        y: NDArray[np.bool_],
        groups: NDArray[np.generic],
    ) -> tuple[float, NDArray[np.float64]]:
        """Threshold with the best F1 over all pairs of row and family, on rows that were not fitted on; their loss."""
        folds = min(self.folds, len(np.unique(groups)))
        if folds < 2:
            return 0.5, np.full(len(y), np.nan)
        probability = np.zeros(y.shape)
        for train, test in GroupKFold(folds, shuffle=True, random_state=self.random_state).split(y, groups=groups):
            estimators = [self._fit_one(X[train], column) for column in y[train].T]
            probability[test] = family_probabilities(estimators, X[test])
        candidates = np.round(np.arange(0.2, 0.81, 0.05), 2)
        best = max(candidates, key=lambda threshold: _f1(y, family_sets(probability, threshold)))
        return float(best), ((probability - y) ** 2).sum(axis=1)


def family_sets(probability: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Families at or above the threshold, and always the most likely one, as an indicator of the same shape."""
    chosen = probability >= threshold
    chosen[np.arange(len(chosen)), probability.argmax(axis=1)] = True
    return chosen


def family_probabilities(estimators: list[Any], X: Any) -> NDArray[np.float64]:  # noqa: N803
    """Probability of each family, shape (rows, families): from its classifier, or the constant that stands for one."""
    rows = X.shape[0]
    return np.column_stack(
        [np.full(rows, one) if isinstance(one, float) else one.predict_proba(X)[:, 1] for one in estimators]
    )


def _f1(truth: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    return 2 * float((truth & chosen).sum()) / float(truth.sum() + chosen.sum())
