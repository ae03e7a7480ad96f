"""Experiments of a store: made where there is none, with what the UI shows of them.

Knows MLflow's experiments. Knows nothing of runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from imr_ml.tracking.uris import TrackingError, artifact_root, is_server
from imr_ml.tracking.views import page_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "imr_ml training"
"""Name of the experiment of trainings."""
# The UI has other pages for language-model applications.
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}


def experiment_id(client: MlflowClient, name: str) -> str:
    """Experiment of that name, made where there is none, with the description and views that `views` has for it.

    Raises
    ------
    TrackingError
        For one that was deleted.
    """
    import mlflow

    found = client.get_experiment_by_name(name)
    if found is None:
        uri = client.tracking_uri
        location = None if is_server(uri) else artifact_root(uri).as_uri()
        tags = _EXPERIMENT_TAGS | page_tags(name, int(time.time() * 1000))
        try:
            return str(client.create_experiment(name, location, tags=tags))
        except mlflow.MlflowException:
            # Another training may have made it in the meantime.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"experiment {name!r} was deleted; to restore it, run: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    return str(found.experiment_id)
