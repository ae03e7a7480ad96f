"""Calibrate any binary classifier on held-out cases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from imr_ml.classifiers.binary import fit_binary, log_odds
from imr_ml.classifiers.large_scale import held_out_part
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.features.rows import FeatureRows


class CalibratedClassifier(CalibratedLogisticClassifier):
    """Like `CalibratedLogisticClassifier`, with the score of another binary classifier.

    Parameters
    ----------
    estimator : estimator, default logistic regression
        Binary classifier; see `imr_ml.classifiers.binary.fit_binary`.
    folds : int, default 5
    random_state : int, default 0

    Attributes
    ----------
    coef_, intercept_
        Only for a linear score.
    estimator_ : estimator
        Fitted classifier, only for a score that is not linear.
    """

    def __init__(self, estimator: Any = None, folds: int = 5, random_state: int = 0) -> None:
        self.estimator = estimator
        self.folds = folds
        self.random_state = random_state

    def _fit_score(
        self,
        X: Any,  # noqa: N803
        truth: NDArray[np.bool_],
        groups: NDArray[np.generic],
        weights: NDArray[np.float64] | None,
    ) -> None:
        fitted = fit_binary(
            LogisticRegression() if self.estimator is None else self.estimator, X, truth, groups, weights
        )
        if hasattr(fitted, "coef_"):
            self.coef_, self.intercept_ = fitted.coef_[0], float(fitted.intercept_[0])
        else:
            self.estimator_ = fitted

    def _fit_rows(
        self, rows: FeatureRows, truth: NDArray[np.bool_], groups: NDArray[np.generic], weights: NDArray[np.float64]
    ) -> float | None:
        X = rows.to_sparse()  # noqa: N806
        level = self._calibrate(X, truth, [held_out_part(groups, self.folds, self.random_state)], groups, weights)
        self._fit_score(X, truth, groups, weights)
        return level

    def _score(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        return super()._score(X) if hasattr(self, "coef_") else log_odds(self.estimator_, X)

    def _average_score(self, X: Any, weights: NDArray[np.float64] | None) -> float:  # noqa: N803
        # The average is meaningless for other scores, which are far more certain on training rows than on new rows.
        return super()._average_score(X, weights) if hasattr(self, "coef_") else 0.0
