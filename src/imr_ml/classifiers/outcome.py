"""Predict the probability that a denial is overturned with a calibrated linear classifier."""

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
    """Logistic regression with a sigmoid calibration learned on cases that it was not fitted on.

    The calibration is monotone in one linear score, so that each feature's contribution to a prediction is exact.

    Parameters
    ----------
    C : float, default 1
        Inverse strength of the penalty.
    folds : int, default 5
        Grouped folds that the calibration is learned on; fewer where a class has fewer groups, and none, with the
        probabilities left as they are, where a class has a single group.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : (2,) array
    coef_ : (features,) array
        Of the linear score.
    intercept_ : float
    slope_, offset_ : float
        The calibrated probability is the sigmoid of ``slope_ * score + offset_``; a slope of 0 gives every row the base
        rate, because held-out scores did not rise with the outcome.
    base_rate_ : float
        Share of the second class among the rows, as they were weighed.
    held_out_loss_ : (rows,) array
        Log loss of the calibrated probability of each row when it was not fitted on; NaN where groups are too few.
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
        """Fit the score on all rows and its calibration out of fold.

        Parameters
        ----------
        X : (rows, features) array or sparse matrix, or FeatureRows
            Of `FeatureRows`, which are many, one part of the groups is held out for the calibration.
        y : (rows,) array of two classes
        groups : (rows,) array, optional
            Rows of one group are never on both sides of a calibration fold; each row is its own where not given.
        weights : (rows,) float, optional
            How much each row counts, in the score and in its calibration; all alike where not given.

        Raises
        ------
        ValueError
            For other than two classes.
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
        """Calibrated log-odds of the second class; shape (rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)  # noqa: N806
        log_odds: NDArray[np.float64] = self.slope_ * self._score(X) + self.offset_
        return log_odds

    def predict_proba(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Calibrated probability of each class, shape (rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def held_out_proba(self, y: NDArray[np.generic]) -> NDArray[np.float64]:
        """Calibrated probability of the second class of each row fitted on, by a score that was not fitted on it.

        Parameters
        ----------
        y : (rows,) array
            What it was fitted on.

        Returns
        -------
        (rows,) float
            NaN where groups are too few.
        """
        check_is_fitted(self)
        probability: NDArray[np.float64] = np.where(
            y == self.classes_[1], np.exp(-self.held_out_loss_), -np.expm1(-self.held_out_loss_)
        )
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
        """Fit the score and its calibration on many rows; returns what `_calibrate` does."""
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
        """Fit the sigmoid on held-out scores; a negative slope means that there is no signal, and becomes 0.

        Returns the average score of the rows fitted on, as a mean over the folds; None without folds. It is lower the
        more rows there are, because the penalty pulls the intercept to 0. One constant for all folds: a fold's own
        average would give away the share of overturned denials in the rows that it holds out.
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
        """Fit the sigmoid on the scores of rows that were held out, and measure their loss."""
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
    """Grouped folds to hold rows out in: fewer where a class has fewer groups, none where one has a single group.

    Parameters
    ----------
    truth : array of bool
    groups : (requests,) array
        Case of each request, joined with its near-duplicates.
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
    """Logistic regression by dual coordinate descent: far more terms than rows, and no threads to fight over."""
    return LogisticRegression(C=C, solver="liblinear", dual=True, max_iter=_MAX_ITERATIONS, random_state=seed)
