"""Predict guideline families with any classifier of two classes, arranged side by side, in a hierarchy or chain."""

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
    """Classifiers of two classes that score all families together.

    Parameters
    ----------
    estimator : estimator
        Of two classes.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit on (rows, features) and a (rows, families) indicator.

        Parameters
        ----------
        X : (rows, features) sparse matrix
        y : (rows, families) bool
        groups : (rows,) array
            Case of each row.

        Raises
        ------
        NotImplementedError
            Where it has no arrangement.
        """
        raise NotImplementedError

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Log-odds of each family before calibration, shape (rows, families).

        Raises
        ------
        NotImplementedError
            Where it has no arrangement.
        """
        raise NotImplementedError


class PerFamily(Arranged):
    """One classifier a family, each by itself; a family that all or no rows cite has one score for all."""

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit each family's classifier."""
        self.estimators_ = [_fit_one(self.estimator, X, cited, groups) for cited in y.T]
        return self

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Log-odds of each family, shape (rows, families)."""
        return np.column_stack([_scores_of(one, X) for one in self.estimators_])


class Chain(Arranged):
    """Each family's classifier also sees the families before it, the commonest first."""

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit the chain."""
        self.order_ = np.argsort(-y.mean(axis=0), kind="stable")
        self.estimators_ = [
            _fit_one(self.estimator, _beside(X, y[:, self.order_[:place]]), y[:, family], groups)
            for place, family in enumerate(self.order_)
        ]
        return self

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Log-odds of each family, shape (rows, families)."""
        scores = np.zeros((X.shape[0], len(self.order_)))
        for place, family in enumerate(self.order_):
            before = expit(scores[:, self.order_[:place]])
            scores[:, family] = _scores_of(self.estimators_[place], _beside(X, before))
        return scores


class Hierarchical(Arranged):
    """First whether the MTUS or something outside of it is cited, then which family of that branch."""

    def fit(self, X: Any, y: NDArray[np.bool_], groups: NDArray[np.generic]) -> Self:  # noqa: N803
        """Fit the branches on all rows, and each branch's families on the rows that cite it."""
        branch_cited = np.column_stack([y[:, branch].any(axis=1) for branch in _branches()])
        self.branch_ = PerFamily(self.estimator).fit(X, branch_cited, groups)
        self.within_ = [
            PerFamily(self.estimator).fit(X[rows], y[np.ix_(rows, branch)], groups[rows]) if rows.any() else None
            for rows, branch in zip(branch_cited.T, _branches(), strict=True)
        ]
        return self

    def scores(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Log-odds of each family, from its branch's probability times the family's within the branch."""
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
    """`GuidelineFamilyClassifier` with other classifiers' scores.

    Parameters
    ----------
    estimator : estimator, default logistic regression
        Of two classes; see `imr_ml.classifiers.binary.fit_binary`.
    arrangement : {"per_family", "hierarchical", "chain"}
    folds : int, default 5
    random_state : int, default 0
    exclusive : int, optional
        Column of the family that is never cited together with another.

    Attributes
    ----------
    coef_, intercept_
        Of linear classifiers per family; no others have them.
    arranged_ : Arranged
        What gives scores that are not linear.
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
        if isinstance(arranged, PerFamily) and all(_is_linear(one) for one in arranged.estimators_):
            coefficients, intercepts = zip(*(_line(one, X.shape[1]) for one in arranged.estimators_), strict=True)
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
    """Columns of the families of the MTUS, and of those outside of it."""
    outside = np.array([family in _OUTSIDE_MTUS for family in FAMILIES])
    return [np.flatnonzero(~outside), np.flatnonzero(outside)]


def _fit_one(estimator: Any, X: Any, cited: NDArray[np.bool_], groups: NDArray[np.generic]) -> Any:  # noqa: N803
    """A family's fitted classifier, or its score where all rows cite it or none does."""
    if cited.all() or not cited.any():
        return float(logit((cited.sum() + 0.5) / (len(cited) + 1)))
    return fit_binary(estimator, X, cited, groups)


def _scores_of(one: Any, X: Any) -> NDArray[np.float64]:  # noqa: N803
    return np.full(X.shape[0], one) if isinstance(one, float) else log_odds(one, X)


def _is_linear(one: Any) -> bool:
    return isinstance(one, float) or hasattr(one, "coef_")


def _line(one: Any, features: int) -> tuple[NDArray[np.float64], float]:
    return (np.zeros(features), one) if isinstance(one, float) else (one.coef_[0], float(one.intercept_[0]))


def _beside(X: Any, others: NDArray[np.generic]) -> csr_matrix:  # noqa: N803
    return csr_matrix(hstack([X, csr_matrix(others.astype(float))]))
