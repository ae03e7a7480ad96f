"""Scoring: requests in, the same rows with predictions, evidence and errors out.

Knows models as folders. Knows nothing of training or MLflow. Names are loaded when first used.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.scoring.batch import BatchSettings, BatchSummary, score_file
    from imr_ml.scoring.contract import SCORE_COLUMNS, ScoreColumn, ScoreOptions
    from imr_ml.scoring.frame import score_frame
    from imr_ml.scoring.parts import JobError
    from imr_ml.scoring.scorer import Scorer, load_model

_HOMES = {
    "BatchSettings": "batch",
    "BatchSummary": "batch",
    "JobError": "parts",
    "Scorer": "scorer",
    "load_model": "scorer",
    "score_file": "batch",
    "SCORE_COLUMNS": "contract",
    "ScoreColumn": "contract",
    "ScoreOptions": "contract",
    "score_frame": "frame",
}

__all__ = [
    "SCORE_COLUMNS",
    "BatchSettings",
    "BatchSummary",
    "JobError",
    "ScoreColumn",
    "ScoreOptions",
    "Scorer",
    "load_model",
    "score_file",
    "score_frame",
]

__getattr__ = names_of(__name__, _HOMES)
