"""Combine the outcome and family classifiers over a feature frame into one estimator."""

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
from imr_ml.classifiers.recency import chosen_half_life, recency_weights
from imr_ml.classifiers.reliability import (
    FAMILY_TEXTS,
    OUTCOME_TEXTS,
    Baseline,
    KnownWords,
    log_odds,
    toward_base_rate,
    without_texts,
)
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Evidence, Labels, Predictions, join_predictions
from imr_ml.features.matrix import column_weights, feature_matrix, tells_codes
from imr_ml.features.rows import FeatureRows, weigh
from imr_ml.features.settings import LARGE_TABLE
from imr_ml.guidelines.types import FAMILIES

_ROWS_AT_ONCE = 20_000
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
    features_ : FeatureBlocks
        Feature frame -> matrix, shared by both classifiers.
    outcome_ : Chosen
        The chosen classifier of the outcome.
    families_ : Chosen or None
        The chosen classifier of the families; None of a source without families.
    baseline_ : Baseline or None
        What requests of little known text are moved to, and contributions are measured from; None of a model of an
        earlier version, which does neither.
    """

    families_: Chosen[GuidelineFamilyClassifier] | None
    baseline_: Baseline | None = None

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.settings = settings or ModelSettings()

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit both classifiers; requests of one group never stand on both sides of an inner fold."""
        self.fit_rows(frame, labels, groups)
        return self

    def fit_rows(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> FeatureRows:
        """`fit`, and return the feature matrix of the rows fitted on.

        Parameters
        ----------
        frame : DataFrame
            Feature frame.
        labels : Labels
        groups : (rows,) int
            Case of each request, joined with its near-duplicates.
        """
        # Those of an earlier fit.
        vars(self).pop("feature_names", None)
        dtype = np.float32 if len(frame) > self.settings.large_from else np.float64
        self.features_ = feature_matrix(
            self.settings.terms, pairs=self._uses_pairs, codes=tells_codes(frame), dtype=dtype
        )
        rows = self.features_.fit_rows(frame, groups)
        matrix = rows if len(frame) > self.settings.large_from else rows[:]
        outcomes = [self._fit_outcome(matrix, candidate, labels, groups) for candidate in self.settings.outcome]
        self.outcome_ = select_candidate(outcomes, groups)
        self.families_ = self._fit_families(matrix, labels, groups) if labels.families_known else None
        self.baseline_ = self._baseline(frame, rows, labels)
        return rows

    def _baseline(self, frame: pd.DataFrame, rows: FeatureRows, labels: Labels) -> Baseline:
        """Measure a sample of the rows, a part at a time: a matrix of all of them may take more memory than the fit."""
        sample = np.arange(0, len(frame), -(-len(frame) // LARGE_TABLE))

        def parts() -> Iterator[csr_matrix]:
            return (rows[sample[part]] for part in gen_batches(len(sample), _ROWS_AT_ONCE))

        silent = self.matrix(without_texts(frame.iloc[sample]))
        log_odds = np.concatenate([self._outcome_log_odds(part) for part in parts()])
        return Baseline(
            averages=rows.transposed_product(np.ones(len(frame), dtype=rows.own.dtype)) / len(frame),
            outcome=KnownWords.of(parts(), self.feature_names, OUTCOME_TEXTS),
            families=KnownWords.of(parts(), self.feature_names, FAMILY_TEXTS),
            overturned=self.outcome_.classifier.base_rate_,
            without_text=float(self._outcome_log_odds(silent).mean() - log_odds.mean()),
            cited=labels.families.mean(axis=0) if labels.families_known else np.full(len(FAMILIES), np.nan),
        )

    @property
    def _uses_pairs(self) -> bool:
        return any(candidate.weights.pairs for candidate in (*self.settings.outcome, *self.settings.family))

    def _fit_outcome(
        self, matrix: FeatureRows | csr_matrix, candidate: Candidate, labels: Labels, groups: NDArray[np.int64]
    ) -> Chosen[CalibratedLogisticClassifier]:
        weighed, seed = self._weighed(matrix, candidate), self.settings.seed
        half_life = chosen_half_life(
            weighed, labels.overturned, labels.decided_year, self.settings.half_life_years, candidate.build(seed), seed
        )
        weights = recency_weights(labels.decided_year, half_life)
        classifier = candidate.outcome_classifier(seed)
        return Chosen(candidate, classifier.fit(weighed, labels.overturned, groups, weights), half_life)

    def _fit_families(
        self, matrix: FeatureRows | csr_matrix, labels: Labels, groups: NDArray[np.int64]
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
        parts = [self.predict_matrix(self.matrix(frame.iloc[rows])) for rows in gen_batches(len(frame), _ROWS_AT_ONCE)]
        return join_predictions(parts) if len(parts) != 1 else parts[0]

    def matrix(self, frame: pd.DataFrame | Mapping[str, Any]) -> csr_matrix:
        """Feature matrix of a feature frame or its columns, every block with weight 1, shape (rows, features)."""
        return self.features_.transform(frame)

    def predict_matrix(self, matrix: csr_matrix) -> Predictions:
        """Predictions for a feature matrix's rows."""
        outcome = self._settled(expit(self._outcome_log_odds(matrix)), matrix)
        return Predictions(outcome, *self._predict_families(matrix))

    def _settled(self, p_overturned: NDArray[np.float64], matrix: csr_matrix) -> NDArray[np.float64]:
        """Probabilities nearer to the base rate, the less of a request's text is known."""
        known = self.baseline_
        if known is None:
            return p_overturned
        return toward_base_rate(p_overturned, known.overturned, self.reliability(matrix), known.without_text)

    def _outcome_log_odds(self, matrix: csr_matrix) -> NDArray[np.float64]:
        weighed = self._weighed(matrix, self.outcome_.candidate)
        chances: NDArray[np.float64] = self.outcome_.classifier.decision_function(weighed)
        return chances

    def held_out_p_overturned(
        self, matrix: csr_matrix, overturned: NDArray[np.bool_], rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Probability of some of the rows fitted on, as if they had not been; NaN of those not held out.

        Parameters
        ----------
        matrix : csr_matrix
            Of these rows.
        overturned : (rows fitted on,) bool
        rows : (some rows,) int
        """
        return self._settled(self.outcome_.classifier.held_out_proba(overturned)[rows], matrix)

    def reliability(self, matrix: csr_matrix) -> NDArray[np.float64]:
        """How far each row's outcome rests on what the model knows of its text, from 0 to 1, shape (rows,)."""
        return np.ones(matrix.shape[0]) if self.baseline_ is None else self.baseline_.outcome.reliability(matrix)

    def explain(self, matrix: csr_matrix, predictions: Predictions, most: int) -> list[Evidence]:
        """For each row of a feature matrix what moved its outcome and its primary family most, `most` of each.

        Parameters
        ----------
        matrix : csr_matrix
        predictions : Predictions
        most : int
            The most terms per prediction.
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
        self,
        chosen: Chosen[Any],
        matrix: csr_matrix,
        which: NDArray[np.int64],
        reliability: NDArray[np.float64],
        most: int,
    ) -> list[list[Contribution]]:
        """What moves each row's score most; nothing where a score is not linear."""
        classifier = chosen.classifier
        if not hasattr(classifier, "coef_"):
            return [[] for _ in range(matrix.shape[0])]
        # Of families they are those of the log-odds already.
        slope = classifier.slope_ if classifier is self.outcome_.classifier else 1.0
        coefficients = self._unweighed(chosen.candidate, slope * np.atleast_2d(classifier.coef_))
        averages = np.zeros(matrix.shape[1]) if self.baseline_ is None else self.baseline_.averages
        scores = LinearScores(coefficients, averages, self.feature_names)
        return top_contributions(matrix, scores, which, reliability, most)

    def _unweighed(self, candidate: Candidate, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coefficients that give a candidate's scores from the matrix whose blocks have weight 1: same shape."""
        weighed: NDArray[np.float64] = coefficients * column_weights(self.features_, candidate.weights)
        return weighed

    def _weighed(self, matrix: FeatureRows | csr_matrix, candidate: Candidate) -> Any:
        weights = column_weights(self.features_, candidate.weights)
        if isinstance(matrix, FeatureRows):
            return matrix.weighed(weights)
        return weigh(matrix.copy(), weights.astype(matrix.dtype))

    def _family_reliability(self, matrix: csr_matrix) -> NDArray[np.float64]:
        return np.ones(matrix.shape[0]) if self.baseline_ is None else self.baseline_.families.reliability(matrix)

    def _predict_families(self, matrix: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        if self.families_ is None:
            shape = matrix.shape[0], len(FAMILIES)
            return np.full(shape, np.nan), np.zeros(shape, dtype=bool)
        classifier = self.families_.classifier
        probability = classifier.predict_proba(self._weighed(matrix, self.families_.candidate))
        if self.baseline_ is not None:
            probability = toward_base_rate(probability, self.baseline_.cited, self._family_reliability(matrix))
        return probability, family_sets(probability, classifier.threshold_)


def select_candidate(fitted: list[Chosen[Classifier]], groups: NDArray[np.int64]) -> Chosen[Classifier]:
    """The first, or a later one whose held-out loss is lower by more than two standard errors over cases."""
    best = fitted[0]
    for other in fitted[1:]:
        gain = best.classifier.held_out_loss_ - other.classifier.held_out_loss_
        held_out = ~np.isnan(gain)
        if not held_out.any():
            continue
        by_case = np.bincount(groups[held_out], weights=gain[held_out])[np.unique(groups[held_out])]
        if by_case.sum() > 2 * by_case.std() * np.sqrt(len(by_case)):
            best = other
    return best
