"""Combine the outcome and family classifiers over a feature frame into one estimator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from imr_ml.classifiers.candidates import Candidate
from imr_ml.classifiers.contributions import Contribution, top_contributions
from imr_ml.classifiers.families import GuidelineFamilyClassifier, family_sets
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.classifiers.recency import chosen_half_life, recency_weights
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Evidence, Labels, Predictions
from imr_ml.features.matrix import column_weights, feature_matrix, matrix_of, tells_codes
from imr_ml.guidelines.types import FAMILIES

Classifier = TypeVar("Classifier", CalibratedLogisticClassifier, GuidelineFamilyClassifier)


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Classifier]):
    """A fitted classifier, the candidate that it is, and the half-life with which decisions were weighed."""

    candidate: Candidate
    classifier: Classifier
    half_life_years: float | None = None


class RequestModel:
    """Outcome and guideline families of requests.

    Parameters
    ----------
    settings : ModelSettings, optional

    Attributes
    ----------
    features_ : ColumnTransformer
        Feature frame -> matrix, shared by both classifiers.
    outcome_ : Chosen
        The chosen classifier of the outcome.
    families_ : Chosen or None
        The chosen classifier of the families; None of a source that tells no families.
    """

    families_: Chosen[GuidelineFamilyClassifier] | None

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.settings = settings or ModelSettings()

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit both classifiers; requests of one group never stand on both sides of an inner fold."""
        # Those of an earlier fit.
        vars(self).pop("feature_names", None)
        self.features_ = feature_matrix(self.settings.terms, pairs=self._uses_pairs, codes=tells_codes(frame))
        matrix = self.features_.fit_transform(frame, groups)
        outcomes = [self._fit_outcome(matrix, candidate, labels, groups) for candidate in self.settings.outcome]
        self.outcome_ = select_candidate(outcomes, groups)
        self.families_ = self._fit_families(matrix, labels, groups) if labels.families_known else None
        return self

    @property
    def _uses_pairs(self) -> bool:
        return any(candidate.weights.pairs for candidate in (*self.settings.outcome, *self.settings.family))

    def _fit_outcome(
        self, matrix: csr_matrix, candidate: Candidate, labels: Labels, groups: NDArray[np.int64]
    ) -> Chosen[CalibratedLogisticClassifier]:
        weighed, seed = self._weighed(matrix, candidate), self.settings.seed
        half_life = chosen_half_life(
            weighed, labels.overturned, labels.decided_year, self.settings.half_life_years, candidate.build(seed), seed
        )
        weights = recency_weights(labels.decided_year, half_life)
        classifier = candidate.outcome_classifier(seed)
        return Chosen(candidate, classifier.fit(weighed, labels.overturned, groups, weights), half_life)

    def _fit_families(
        self, matrix: csr_matrix, labels: Labels, groups: NDArray[np.int64]
    ) -> Chosen[GuidelineFamilyClassifier]:
        seed = self.settings.seed
        families = [
            Chosen(
                candidate,
                candidate.family_classifier(seed).fit(self._weighed(matrix, candidate), labels.families, groups),
            )
            for candidate in self.settings.family
        ]
        return select_candidate(families, groups)

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predictions for a feature frame's rows."""
        return self.predict_matrix(self.matrix(frame))

    def matrix(self, frame: pd.DataFrame) -> csr_matrix:
        """Feature matrix of a feature frame, every block with weight 1, shape (rows, features)."""
        return matrix_of(self.features_, frame)

    def predict_matrix(self, matrix: csr_matrix) -> Predictions:
        """Predictions for a feature matrix's rows."""
        outcome = self._weighed(matrix, self.outcome_.candidate)
        probability, chosen = self._predict_families(matrix)
        return Predictions(self.outcome_.classifier.predict_proba(outcome)[:, 1], probability, chosen)

    def explain(self, matrix: csr_matrix, predictions: Predictions, most: int) -> list[Evidence]:
        """For each row of a feature matrix what moved its outcome and its primary family most, `most` of each.

        Parameters
        ----------
        matrix : csr_matrix
        predictions : Predictions
        most : int
            The most terms per prediction.
        """
        moved_outcome = self._top(self.outcome_, matrix, np.zeros(matrix.shape[0], dtype=int), most)
        if self.families_ is None:
            return [Evidence(row, []) for row in moved_outcome]
        moved_family = self._top(self.families_, matrix, predictions.primary_family, most)
        return [Evidence(*pair) for pair in zip(moved_outcome, moved_family, strict=True)]

    @property
    def unexplained(self) -> list[str]:
        """One line for each prediction whose evidence is empty, as its classifier has no exact contributions."""
        chosen: dict[str, Chosen[Any] | None] = {"outcome": self.outcome_, "families": self.families_}
        return [
            f"{one.candidate.classifier} has no exact contributions: the evidence of the {name} stays empty"
            for name, one in chosen.items()
            if one is not None and not hasattr(one.classifier, "coef_")
        ]

    @cached_property
    def feature_names(self) -> NDArray[np.str_]:
        """Names of the feature matrix's columns: ``block__term``, shape (features,)."""
        return np.asarray(self.features_.get_feature_names_out())

    @property
    def outcome_column_weights(self) -> NDArray[np.float64]:
        """How the outcome classifier weighs the feature matrix's columns, shape (features,)."""
        return column_weights(self.features_, self.outcome_.candidate.weights)

    def _top(
        self, chosen: Chosen[Any], matrix: csr_matrix, which: NDArray[np.int64], most: int
    ) -> list[list[Contribution]]:
        """What moved each row's score most; nothing where a score is not linear."""
        if not hasattr(chosen.classifier, "coef_"):
            return [[] for _ in range(matrix.shape[0])]
        coefficients = self._unweighed(chosen.candidate, np.atleast_2d(chosen.classifier.coef_))
        return top_contributions(matrix, coefficients, which, self.feature_names, most)

    def _unweighed(self, candidate: Candidate, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coefficients that give a candidate's scores from the matrix whose blocks have weight 1: same shape."""
        weighed: NDArray[np.float64] = coefficients * column_weights(self.features_, candidate.weights)
        return weighed

    def _weighed(self, matrix: csr_matrix, candidate: Candidate) -> csr_matrix:
        weighed = csr_matrix(matrix @ diags(column_weights(self.features_, candidate.weights)))
        weighed.eliminate_zeros()
        return weighed

    def _predict_families(self, matrix: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        if self.families_ is None:
            shape = matrix.shape[0], len(FAMILIES)
            return np.full(shape, np.nan), np.zeros(shape, dtype=bool)
        classifier = self.families_.classifier
        probability = classifier.predict_proba(self._weighed(matrix, self.families_.candidate))
        return probability, family_sets(probability, classifier.threshold_)


def select_candidate(fitted: list[Chosen[Classifier]], groups: NDArray[np.int64]) -> Chosen[Classifier]:
    """The first, or a later one whose held-out loss is lower by more than two standard errors over cases."""
    best = fitted[0]
    for other in fitted[1:]:
        gain = best.classifier.held_out_loss_ - other.classifier.held_out_loss_
        by_case = np.bincount(groups, weights=gain)[np.unique(groups)]
        if by_case.sum() > 2 * by_case.std() * np.sqrt(len(by_case)):
            best = other
    return best
