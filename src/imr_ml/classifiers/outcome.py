"""How likely a denial is overturned: a calibrated linear classifier.

Knows matrices and groups. Knows nothing of text, files or MLflow.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

_MAX_ITERATIONS = 5000


class CalibratedLogisticClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression with a sigmoid calibration learnt on cases that it was not fitted on.

    The calibration is monotone in one linear score, so that each feature's contribution to a prediction is exact.

    Parameters
    ----------
    C : float, default 1
        Inverse strength of the penalty.
    folds : int, default 5
        Grouped folds that the calibration is learnt on; fewer where a class has fewer groups, and none, with the
        probabilities left as they are, where a class has a single group.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : (2,) array
    coef_ : (features,) array
        Of the linear score.
    intercept_ : float
    n_features_in_ : int

    Examples
    --------
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> CalibratedLogisticClassifier().fit(X, X[:, 0] > 9).predict([[1.0], [18.0]])
    array([False,  True])
    """

    def __init__(self, C: float = 1.0, folds: int = 5, random_state: int = 0) -> None:  # noqa: N803
        self.C = C
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: object = None) -> Self:  # noqa: N803
        """Fit the score on all rows and its calibration out of fold.

        Parameters
        ----------
        X : (rows, features) array or sparse matrix
        y : (rows,) array of two classes
        groups : (rows,) array, optional
            Rows of one group are never on both sides of a calibration fold; each row is its own where not given.

        Raises
        ------
        ValueError
            For other than two classes.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr")  # noqa: N806
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"needs samples of two classes; the data holds one class: {self.classes_[0]!r}")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        score = sparse_logistic_regression(self.C, self.random_state)
        splits = self._splits(y, groups)
        if splits:
            calibrated = CalibratedClassifierCV(score, method="sigmoid", ensemble=False, cv=splits).fit(X, y)
            fitted = calibrated.calibrated_classifiers_[0]
            self.score_, self.calibration_ = fitted.estimator, calibrated
        else:
            self.score_ = self.calibration_ = score.fit(X, y)
        self.coef_, self.intercept_ = self.score_.coef_[0], float(self.score_.intercept_[0])
        return self

    def predict_proba(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Calibrated probability of each class, shape (rows, 2)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)  # noqa: N806
        probability: NDArray[np.float64] = self.calibration_.predict_proba(X)
        return probability

    def predict(self, X: object) -> NDArray[np.generic]:  # noqa: N803
        """The more likely class of each row."""
        likelier = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[np.generic] = self.classes_[likelier]
        return chosen

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags

    def _splits(self, y: NDArray[np.generic], groups: NDArray[np.generic]) -> list[tuple[object, object]]:
        smallest = min(len(np.unique(groups[y == value])) for value in self.classes_)
        folds = min(self.folds, smallest)
        if folds < 2:
            return []
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=self.random_state)
        splits = list(splitter.split(np.zeros(len(y)), y, groups))
        return splits if all(len(np.unique(y[train])) == 2 for train, _ in splits) else []


def sparse_logistic_regression(C: float, seed: int) -> LogisticRegression:  # noqa: N803
    """Logistic regression by dual coordinate descent: far more terms than rows, and no threads to fight over."""
    return LogisticRegression(C=C, solver="liblinear", dual=True, max_iter=_MAX_ITERATIONS, random_state=seed)
