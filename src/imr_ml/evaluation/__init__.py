"""Evaluation: splits by case and by time, metrics with intervals, baselines, slices, and the proofs of no leakage.

Knows predictors and labels. Knows nothing of MLflow, files or drawing.
"""

from imr_ml.evaluation.comparison import (
    LESS_IS_BETTER,
    METRICS,
    MODEL,
    Comparison,
    baselines_of,
    compare,
    metrics_of,
)
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.intervals import Estimate, estimate, resampled
from imr_ml.evaluation.learning import LearningPoint, learning_curve
from imr_ml.evaluation.masking import MaskingComparison
from imr_ml.evaluation.permutation import PermutationTest, permutation_test
from imr_ml.evaluation.report import Evaluation, evaluate, evaluate_masking, fits_needed, measured_coverage
from imr_ml.evaluation.settings import EvaluationSettings
from imr_ml.evaluation.slices import Slice, slice_table
from imr_ml.evaluation.splits import SplitError, grouped_folds
from imr_ml.evaluation.temporal import NoTemporalSplit, TemporalEvaluation, temporal_split

__all__ = [
    "LESS_IS_BETTER",
    "METRICS",
    "MODEL",
    "Comparison",
    "Estimate",
    "Evaluation",
    "EvaluationSettings",
    "LearningPoint",
    "MaskingComparison",
    "NoTemporalSplit",
    "OutOfFold",
    "PermutationTest",
    "Slice",
    "SplitError",
    "TemporalEvaluation",
    "baselines_of",
    "compare",
    "estimate",
    "evaluate",
    "evaluate_masking",
    "fits_needed",
    "grouped_folds",
    "learning_curve",
    "measured_coverage",
    "metrics_of",
    "out_of_fold",
    "permutation_test",
    "resampled",
    "slice_table",
    "temporal_split",
]
