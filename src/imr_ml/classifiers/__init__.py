"""Classifiers: feature frames -> probabilities of an overturned denial and of each guideline family.

Knows scikit-learn. Knows nothing of files or MLflow.
"""

from imr_ml.classifiers.conformal import HeldOutScores, OutcomeSets, outcome_sets
from imr_ml.classifiers.contributions import Contribution, top_contributions
from imr_ml.classifiers.families import GuidelineFamilyClassifier
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.classifiers.request_model import Candidate, Chosen, ModelSettings, RequestModel
from imr_ml.classifiers.types import Evidence, Labels, Predictions, Predictor, labels_of

__all__ = [
    "CalibratedLogisticClassifier",
    "Candidate",
    "Chosen",
    "Contribution",
    "Evidence",
    "GuidelineFamilyClassifier",
    "HeldOutScores",
    "Labels",
    "ModelSettings",
    "OutcomeSets",
    "Predictions",
    "Predictor",
    "RequestModel",
    "labels_of",
    "outcome_sets",
    "top_contributions",
]
