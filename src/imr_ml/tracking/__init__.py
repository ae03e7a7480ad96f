"""Tracking: trained models -> MLflow runs and registered models; the UI on them.

The only room that knows MLflow. Knows nothing of how models are made. Names are loaded when first used, so
that importing this package does not load MLflow.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imr_ml.tracking.git import GitState, git_state
    from imr_ml.tracking.registry import CHALLENGER, MODEL_NAME, fetch_model
    from imr_ml.tracking.runs import EXPERIMENT, RecordedRun, record
    from imr_ml.tracking.store import TrackingError, shown, tracking_uri
    from imr_ml.tracking.ui import serve_ui, ui_command

_HOMES = {
    "GitState": "git",
    "git_state": "git",
    "CHALLENGER": "registry",
    "MODEL_NAME": "registry",
    "fetch_model": "registry",
    "EXPERIMENT": "runs",
    "RecordedRun": "runs",
    "record": "runs",
    "TrackingError": "store",
    "shown": "store",
    "tracking_uri": "store",
    "serve_ui": "ui",
    "ui_command": "ui",
}

__all__ = [
    "CHALLENGER",
    "EXPERIMENT",
    "MODEL_NAME",
    "GitState",
    "RecordedRun",
    "TrackingError",
    "fetch_model",
    "git_state",
    "record",
    "serve_ui",
    "shown",
    "tracking_uri",
    "ui_command",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
