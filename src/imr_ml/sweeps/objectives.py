"""Metrics that a sweep can select by: those of every evaluation, and the log loss."""

from __future__ import annotations

import numpy as np

from imr_ml.classifiers.types import Labels, Predictions
from imr_ml.evaluation.comparison import LESS_IS_BETTER, METRICS, Computed
from imr_ml.evaluation.metrics import Values, Weights

_LOG_LOSS = "outcome.log_loss"
_LEAST_PROBABILITY = 1e-15


def _log_loss(labels: Labels, predictions: Predictions, weights: Weights) -> Values:
    right = np.where(labels.overturned, predictions.p_overturned, 1 - predictions.p_overturned)
    loss: Values = weights @ -np.log(np.maximum(right, _LEAST_PROBABILITY)) / weights.sum(axis=1)
    return loss


OBJECTIVES: dict[str, Computed] = {**METRICS, _LOG_LOSS: _log_loss}
"""Name -> metric."""
LESS = LESS_IS_BETTER | {_LOG_LOSS}
"""Objectives of which less is better."""


def objectives_of(labels: Labels) -> tuple[str, ...]:
    """Objectives that the labels allow: none of families if the source does not report them."""
    return tuple(name for name in OBJECTIVES if labels.families_known or not name.startswith("family."))
