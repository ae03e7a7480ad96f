"""Combine single-family classifiers: side by side, in a chain, or in a hierarchy.

Each gives a family that nobody or everybody cites its share as a constant, and returns (rows, families)
probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.multioutput import ClassifierChain

from imr_ml.classifiers.families import family_probabilities
from imr_ml.classifiers.outcome import calibration_splits
from imr_ml.guidelines.types import FAMILIES, Family

_OUTSIDE_MTUS = (Family.ODG, Family.OTHER, Family.NONE)
_FOLDS = 5


class FamilyModel(Protocol):
    """A classifier of all families."""

    def fit(self, matrix: Any, cited: NDArray[np.bool_], groups: NDArray[np.int64]) -> Self:
        """Learn from a (rows, features) matrix and a (rows, families) indicator.

        Parameters
        ----------
        matrix : Any
        cited : array of bool
            Whether each family is cited, shape (requests, families).
        groups : array of int
            Case of each request, joined with its near-duplicates.
        """

    def predict_proba(self, matrix: Any) -> NDArray[np.float64]:
        """Probability of each family, shape (rows, families)."""


Build = Callable[[], Any]
"""Makes an unfitted scikit-learn classifier of two classes."""


class SideBySide:
    """One classifier a family, each by itself.

    Parameters
    ----------
    build : callable
    calibrated : bool, default False
        Whether each family's probability is learned from held-out scores, as a classifier that gives margins needs;
        a family whose cases are too few for that is given its rate.
    """

    def __init__(self, build: Build, *, calibrated: bool = False) -> None:
        self.build = build
        self.calibrated = calibrated

    def fit(self, matrix: Any, cited: NDArray[np.bool_], groups: NDArray[np.int64]) -> Self:
        """Fit each family's classifier."""
        self.estimators_ = [self._fit_one(matrix, column, groups) for column in cited.T]
        return self

    def predict_proba(self, matrix: Any) -> NDArray[np.float64]:
        """Probability of each family, shape (rows, families)."""
        return family_probabilities(self.estimators_, matrix)

    def _fit_one(self, matrix: Any, column: NDArray[np.bool_], groups: NDArray[np.int64]) -> Any:
        if column.all() or not column.any():
            return float(column[0])
        if not self.calibrated:
            return self.build().fit(matrix, column)
        splits = calibration_splits(column, groups, _FOLDS, seed=0)
        if not splits:
            return float(column.mean())
        return CalibratedClassifierCV(self.build(), cv=splits, ensemble=False).fit(matrix, column)


class Chained:
    """A chain: each family's classifier also sees the families before it, the commonest first."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def fit(self, matrix: Any, cited: NDArray[np.bool_], groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Fit the chain over the families that some rows cite and some do not."""
        self.constant_ = cited.mean(axis=0)
        self.varying_ = (self.constant_ > 0) & (self.constant_ < 1)
        if self.varying_.any():
            order = np.argsort(-self.constant_[self.varying_], kind="stable")
            chain = ClassifierChain(self.build(), order=order, chain_method="predict_proba")
            self.chain_ = chain.fit(matrix, cited[:, self.varying_])
        return self

    def predict_proba(self, matrix: Any) -> NDArray[np.float64]:
        """Probability of each family, shape (rows, families)."""
        probability = np.tile(self.constant_, (matrix.shape[0], 1))
        if self.varying_.any():
            probability[:, self.varying_] = self.chain_.predict_proba(matrix)
        return probability


class Hierarchical:
    """First whether the MTUS or something outside of it is cited, then which family of that branch."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def fit(self, matrix: Any, cited: NDArray[np.bool_], groups: NDArray[np.int64]) -> Self:
        """Fit the branches on all rows, and each branch's families on the rows that cite it."""
        outside = np.array([family in _OUTSIDE_MTUS for family in FAMILIES])
        self.branches_ = [np.flatnonzero(~outside), np.flatnonzero(outside)]
        branch_cited = np.column_stack([cited[:, branch].any(axis=1) for branch in self.branches_])
        self.branch_ = SideBySide(self.build).fit(matrix, branch_cited, groups)
        self.within_ = [
            SideBySide(self.build).fit(matrix[rows], cited[np.ix_(rows, branch)], groups[rows]) if rows.any() else None
            for rows, branch in zip(branch_cited.T, self.branches_, strict=True)
        ]
        return self

    def predict_proba(self, matrix: Any) -> NDArray[np.float64]:
        """Probability of each family: of its branch, times of the family within the branch."""
        probability = np.zeros((matrix.shape[0], len(FAMILIES)))
        branch_probability = self.branch_.predict_proba(matrix)
        for column, branch, within in zip(branch_probability.T, self.branches_, self.within_, strict=True):
            if within is not None:
                probability[:, branch] = column[:, None] * within.predict_proba(matrix)
        return probability
