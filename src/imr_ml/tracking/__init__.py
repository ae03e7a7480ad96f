"""Tracking: trained models -> MLflow runs and registered models; the UI on them.

The only room that knows MLflow. Knows nothing of how models are made. Names are loaded when first used, so
that importing this package does not load MLflow.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.tracking.batches import SCORING, ScoredBatch, record_batch
    from imr_ml.tracking.comparing import RunComparison, RunFacts, compare_runs, shared_metrics
    from imr_ml.tracking.drifts import CheckedBatch, record_drift
    from imr_ml.tracking.experiments import EXPERIMENT
    from imr_ml.tracking.git import GitState, git_state
    from imr_ml.tracking.promotion import Promotion, promote, rollback
    from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, fetch_model
    from imr_ml.tracking.reproducing import Reproduction, reproduce
    from imr_ml.tracking.rivals import Rival, ladder_rivals
    from imr_ml.tracking.runs import record
    from imr_ml.tracking.sending import RecordedRun, UnsentError, sync
    from imr_ml.tracking.system import system_metrics
    from imr_ml.tracking.training_files import Extras
    from imr_ml.tracking.ui import serve_ui, ui_command
    from imr_ml.tracking.uris import TrackingError, check_uri, shown, tracking_uri

_HOMES = {
    "SCORING": "batches",
    "ScoredBatch": "batches",
    "record_batch": "batches",
    "RunComparison": "comparing",
    "RunFacts": "comparing",
    "compare_runs": "comparing",
    "shared_metrics": "comparing",
    "CheckedBatch": "drifts",
    "record_drift": "drifts",
    "EXPERIMENT": "experiments",
    "GitState": "git",
    "git_state": "git",
    "Promotion": "promotion",
    "promote": "promotion",
    "rollback": "promotion",
    "CHALLENGER": "registry",
    "CHAMPION": "registry",
    "MODEL_NAME": "registry",
    "fetch_model": "registry",
    "Reproduction": "reproducing",
    "reproduce": "reproducing",
    "Rival": "rivals",
    "ladder_rivals": "rivals",
    "record": "runs",
    "RecordedRun": "sending",
    "UnsentError": "sending",
    "sync": "sending",
    "system_metrics": "system",
    "Extras": "training_files",
    "serve_ui": "ui",
    "ui_command": "ui",
    "TrackingError": "uris",
    "check_uri": "uris",
    "shown": "uris",
    "tracking_uri": "uris",
}

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "EXPERIMENT",
    "MODEL_NAME",
    "SCORING",
    "CheckedBatch",
    "Extras",
    "GitState",
    "Promotion",
    "RecordedRun",
    "Reproduction",
    "Rival",
    "RunComparison",
    "RunFacts",
    "ScoredBatch",
    "TrackingError",
    "UnsentError",
    "check_uri",
    "compare_runs",
    "fetch_model",
    "git_state",
    "ladder_rivals",
    "promote",
    "record",
    "record_batch",
    "record_drift",
    "reproduce",
    "rollback",
    "serve_ui",
    "shared_metrics",
    "shown",
    "sync",
    "system_metrics",
    "tracking_uri",
    "ui_command",
]

__getattr__ = names_of(__name__, _HOMES)
