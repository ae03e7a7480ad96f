"""Both classifiers over a feature frame: one thing to fit, one thing to ask.

Knows feature frames and the two classifiers. Knows nothing of files or MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from imr_ml.classifiers.contributions import Contribution, top_contributions
from imr_ml.classifiers.families import GuidelineFamilyClassifier, family_sets
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.corpus import decided_years
from imr_ml.corpus.schema import families_of
from imr_ml.features import FACT_COLUMNS, BlockWeights, TermSettings, column_weights, feature_matrix
from imr_ml.guidelines import FAMILIES

Classifier = TypeVar("Classifier", CalibratedLogisticClassifier, GuidelineFamilyClassifier)


@dataclass(frozen=True, slots=True)
class Labels:
    """What was decided.

    Attributes
    ----------
    overturned : (requests,) bool
    families : (requests, families) bool
        Families cited, in the order of `FAMILIES`; none of any request where a source does not tell them.
    decided_year : (requests,) float
        When, as a year and its fraction; NaN where it is not known. Never a feature: it orders and weighs requests
        while a model is fitted and evaluated.
    """

    overturned: NDArray[np.bool_]
    families: NDArray[np.bool_]
    decided_year: NDArray[np.float64]

    @property
    def families_known(self) -> bool:
        """Whether the source tells families; a request whose reviewer cites nothing has the family ``none``."""
        return bool(self.families.any())

    def __getitem__(self, rows: NDArray[np.int64]) -> Labels:
        return Labels(self.overturned[rows], self.families[rows], self.decided_year[rows])


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of requests.

    Attributes
    ----------
    p_overturned : (requests,) float
    family_probability : (requests, families) float
    family_set : (requests, families) bool
        Families the model expects to be cited; never empty.
    """

    p_overturned: NDArray[np.float64]
    family_probability: NDArray[np.float64]
    family_set: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What moved one prediction, largest first.

    Attributes
    ----------
    outcome : list of Contribution
        To the score of an overturned denial; positive speaks for it.
    family : list of Contribution
        To the score of the likeliest family.
    """

    outcome: list[Contribution]
    family: list[Contribution]


class Predictor(Protocol):
    """Anything that learns from a feature frame and its labels and predicts for another."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Learn; requests of one group belong to one case."""

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predict each row."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to set a classifier.

    Attributes
    ----------
    weights : BlockWeights
        Each classifier weighs the sections by itself: the summary tells more of the outcome, the request and the UR
        guideline more of the family.
    C : float
        Inverse strength of the penalty.
    """

    weights: BlockWeights
    C: float


_FAMILY_FACTS = tuple(fact for fact in FACT_COLUMNS if fact != "sex")
_OUTCOME_FACTS = tuple(fact for fact in FACT_COLUMNS if fact != "treated_body_parts")
OUTCOME_CANDIDATES = (
    Candidate(BlockWeights(0.5, 1.0, 0.5, 0.2, numbers=0.05, case_size=0.1, facts_used=_OUTCOME_FACTS), C=0.3),
)
FAMILY_CANDIDATES = (
    Candidate(BlockWeights(1.0, 0.0, 1.0, facts=1.0, numbers=0.0, case_size=0.0, facts_used=_FAMILY_FACTS), C=3.0),
    Candidate(BlockWeights(1.0, 0.0, 1.0, facts=0.0, numbers=0.0, case_size=0.0), C=10.0),
)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of the two classifiers.

    Attributes
    ----------
    outcome, family : tuple of Candidate
        The first is taken, unless a later one has a lower loss on held-out cases of the data that is fitted on, by
        more than two standard errors over cases: a choice by luck costs more than it gives.
    terms : TermSettings
    seed : int
    """

    outcome: tuple[Candidate, ...] = OUTCOME_CANDIDATES
    family: tuple[Candidate, ...] = FAMILY_CANDIDATES
    terms: TermSettings = field(default_factory=TermSettings)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Classifier]):
    """A fitted classifier and the candidate that it is."""

    candidate: Candidate
    classifier: Classifier


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
        The chosen `CalibratedLogisticClassifier`.
    families_ : Chosen
        The chosen `GuidelineFamilyClassifier`.
    """

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.settings = settings or ModelSettings()

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit both classifiers; requests of one group never stand on both sides of an inner fold."""
        seed = self.settings.seed
        self.features_ = feature_matrix(self.settings.terms)
        matrix = self.features_.fit_transform(frame)
        outcomes = [
            Chosen(
                candidate,
                CalibratedLogisticClassifier(candidate.C, random_state=seed).fit(
                    self._weighed(matrix, candidate), labels.overturned, groups
                ),
            )
            for candidate in self.settings.outcome
        ]
        families = [
            Chosen(
                candidate,
                GuidelineFamilyClassifier(candidate.C, random_state=seed).fit(
                    self._weighed(matrix, candidate), labels.families, groups
                ),
            )
            for candidate in self.settings.family
        ]
        self.outcome_ = first_unless_better(outcomes, groups)
        self.families_ = first_unless_better(families, groups)
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predictions for a feature frame's rows."""
        return self._predict(*self._matrices(frame))

    def predict_with_evidence(self, frame: pd.DataFrame, most: int) -> tuple[Predictions, list[Evidence]]:
        """Predictions, and for each row what moved its outcome and its likeliest family most, `most` of each."""
        outcome, families = self._matrices(frame)
        predictions = self._predict(outcome, families)
        likeliest = predictions.family_probability.argmax(axis=1)
        names = self.features_.get_feature_names_out()
        moved_outcome = top_contributions(outcome, self.outcome_.classifier.coef_, names, most)
        moved_family = top_contributions(families, self.families_.classifier.coef_[likeliest], names, most)
        return predictions, [Evidence(*pair) for pair in zip(moved_outcome, moved_family, strict=True)]

    def _matrices(self, frame: pd.DataFrame) -> tuple[csr_matrix, csr_matrix]:
        matrix = self.features_.transform(frame)
        return self._weighed(matrix, self.outcome_.candidate), self._weighed(matrix, self.families_.candidate)

    def _weighed(self, matrix: csr_matrix, candidate: Candidate) -> csr_matrix:
        weighed = csr_matrix(matrix @ diags(column_weights(self.features_, candidate.weights)))
        weighed.eliminate_zeros()
        return weighed

    def _predict(self, outcome: csr_matrix, families: csr_matrix) -> Predictions:
        classifier = self.families_.classifier
        probability = classifier.predict_proba(families)
        return Predictions(
            p_overturned=self.outcome_.classifier.predict_proba(outcome)[:, 1],
            family_probability=probability,
            family_set=family_sets(probability, classifier.threshold_),
        )


def first_unless_better(fitted: list[Chosen[Classifier]], groups: NDArray[np.int64]) -> Chosen[Classifier]:
    """The first, or a later one whose held-out loss is lower by more than two standard errors over cases."""
    best = fitted[0]
    for other in fitted[1:]:
        gain = best.classifier.held_out_loss_ - other.classifier.held_out_loss_
        by_case = np.bincount(groups, weights=gain)[np.unique(groups)]
        if by_case.sum() > 2 * by_case.std() * np.sqrt(len(by_case)):
            best = other
    return best


def labels_of(requests: pd.DataFrame) -> Labels:
    """Labels of decided requests."""
    cited = [set(families_of(value)) for value in requests["families"]]
    return Labels(
        overturned=requests["outcome"].eq("overturned").to_numpy(dtype=bool),
        families=np.array([[family in row for family in FAMILIES] for row in cited], dtype=bool).reshape(
            -1, len(FAMILIES)
        ),
        decided_year=decided_years(requests),
    )
