"""Both classifiers over a feature frame: one thing to fit, one thing to ask.

Knows feature frames and the two classifiers. Knows nothing of files or MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.pipeline import Pipeline

from imr_ml.classifiers.contributions import Contribution, top_contributions
from imr_ml.classifiers.families import GuidelineFamilyClassifier, family_sets
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.corpus.schema import families_of
from imr_ml.features import FACT_COLUMNS, FeatureSettings, feature_matrix
from imr_ml.guidelines import FAMILIES


@dataclass(frozen=True, slots=True)
class Labels:
    """What was decided.

    Attributes
    ----------
    overturned : (requests,) bool
    families : (requests, families) bool
        Families cited, in the order of `FAMILIES`.
    """

    overturned: NDArray[np.bool_]
    families: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.int64]) -> Labels:
        return Labels(self.overturned[rows], self.families[rows])


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


OUTCOME_FEATURES = FeatureSettings(
    request=0.5,
    summary=1.0,
    ur_guideline=0.5,
    facts=0.2,
    numbers=0.05,
    facts_used=tuple(fact for fact in FACT_COLUMNS if fact != "treated_body_parts"),
)
FAMILY_FEATURES = FeatureSettings(
    request=1.0,
    summary=0.0,
    ur_guideline=1.0,
    facts=1.0,
    numbers=0.0,
    facts_used=tuple(fact for fact in FACT_COLUMNS if fact != "sex"),
)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of the two classifiers.

    Attributes
    ----------
    outcome_features, family_features : FeatureSettings
        Each classifier weighs the sections by itself: the summary tells more of the outcome, the request and the UR
        guideline more of the family.
    outcome_c, family_c : float
        Inverse strength of each penalty.
    seed : int
    """

    outcome_features: FeatureSettings = OUTCOME_FEATURES
    family_features: FeatureSettings = FAMILY_FEATURES
    outcome_c: float = 0.3
    family_c: float = 3.0
    seed: int = 0


class RequestModel:
    """Outcome and guideline families of requests.

    Parameters
    ----------
    settings : ModelSettings, optional

    Attributes
    ----------
    outcome_, families_ : Pipeline
        Feature matrix and classifier, fitted.
    """

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.settings = settings or ModelSettings()

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit both classifiers; requests of one group never stand on both sides of an inner fold."""
        settings = self.settings
        self.outcome_ = Pipeline(
            [
                ("features", feature_matrix(settings.outcome_features)),
                ("classifier", CalibratedLogisticClassifier(settings.outcome_c, random_state=settings.seed)),
            ]
        ).fit(frame, labels.overturned, classifier__groups=groups)
        self.families_ = Pipeline(
            [
                ("features", feature_matrix(settings.family_features)),
                ("classifier", GuidelineFamilyClassifier(settings.family_c, random_state=settings.seed)),
            ]
        ).fit(frame, labels.families, classifier__groups=groups)
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predictions for a feature frame's rows."""
        return self._predict(*self._matrices(frame))

    def predict_with_evidence(self, frame: pd.DataFrame, most: int) -> tuple[Predictions, list[Evidence]]:
        """Predictions, and for each row what moved its outcome and its likeliest family most, `most` of each."""
        outcome, families = self._matrices(frame)
        predictions = self._predict(outcome, families)
        likeliest = predictions.family_probability.argmax(axis=1)
        moved_outcome = top_contributions(outcome, self.outcome_["classifier"].coef_, self._names("outcome_"), most)
        moved_family = top_contributions(
            families, self.families_["classifier"].coef_[likeliest], self._names("families_"), most
        )
        return predictions, [Evidence(*pair) for pair in zip(moved_outcome, moved_family, strict=True)]

    def _matrices(self, frame: pd.DataFrame) -> tuple[csr_matrix, csr_matrix]:
        return self.outcome_["features"].transform(frame), self.families_["features"].transform(frame)

    def _predict(self, outcome: csr_matrix, families: csr_matrix) -> Predictions:
        classifier = self.families_["classifier"]
        probability = classifier.predict_proba(families)
        return Predictions(
            p_overturned=self.outcome_["classifier"].predict_proba(outcome)[:, 1],
            family_probability=probability,
            family_set=family_sets(probability, classifier.threshold_),
        )

    def _names(self, which: str) -> NDArray[np.str_]:
        names: NDArray[np.str_] = getattr(self, which)["features"].get_feature_names_out()
        return names


def labels_of(requests: pd.DataFrame) -> Labels:
    """Labels of decided requests."""
    cited = [set(families_of(value)) for value in requests["families"]]
    return Labels(
        overturned=requests["outcome"].eq("overturned").to_numpy(dtype=bool),
        families=np.array([[family in row for family in FAMILIES] for row in cited], dtype=bool).reshape(
            -1, len(FAMILIES)
        ),
    )
