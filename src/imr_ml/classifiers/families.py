"""Predict which guideline families the reviewer will cite."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted, validate_data

from imr_ml.classifiers.large_scale import fit_machines, held_out_part
from imr_ml.features.rows import FeatureRows
from imr_ml.guidelines.types import FAMILIES, Family

NONE = FAMILIES.index(Family.NONE)
"""Column of the family for requests without a citation."""
_MAX_ITERATIONS = 20_000
_ALMOST_NO_PENALTY = 1e6
# The default of liblinear itself. A lower tolerance does not improve predictions on held-out cases and takes five times
# as long on thousands of requests.
_TOLERANCE = 0.1
_THRESHOLDS = np.round(np.arange(0.1, 0.81, 0.02), 2)


class GuidelineFamilyClassifier(BaseEstimator):
    """One linear support vector machine per family, a shared sigmoid, and a threshold for the predicted set.

    Most families are cited too rarely for a separate sigmoid. A shared one preserves the order of the families, and
    each score remains a sum over features.

    Parameters
    ----------
    C : float, default 0.05
        Inverse strength of the penalty.
    folds : int, default 5
        Number of grouped folds for fitting the sigmoid and the threshold.
    random_state : int, default 0
    exclusive : int, optional
        Column of the family that is never cited together with another.

    Attributes
    ----------
    coef_ : (families, features) array
        Coefficients of the log-odds: those of each machine times the slope of the sigmoid.
    intercept_ : (families,) array
    constant_ : (families,) array
        Probability of families that all or no training rows cite; NaN for all others.
    threshold_ : float
        Families at or above it belong to the predicted set; see `family_sets`.
    held_out_loss_ : (rows,) array
        Squared error of each row's held-out probabilities, summed over the families; NaN if there is only one group.
    n_features_in_ : int
    """

    def __init__(
        self,
        C: float = 0.05,  # noqa: N803
        folds: int = 5,
        random_state: int = 0,
        exclusive: int | None = None,
    ) -> None:
        self.C = C
        self.folds = folds
        self.random_state = random_state
        self.exclusive = exclusive

    def fit(self, X: Any, y: Any, groups: object = None) -> Self:  # noqa: N803
        """Fit on a feature matrix and an indicator matrix of the families.

        Parameters
        ----------
        X : (rows, features) array or sparse matrix, or FeatureRows
            `FeatureRows` are for large tables: machines are fitted by stochastic gradient descent, and one part of
            the groups is held out for calibration.
        y : (rows, families) array
        groups : (rows,) array, optional
            Case of each request; near-duplicate cases share a group. A group is never split between folds.

        Raises
        ------
        ValueError
            If `y` does not have two dimensions.
        """
        if is_large := isinstance(X, FeatureRows):
            self.n_features_in_ = X.shape[1]
        else:
            X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True)  # noqa: N806
        y = np.asarray(y).astype(bool)
        if y.ndim != 2:
            raise ValueError(f"y must be an indicator of shape (rows, families); it has the shape {y.shape}")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        self.constant_ = np.where(y.all(axis=0), 1.0, np.where(y.any(axis=0), np.nan, 0.0))
        slope, offset = self._calibrate(X, y, groups, is_large=is_large)
        self._fit_score(X.to_sparse() if is_large else X, y, groups, is_large=is_large)._scale(slope, offset)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the probability that each family is cited, shape (rows, families); rows need not sum to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)  # noqa: N806
        return self._probability(self._score(X))

    def predict(self, X: object) -> NDArray[np.bool_]:  # noqa: N803
        """Return the predicted set of each row as an indicator, shape (rows, families); never empty."""
        return family_sets(self.predict_proba(X), self.threshold_, self.exclusive)

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    def _fit_score(
        self,
        X: Any,  # noqa: N803
        y: NDArray[np.bool_],
        groups: NDArray[np.generic],  # noqa: ARG002
        *,
        is_large: bool,
    ) -> Self:
        """Fit one machine per family; families that all or no rows cite get a constant score."""
        varying = y.any(axis=0) & ~y.all(axis=0)
        self.coef_ = np.zeros((y.shape[1], X.shape[1]))
        self.intercept_ = np.where(y.all(axis=0), 1.0, -1.0)
        fit = fit_machines if is_large else _fit_machines
        if varying.any():
            self.coef_[varying], self.intercept_[varying] = fit(X, y[:, varying], self.C, self.random_state)
        return self

    def _score(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        score: NDArray[np.float64] = X @ self.coef_.T + self.intercept_
        return score

    def _scale(self, slope: float, offset: float) -> None:
        """Scale the coefficients so that scores are calibrated log-odds."""
        # Column-major: a product of a sparse matrix with the transposed coefficients would copy them otherwise.
        self.coef_ = np.asfortranarray(slope * self.coef_)
        self.intercept_ = slope * self.intercept_ + offset

    def _probability(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        probability: NDArray[np.float64] = np.where(np.isnan(self.constant_), expit(log_odds), self.constant_)
        return probability

    def _calibrate(
        self,
        X: Any,  # noqa: N803
        y: NDArray[np.bool_],
        groups: NDArray[np.generic],
        *,
        is_large: bool,
    ) -> tuple[float, float]:
        """Fit the sigmoid and the threshold with the best micro F1 on held-out scores."""
        self.threshold_, self.held_out_loss_ = 0.5, np.full(len(y), np.nan)
        folds = min(self.folds, len(np.unique(groups)))
        if folds < 2:
            return 1.0, 0.0
        if is_large:
            splits = [held_out_part(groups, folds, self.random_state)]
        else:
            splits = list(GroupKFold(folds, shuffle=True, random_state=self.random_state).split(y, groups=groups))
        scores = np.full(y.shape, np.nan)
        rows_of = X.to_sparse if is_large else X.__getitem__
        for train, test in splits:
            fitted = clone(self)._fit_score(rows_of(train), y[train], groups[train], is_large=is_large)
            scores[test] = fitted._score(rows_of(test))
        held_out = ~np.isnan(scores).any(axis=1)
        scores, y = scores[held_out], y[held_out]
        slope, offset = self._sigmoid(scores, y)
        probability = self._probability(slope * scores + offset)
        sets = {threshold: family_sets(probability, threshold, self.exclusive) for threshold in _THRESHOLDS}
        self.threshold_ = float(max(sets, key=lambda threshold: _f1(y, sets[threshold])))
        self.held_out_loss_[held_out] = ((probability - y) ** 2).sum(axis=1)
        return slope, offset

    def _sigmoid(self, scores: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, float]:
        """Return slope and offset; without signal (no positive slope), set each family to its base rate."""
        varying = np.isnan(self.constant_)
        if not varying.any():
            return 1.0, 0.0
        sigmoid = LogisticRegression(C=_ALMOST_NO_PENALTY).fit(scores[:, varying].reshape(-1, 1), y[:, varying].ravel())
        if sigmoid.coef_[0, 0] <= 0:
            self.constant_[varying] = y[:, varying].mean(axis=0)
            return 0.0, 0.0
        return float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])


def family_sets(probability: NDArray[np.float64], threshold: float, exclusive: int | None = NONE) -> NDArray[np.bool_]:
    """Return the most plausible set of families of each row as an indicator of the same shape; never empty.

    The set maximizes the sum of probability minus threshold over its families. It has the highest expected micro F1
    if the threshold is half of the F1 that is reached.

    Parameters
    ----------
    probability : (rows, families) float
    threshold : float
    exclusive : int, optional
        Column of the family that is never cited together with another; default: ``none``.
    """
    combined = probability.copy()
    if exclusive is not None:
        combined[:, exclusive] = -np.inf
    sets = combined >= threshold
    sets[np.arange(len(sets)), combined.argmax(axis=1)] = True
    if exclusive is not None:
        gain = probability - min(threshold, 1.0)
        alone = gain[:, exclusive] > np.where(sets, gain, 0.0).sum(axis=1)
        sets[alone] = np.arange(probability.shape[1]) == exclusive
    return sets


def family_probabilities(estimators: list[Any], X: Any) -> NDArray[np.float64]:  # noqa: N803
    """Return the probability of each family, from its classifier or constant, shape (rows, families)."""
    rows = X.shape[0]
    return np.column_stack(
        [
            np.full(rows, estimator) if isinstance(estimator, float) else estimator.predict_proba(X)[:, 1]
            for estimator in estimators
        ]
    )


def _fit_machines(
    X: Any,  # noqa: N803
    y: NDArray[np.bool_],
    C: float,  # noqa: N803
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    machine = LinearSVC(C=C, loss="hinge", dual=True, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS, random_state=seed)
    fitted = [clone(machine).fit(X, cited) for cited in y.T]
    return np.array([svm.coef_[0] for svm in fitted]), np.array([svm.intercept_[0] for svm in fitted])


def _f1(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float:
    return 2 * float((truth & predicted).sum()) / float(truth.sum() + predicted.sum())
