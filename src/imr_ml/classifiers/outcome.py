"""Predict the calibrated probability that a denial is overturned with a linear classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from imr_ml.classifiers.large_scale import fit_logistic_regression, held_out_part
from imr_ml.features.rows import FeatureRows

_MAX_ITERATIONS = 5000
_ALMOST_NO_PENALTY = 1e6


class CalibratedLogisticClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression with a sigmoid calibration that is fitted on held-out cases.

    The calibrated log-odds are linear in the features, so each feature's contribution to a prediction is exact.

    Parameters
    ----------
    C : float, default 1
        Inverse strength of the penalty.
    folds : int, default 5
        Number of grouped folds for the calibration; fewer if a class has fewer groups. If a class has a single group,
        probabilities are not calibrated.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : (2,) array
    coef_ : (features,) array
        Coefficients of the linear score.
    intercept_ : float
    slope_, offset_ : float
        The calibrated probability is the sigmoid of ``slope_ * score + offset_``. If held-out scores do not rise
        with the outcome, the slope is 0, and every row gets the base rate.
    base_rate_ : float
        Weighted share of the second class among the training rows.
    held_out_loss_ : (rows,) array
        Log loss of each row's held-out calibrated probability; NaN if there are too few groups.
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

    def fit(self, X: Any, y: Any, groups: object = None, weights: NDArray[np.float64] | None = None) -> Self:  # noqa: N803
        """Fit the score on all rows and its calibration on held-out rows.

        Parameters
        ----------
        X : (rows, features) array or sparse matrix, or FeatureRows
            `FeatureRows` are for large tables: one part of the groups is held out for calibration.
        y : (rows,) array of two classes
        groups : (rows,) array, optional
            Rows of one group are never on both sides of a calibration split; default: each row is a group.
        weights : (rows,) float, optional
            Row weights for the score and its calibration; default: equal weights.

        Raises
        ------
        ValueError
            If `y` does not have two classes.
        """
        if isinstance(X, FeatureRows):
            self.n_features_in_ = X.shape[1]
        else:
            X, y = validate_data(self, X, y, accept_sparse="csr")  # noqa: N806
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"needs samples of two classes; the data holds one class: {self.classes_[0]!r}")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        truth = y == self.classes_[1]
        self.base_rate_ = float(np.average(truth, weights=weights))
        if isinstance(X, FeatureRows):
            level = self._fit_rows(X, truth, groups, np.ones(len(truth)) if weights is None else weights)
        else:
            level = self._calibrate(
                X, truth, calibration_splits(truth, groups, self.folds, self.random_state), groups, weights
            )
            self._fit_score(X, truth, groups, weights)
        if level is not None:
            self.offset_ -= self.slope_ * (self._average_score(X, weights) - level)
        return self

    def decision_function(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Return the calibrated log-odds of the second class, shape (rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)  # noqa: N806
        log_odds: NDArray[np.float64] = self.slope_ * self._score(X) + self.offset_
        return log_odds

    def predict_proba(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Return the calibrated probability of each class, shape (rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def held_out_proba(self, y: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the held-out calibrated probability of the second class of each training row.

        Parameters
        ----------
        y : (rows,) array
            Classes that the classifier was fitted on.

        Returns
        -------
        (rows,) float
            NaN if there are too few groups.
        """
        check_is_fitted(self)
        probability: NDArray[np.float64] = np.where(
            y == self.classes_[1], np.exp(-self.held_out_loss_), -np.expm1(-self.held_out_loss_)
        )
        return probability

    def predict(self, X: object) -> NDArray[np.generic]:  # noqa: N803
        """Return the more probable class of each row."""
        columns = self.predict_proba(X).argmax(axis=1)
        predicted: NDArray[np.generic] = self.classes_[columns]
        return predicted

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags

    def _fit_score(
        self,
        X: Any,  # noqa: N803
        truth: NDArray[np.bool_],
        groups: NDArray[np.generic],  # noqa: ARG002
        weights: NDArray[np.float64] | None,
    ) -> None:
        score = sparse_logistic_regression(self.C, self.random_state).fit(X, truth, sample_weight=weights)
        self.coef_, self.intercept_ = score.coef_[0], float(score.intercept_[0])

    def _fit_rows(
        self, rows: FeatureRows, truth: NDArray[np.bool_], groups: NDArray[np.generic], weights: NDArray[np.float64]
    ) -> float | None:
        """Fit the score and its calibration on a large table; see `_calibrate` for the result."""
        train, test = held_out_part(groups, self.folds, self.random_state)
        weights_of_part = weights.copy()
        weights_of_part[test] = 0
        self.coef_, self.intercept_ = fit_logistic_regression(rows, truth, weights_of_part, self.C)
        scores = self._score(rows)
        self._fit_sigmoid(scores[test], truth, test, weights)
        level = float(np.average(scores[train], weights=weights[train]))
        start = np.append(self.coef_, self.intercept_)
        self.coef_, self.intercept_ = fit_logistic_regression(rows, truth, weights, self.C, start)
        return level

    def _score(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        score: NDArray[np.float64] = X @ self.coef_ + self.intercept_
        return score

    def _average_score(self, X: Any, weights: NDArray[np.float64] | None) -> float:  # noqa: N803
        return float(np.average(self._score(X), weights=weights))

    def _calibrate(
        self,
        X: Any,  # noqa: N803
        truth: NDArray[np.bool_],
        splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
        groups: NDArray[np.generic],
        weights: NDArray[np.float64] | None,
    ) -> float | None:
        """Fit the sigmoid on held-out scores.

        Return the average score of the training rows as a mean over the folds; None without folds. The average
        depends on the number of rows, because the penalty pulls the intercept to 0. A separate average for each fold
        would leak the share of overturned denials in its held-out rows.
        """
        self.slope_, self.offset_, self.held_out_loss_ = 1.0, 0.0, np.full(len(truth), np.nan)
        if not splits:
            return None
        scores, levels = np.empty(len(truth)), []
        for train, test in splits:
            fitted, part = clone(self), None if weights is None else weights[train]
            fitted._fit_score(X[train], truth[train], groups[train], part)
            scores[test] = fitted._score(X[test])
            levels.append(fitted._average_score(X[train], part))
        held_out = np.sort(np.concatenate([test for _, test in splits]))
        self._fit_sigmoid(scores[held_out], truth, held_out, weights)
        return float(np.mean(levels))

    def _fit_sigmoid(
        self,
        scores: NDArray[np.float64],
        truth: NDArray[np.bool_],
        held_out: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
    ) -> None:
        """Fit the sigmoid on held-out scores and compute their loss."""
        self.held_out_loss_ = np.full(len(truth), np.nan)
        truth, spread = truth[held_out], scores.std() or 1.0
        part = None if weights is None else weights[held_out]
        sigmoid = LogisticRegression(C=_ALMOST_NO_PENALTY).fit(scores[:, None] / spread, truth, sample_weight=part)
        self.slope_, self.offset_ = float(sigmoid.coef_[0, 0] / spread), float(sigmoid.intercept_[0])
        if self.slope_ <= 0:
            self.slope_, self.offset_ = 0.0, float(logit(self.base_rate_))
        calibrated = self.slope_ * scores + self.offset_
        self.held_out_loss_[held_out] = np.logaddexp(0, np.where(truth, -calibrated, calibrated))


def calibration_splits(
    truth: NDArray[np.bool_], groups: NDArray[np.generic], folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return stratified grouped folds: fewer if a class has fewer groups, none if a class has a single group.

    Parameters
    ----------
    truth : array of bool
    groups : (requests,) array
        Case of each request; near-duplicate cases share a group.
    folds : int
    seed : int
    """
    folds = min(folds, len(np.unique(groups[truth])), len(np.unique(groups[~truth])))
    if folds < 2:
        return []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = list(splitter.split(np.zeros(len(truth)), truth, groups))
    return splits if all(len(np.unique(truth[train])) == 2 for train, _ in splits) else []


def sparse_logistic_regression(C: float, seed: int) -> LogisticRegression:  # noqa: N803
    """Build a logistic regression fitted by dual coordinate descent, which is fast if terms outnumber rows."""
    return LogisticRegression(C=C, solver="liblinear", dual=True, max_iter=_MAX_ITERATIONS, random_state=seed)
