"""Drift: whether the requests of a batch are still like those that a model was trained on.

Knows profiles and how they are compared. Knows nothing of MLflow. Names are loaded when first used.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.drift.batches import ProfiledBatch, profile_file
    from imr_ml.drift.comparing import compare
    from imr_ml.drift.figure import drift_figure
    from imr_ml.drift.types import DriftError, DriftReport, DriftSettings, Finding, Shares, Side

_HOMES = {
    "ProfiledBatch": "batches",
    "profile_file": "batches",
    "compare": "comparing",
    "drift_figure": "figure",
    "DriftError": "types",
    "DriftReport": "types",
    "DriftSettings": "types",
    "Finding": "types",
    "Shares": "types",
    "Side": "types",
}

__all__ = [
    "DriftError",
    "DriftReport",
    "DriftSettings",
    "Finding",
    "ProfiledBatch",
    "Shares",
    "Side",
    "compare",
    "drift_figure",
    "profile_file",
]

__getattr__ = names_of(__name__, _HOMES)
