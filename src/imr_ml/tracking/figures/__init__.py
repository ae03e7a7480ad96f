"""The pictures of a run: one matplotlib figure for each question asked of the outcomes and the families.

Knows which pictures there are. Knows nothing of MLflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.tracking.figures.coefficients import family_coefficients, outcome_coefficients
from imr_ml.tracking.figures.families import family_f1
from imr_ml.tracking.figures.outcome import confusion, precision_recall, reliability, roc, score_histogram
from imr_ml.tracking.figures.parts import by_fold, learning_curve, slices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imr_ml.training import TrainedModel

_ALL = {
    "precision_recall": precision_recall,
    "roc": roc,
    "reliability": reliability,
    "score_histogram": score_histogram,
    "confusion": confusion,
    "family_f1": family_f1,
    "outcome_coefficients": outcome_coefficients,
    "family_coefficients": family_coefficients,
    "slices": slices,
    "by_fold": by_fold,
    "learning_curve": learning_curve,
}


def figures(trained: TrainedModel) -> dict[str, Figure]:
    """Figure by file name; those that the training says nothing for are left out."""
    drawn = {f"{name}.png": draw(trained) for name, draw in _ALL.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}
