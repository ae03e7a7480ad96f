"""Evaluation: splits by case, metrics with intervals, baselines.

Knows predictors and labels. Knows nothing of MLflow, files or drawing.
"""

from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.report import (
    LESS_IS_BETTER,
    METRICS,
    MODEL,
    Evaluation,
    EvaluationSettings,
    baselines_of,
    evaluate,
    fits_needed,
    measured_coverage,
)
from imr_ml.evaluation.splits import SplitError, grouped_folds

__all__ = [
    "LESS_IS_BETTER",
    "METRICS",
    "MODEL",
    "Estimate",
    "Evaluation",
    "EvaluationSettings",
    "OutOfFold",
    "SplitError",
    "baselines_of",
    "evaluate",
    "fits_needed",
    "grouped_folds",
    "measured_coverage",
]
