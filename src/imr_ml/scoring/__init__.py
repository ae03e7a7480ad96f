"""Scoring: requests in, the same rows with predictions, evidence and errors out.

Knows models as folders. Knows nothing of training or MLflow. Names are loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imr_ml.scoring.batch import BatchSummary, score_file
    from imr_ml.scoring.contract import SCORE_COLUMNS, ScoreColumn, ScoreOptions
    from imr_ml.scoring.frame import score_frame

_HOMES = {
    "BatchSummary": "batch",
    "score_file": "batch",
    "SCORE_COLUMNS": "contract",
    "ScoreColumn": "contract",
    "ScoreOptions": "contract",
    "score_frame": "frame",
}

__all__ = ["SCORE_COLUMNS", "BatchSummary", "ScoreColumn", "ScoreOptions", "score_file", "score_frame"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
