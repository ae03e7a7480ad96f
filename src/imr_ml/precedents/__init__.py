"""Precedents: the decided requests most like a new one, and how often such requests were overturned.

Knows feature frames, feature matrices and labels. Knows no text, no files and no MLflow.
"""

from imr_ml.precedents.cohorts import LEAST_REQUESTS, TIERS, CohortRates, Cohorts
from imr_ml.precedents.decided import Asked, DecidedRequests
from imr_ml.precedents.neighbours import Neighbours, Precedent, PrecedentSettings

__all__ = [
    "LEAST_REQUESTS",
    "TIERS",
    "Asked",
    "CohortRates",
    "Cohorts",
    "DecidedRequests",
    "Neighbours",
    "Precedent",
    "PrecedentSettings",
]
