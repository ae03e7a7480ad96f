"""Predict guideline families with binary classifiers, arranged per family, as a hierarchy or as a chain."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from imr_ml.classifiers.binary import fit_binary, log_odds
from imr_ml.classifiers.families import GuidelineFamilyClassifier
from imr_ml.guidelines.types import FAMILIES, Family

Arrangement = Literal["per_family", "hierarchical", "chain"]
_OUTSIDE_MTUS = (Family.ODG, Family.OTHER, Family.NONE)
_ALMOST_SURE = 1e-6


class Arranged(BaseEstimator):
    """Binary classifiers that together score all families.

    Parameters
    ----------
    estimator : estimator
        Binary classifier.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit on a feature matrix and an indicator matrix of the families.

        Parameters
        ----------
        X : (rows, features) sparse matrix
        y : (rows, families) bool
        groups : (rows,) array
            Case of each row.

        Raises
        ------
        NotImplementedError
            In the base class.
        """
        raise NotImplementedError

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the uncalibrated log-odds of each family, shape (rows, families).

        Raises
        ------
        NotImplementedError
            In the base class.
        """
        raise NotImplementedError


class PerFamily(Arranged):
    """One independent classifier per family; families that all or no rows cite get a constant score."""

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit each family's classifier."""
        self.estimators_ = [_fit_family(self.estimator, X, cited, groups) for cited in y.T]
        return self

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the log-odds of each family, shape (rows, families)."""
        return np.column_stack([_score_family(fitted, X) for fitted in self.estimators_])


class Chain(Arranged):
    """Classifier chain: each classifier also uses the families before it, ordered by frequency."""

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit the chain."""
        self.order_ = np.argsort(-y.mean(axis=0), kind="stable")
        self.estimators_ = [
            _fit_family(self.estimator, _append_columns(X, y[:, self.order_[:place]]), y[:, family], groups)
            for place, family in enumerate(self.order_)
        ]
        return self

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the log-odds of each family, shape (rows, families)."""
        scores = np.zeros((X.shape[0], len(self.order_)))
        for place, family in enumerate(self.order_):
            previous = expit(scores[:, self.order_[:place]])
            scores[:, family] = _score_family(self.estimators_[place], _append_columns(X, previous))
        return scores


class Hierarchical(Arranged):
    """Classify first whether a family inside or outside the MTUS is cited, then which one."""

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit the branches on all rows, and the families of each branch on the rows that cite it."""
        branch_cited = np.column_stack([y[:, branch].any(axis=1) for branch in _branches()])
        self.branch_ = PerFamily(self.estimator).fit(X, branch_cited, groups)
        self.within_ = [
            PerFamily(self.estimator).fit(X[rows], y[np.ix_(rows, branch)], groups[rows]) if rows.any() else None
            for rows, branch in zip(branch_cited.T, _branches(), strict=True)
        ]
        return self

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return log-odds from the probability of the branch times that of the family within the branch."""
        probability = np.zeros((X.shape[0], len(FAMILIES)))
        for p_branch, branch, within in zip(expit(self.branch_.scores(X)).T, _branches(), self.within_, strict=True):
            if within is not None:
                probability[:, branch] = p_branch[:, None] * expit(within.scores(X))
        scores: NDArray[np.float64] = logit(np.clip(probability, _ALMOST_SURE, 1 - _ALMOST_SURE))
        return scores


_ARRANGEMENTS: dict[Arrangement, type[Arranged]] = {
    "per_family": PerFamily,
    "hierarchical": Hierarchical,
    "chain": Chain,
}


class ArrangedFamilyClassifier(GuidelineFamilyClassifier):
    """Like `GuidelineFamilyClassifier`, with the scores of other binary classifiers.

    Parameters
    ----------
    estimator : estimator, default logistic regression
        Binary classifier; see `imr_ml.classifiers.binary.fit_binary`.
    arrangement : {"per_family", "hierarchical", "chain"}
    folds : int, default 5
    random_state : int, default 0
    exclusive : int, optional
        Column of the family that is never cited together with another.

    Attributes
    ----------
    coef_, intercept_
        Only for linear classifiers per family.
    arranged_ : Arranged
        Fitted classifiers, only for scores that are not linear.
    """

    def __init__(
        self,
        estimator: Any = None,
        arrangement: Arrangement = "per_family",
        folds: int = 5,
        random_state: int = 0,
        exclusive: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.arrangement = arrangement
        self.folds = folds
        self.random_state = random_state
        self.exclusive = exclusive

    def _fit_score(
        self,
        X: Any,  # noqa: N803
        y: NDArray[np.bool_],
        groups: NDArray[np.generic],
        *,
        is_large: bool,  # noqa: ARG002
    ) -> Self:
        estimator = LogisticRegression() if self.estimator is None else self.estimator
        arranged = _ARRANGEMENTS[self.arrangement](estimator).fit(X, y, groups)
        if isinstance(arranged, PerFamily) and all(_is_linear(fitted) for fitted in arranged.estimators_):
            coefficients, intercepts = zip(
                *(_linear_terms(fitted, X.shape[1]) for fitted in arranged.estimators_), strict=True
            )
            self.coef_, self.intercept_ = np.array(coefficients), np.array(intercepts)
        else:
            self.arranged_, self.slope_, self.offset_ = arranged, 1.0, 0.0
        return self

    def _score(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        if hasattr(self, "coef_"):
            return super()._score(X)
        return self.slope_ * self.arranged_.scores(X) + self.offset_

    def _scale(self, slope: float, offset: float) -> None:
        if hasattr(self, "coef_"):
            super()._scale(slope, offset)
        else:
            self.slope_, self.offset_ = slope, offset


def _branches() -> list[NDArray[np.int64]]:
    """Return the columns of the families inside and outside the MTUS."""
    outside = np.array([family in _OUTSIDE_MTUS for family in FAMILIES])
    return [np.flatnonzero(~outside), np.flatnonzero(outside)]


def _fit_family(estimator: Any, X: Any, cited: NDArray[np.bool_], groups: NDArray[np.generic]) -> Any:  # noqa: N803
    """Return a fitted classifier, or a constant score if all or no rows cite the family."""
    if cited.all() or not cited.any():
        return float(logit((cited.sum() + 0.5) / (len(cited) + 1)))
    return fit_binary(estimator, X, cited, groups)


def _score_family(fitted: Any, X: Any) -> NDArray[np.float64]:  # noqa: N803
    return np.full(X.shape[0], fitted) if isinstance(fitted, float) else log_odds(fitted, X)


def _is_linear(fitted: Any) -> bool:
    return isinstance(fitted, float) or hasattr(fitted, "coef_")


def _linear_terms(fitted: Any, features: int) -> tuple[NDArray[np.float64], float]:
    """Return coefficients and intercept."""
    if isinstance(fitted, float):
        return np.zeros(features), fitted
    return fitted.coef_[0], float(fitted.intercept_[0])


def _append_columns(X: Any, columns: NDArray[np.generic]) -> csr_matrix:  # noqa: N803
    return csr_matrix(hstack([X, csr_matrix(columns.astype(float))]))
