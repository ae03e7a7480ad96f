"""Combine the outcome and family classifiers into one estimator for feature frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.utils import gen_batches

from imr_ml.classifiers.candidates import Candidate
from imr_ml.classifiers.contributions import Contribution, Explanation, LinearScores, top_contributions
from imr_ml.classifiers.families import GuidelineFamilyClassifier, family_sets
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.classifiers.recency import recency_weights, select_half_life
from imr_ml.classifiers.reliability import (
    FAMILY_TEXTS,
    OUTCOME_TEXTS,
    Baseline,
    KnownWords,
    log_odds,
    shrink_to_base_rate,
    without_texts,
)
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Evidence, Labels, Predictions, join_predictions
from imr_ml.features.matrix import column_weights, feature_matrix, has_codes
from imr_ml.features.rows import FeatureRows, scale_columns
from imr_ml.features.settings import LARGE_TABLE
from imr_ml.guidelines.types import FAMILIES

_ROWS_AT_ONCE = 20_000
# Cached properties, which a new fit invalidates.
_CACHED = ("feature_names", "outcome_column_weights", "_family_column_weights")
Classifier = TypeVar("Classifier", CalibratedLogisticClassifier, GuidelineFamilyClassifier)


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Classifier]):
    """A fitted classifier, its candidate, and the half-life used to weight decisions by age."""

    candidate: Candidate
    classifier: Classifier
    half_life_years: float | None = None


class RequestModel:
    """Predict the outcome and the guideline families of requests.

    Parameters
    ----------
    settings : ModelSettings, optional

    Attributes
    ----------
    features_ : FeatureBlocks
        Transformer from feature frame to matrix, shared by both classifiers.
    outcome_ : Chosen
        The selected outcome classifier.
    families_ : Chosen or None
        The selected family classifier; None if the source has no families.
    baseline_ : Baseline or None
        Base rates that predictions shrink toward if little of the text is known, and feature averages that
        contributions are measured from. None for models of earlier versions, which do neither.
    """

    families_: Chosen[GuidelineFamilyClassifier] | None
    baseline_: Baseline | None = None

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.settings = settings or ModelSettings()

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit both classifiers; requests of one group are never on both sides of an inner split."""
        self.fit_rows(frame, labels, groups)
        return self

    def fit_rows(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> FeatureRows:
        """Fit both classifiers and return the feature matrix of the training rows.

        Parameters
        ----------
        frame : DataFrame
            Feature frame.
        labels : Labels
        groups : (rows,) int
            Case of each request; near-duplicate cases share a group.
        """
        for name in _CACHED:
            vars(self).pop(name, None)
        dtype = np.float32 if len(frame) > self.settings.large_from else np.float64
        self.features_ = feature_matrix(
            self.settings.terms, pairs=self._uses_pairs, codes=has_codes(frame), dtype=dtype
        )
        rows = self.features_.fit_rows(frame, groups)
        matrix = rows if len(frame) > self.settings.large_from else rows[:]
        outcomes = [self._fit_outcome(matrix, candidate, labels, groups) for candidate in self.settings.outcome]
        self.outcome_ = select_candidate(outcomes, groups)
        self.families_ = self._fit_families(matrix, labels, groups) if labels.families_known else None
        self.baseline_ = self._baseline(frame, rows, labels)
        return rows

    def _baseline(self, frame: pd.DataFrame, rows: FeatureRows, labels: Labels) -> Baseline:
        """Compute the baseline on a sample of the rows, in batches to limit memory."""
        sample = np.arange(0, len(frame), -(-len(frame) // LARGE_TABLE))

        def parts() -> Iterator[csr_matrix]:
            return (rows[sample[part]] for part in gen_batches(len(sample), _ROWS_AT_ONCE))

        textless = self.matrix(without_texts(frame.iloc[sample]))
        log_odds = np.concatenate([self._outcome_log_odds(part) for part in parts()])
        return Baseline(
            averages=rows.transposed_product(np.ones(len(frame), dtype=rows.unshared.dtype)) / len(frame),
            outcome=KnownWords.from_matrices(parts(), self.feature_names, OUTCOME_TEXTS),
            families=KnownWords.from_matrices(parts(), self.feature_names, FAMILY_TEXTS),
            overturned=self.outcome_.classifier.base_rate_,
            without_text=float(self._outcome_log_odds(textless).mean() - log_odds.mean()),
            cited=labels.families.mean(axis=0) if labels.families_known else np.full(len(FAMILIES), np.nan),
        )

    @property
    def _uses_pairs(self) -> bool:
        return any(candidate.weights.pairs for candidate in (*self.settings.outcome, *self.settings.family))

    def _fit_outcome(
        self, matrix: FeatureRows | csr_matrix, candidate: Candidate, labels: Labels, groups: NDArray[np.int64]
    ) -> Chosen[CalibratedLogisticClassifier]:
        weighted, seed = self._scale(matrix, candidate), self.settings.seed
        half_life = select_half_life(
            weighted, labels.overturned, labels.decided_year, self.settings.half_life_years, candidate.build(seed), seed
        )
        weights = recency_weights(labels.decided_year, half_life)
        classifier = candidate.outcome_classifier(seed)
        return Chosen(candidate, classifier.fit(weighted, labels.overturned, groups, weights), half_life)

    def _fit_families(
        self, matrix: FeatureRows | csr_matrix, labels: Labels, groups: NDArray[np.int64]
    ) -> Chosen[GuidelineFamilyClassifier]:
        seed = self.settings.seed
        families = [
            Chosen(
                candidate,
                candidate.family_classifier(seed).fit(self._scale(matrix, candidate), labels.families, groups),
            )
            for candidate in self.settings.family
        ]
        return select_candidate(families, groups)

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predict the rows of a feature frame."""
        parts = [self.predict_matrix(self.matrix(frame.iloc[rows])) for rows in gen_batches(len(frame), _ROWS_AT_ONCE)]
        return join_predictions(parts) if len(parts) != 1 else parts[0]

    def matrix(self, frame: pd.DataFrame | Mapping[str, Any]) -> csr_matrix:
        """Return the unweighted feature matrix of a feature frame or its columns, shape (rows, features)."""
        return self.features_.transform(frame)

    def predict_matrix(self, matrix: csr_matrix) -> Predictions:
        """Predict the rows of a feature matrix."""
        outcome = self._shrink(expit(self._outcome_log_odds(matrix)), matrix)
        return Predictions(outcome, *self._predict_families(matrix))

    def _shrink(self, p_overturned: NDArray[np.float64], matrix: csr_matrix) -> NDArray[np.float64]:
        """Shrink probabilities toward the base rate when little of the text is known."""
        baseline = self.baseline_
        if baseline is None:
            return p_overturned
        return shrink_to_base_rate(p_overturned, baseline.overturned, self.reliability(matrix), baseline.without_text)

    def _outcome_log_odds(self, matrix: csr_matrix) -> NDArray[np.float64]:
        weighted = _scale_columns(matrix, self.outcome_column_weights)
        log_odds: NDArray[np.float64] = self.outcome_.classifier.decision_function(weighted)
        return log_odds

    def held_out_p_overturned(
        self, matrix: csr_matrix, overturned: NDArray[np.bool_], rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return held-out probabilities of training rows; NaN for rows that were never held out.

        Parameters
        ----------
        matrix : csr_matrix
            Feature matrix of the selected rows.
        overturned : (training rows,) bool
            Outcomes that the model was fitted on.
        rows : (selected,) int
            Training rows to predict.
        """
        return self._shrink(self.outcome_.classifier.held_out_proba(overturned)[rows], matrix)

    def reliability(self, matrix: csr_matrix) -> NDArray[np.float64]:
        """Return each row's share of the usual number of known words, from 0 to 1, shape (rows,)."""
        return np.ones(matrix.shape[0]) if self.baseline_ is None else self.baseline_.outcome.reliability(matrix)

    def explain(self, matrix: csr_matrix, predictions: Predictions, most: int) -> list[Evidence]:
        """Return the largest contributions to each row's outcome and primary family.

        Parameters
        ----------
        matrix : csr_matrix
        predictions : Predictions
            Predictions of the same rows.
        most : int
            Maximum number of terms per prediction.
        """
        which = np.zeros(matrix.shape[0], dtype=np.int64)
        explained = self._top(self.outcome_, matrix, which, self.reliability(matrix), most)
        chances = log_odds(predictions.p_overturned).tolist()
        base = float(log_odds(self.outcome_.classifier.base_rate_))
        outcomes = [Explanation(base, *row) for row in zip(explained, chances, strict=True)]
        if self.families_ is None:
            return list(map(Evidence, outcomes))
        return list(map(Evidence, outcomes, self._explain_families(self.families_, matrix, predictions, most)))

    def _explain_families(
        self, chosen: Chosen[GuidelineFamilyClassifier], matrix: csr_matrix, predictions: Predictions, most: int
    ) -> list[Explanation]:
        which = predictions.primary_family
        explained = self._top(chosen, matrix, which, self._family_reliability(matrix), most)
        chances = log_odds(predictions.family_probability[np.arange(len(which)), which]).tolist()
        bases = np.zeros(len(FAMILIES)) if self.baseline_ is None else log_odds(self.baseline_.cited)
        return list(map(Explanation, bases[which].tolist(), explained, chances))

    @property
    def unexplained(self) -> list[str]:
        """One line for each prediction without evidence because its classifier has no exact contributions."""
        fitted: dict[str, Chosen[Any] | None] = {"outcome": self.outcome_, "families": self.families_}
        return [
            f"{chosen.candidate.classifier} has no exact contributions: the evidence of the {name} stays empty"
            for name, chosen in fitted.items()
            if chosen is not None and not hasattr(chosen.classifier, "coef_")
        ]

    @cached_property
    def feature_names(self) -> NDArray[np.str_]:
        """Names of the feature matrix's columns: ``block__term``, shape (features,)."""
        return np.asarray(self.features_.get_feature_names_out())

    @cached_property
    def outcome_column_weights(self) -> NDArray[np.float64]:
        """Weight of each feature column in the outcome classifier, shape (features,)."""
        return column_weights(self.features_, self.outcome_.candidate.weights)

    @cached_property
    def _family_column_weights(self) -> NDArray[np.float64]:
        if self.families_ is None:
            return np.zeros(0)
        return column_weights(self.features_, self.families_.candidate.weights)

    def _top(
        self,
        chosen: Chosen[Any],
        matrix: csr_matrix,
        which: NDArray[np.int64],
        reliability: NDArray[np.float64],
        most: int,
    ) -> list[list[Contribution]]:
        """Return the largest contributions to each row's score; none if the score is not linear."""
        classifier = chosen.classifier
        if not hasattr(classifier, "coef_"):
            return [[] for _ in range(matrix.shape[0])]
        if chosen is self.outcome_:
            coefficients = classifier.slope_ * np.atleast_2d(classifier.coef_) * self.outcome_column_weights
        else:
            # These coefficients include the slope of the calibration.
            coefficients = np.atleast_2d(classifier.coef_) * self._family_column_weights
        averages = np.zeros(matrix.shape[1]) if self.baseline_ is None else self.baseline_.averages
        scores = LinearScores(coefficients, averages, self.feature_names)
        return top_contributions(matrix, scores, which, reliability, most)

    def _scale(self, matrix: FeatureRows | csr_matrix, candidate: Candidate) -> Any:
        weights = column_weights(self.features_, candidate.weights)
        return matrix.with_weights(weights) if isinstance(matrix, FeatureRows) else _scale_columns(matrix, weights)

    def _family_reliability(self, matrix: csr_matrix) -> NDArray[np.float64]:
        return np.ones(matrix.shape[0]) if self.baseline_ is None else self.baseline_.families.reliability(matrix)

    def _predict_families(self, matrix: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        if self.families_ is None:
            shape = matrix.shape[0], len(FAMILIES)
            return np.full(shape, np.nan), np.zeros(shape, dtype=bool)
        classifier = self.families_.classifier
        probability = classifier.predict_proba(_scale_columns(matrix, self._family_column_weights))
        if self.baseline_ is not None:
            probability = shrink_to_base_rate(probability, self.baseline_.cited, self._family_reliability(matrix))
        return probability, family_sets(probability, classifier.threshold_)


def _scale_columns(matrix: csr_matrix, weights: NDArray[np.float64]) -> csr_matrix:
    return scale_columns(matrix.copy(), weights.astype(matrix.dtype, copy=False))


def select_candidate(fitted: list[Chosen[Classifier]], groups: NDArray[np.int64]) -> Chosen[Classifier]:
    """Select the first candidate, unless a later one has a clearly lower held-out loss.

    Clearly means by more than two standard errors of the mean over cases.
    """
    best = fitted[0]
    for candidate in fitted[1:]:
        gain = best.classifier.held_out_loss_ - candidate.classifier.held_out_loss_
        held_out = ~np.isnan(gain)
        if not held_out.any():
            continue
        by_case = np.bincount(groups[held_out], weights=gain[held_out])[np.unique(groups[held_out])]
        if by_case.sum() > 2 * by_case.std() * np.sqrt(len(by_case)):
            best = candidate
    return best
