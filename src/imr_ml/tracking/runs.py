"""A training as an MLflow run: settings, figures, data's digest, pictures and the model, registered.

Knows what goes where in MLflow. Knows nothing of how models are made. No text of a request, a summary or a
rationale is recorded; the model itself holds the single words and word pairs that its features are made of.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, Role
from imr_ml.tracking import run_facts
from imr_ml.tracking.packaging import log_model
from imr_ml.tracking.registry import register
from imr_ml.tracking.store import connected, experiment_id, shown

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from imr_ml.tracking.git import GitState
    from imr_ml.training import DataFacts, TrainedModel

EXPERIMENT = "imr_ml training"
_DIGEST_LENGTH = 12
_DOTS_PER_INCH = 110


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """Where a training was recorded.

    Attributes
    ----------
    run_id, experiment_id : str
    name : str
        Of the run.
    model_version : str
        Of the registered model.
    tracking_uri : str
        Without a password.
    """

    run_id: str
    experiment_id: str
    name: str
    model_version: str
    tracking_uri: str


def record(
    trained: TrainedModel,
    model_folder: Path,
    experiment: str = EXPERIMENT,
    git: GitState | None = None,
) -> RecordedRun:
    """Record a training and register its model as the challenger.

    Nothing is registered unless all else was recorded; a run that fails on the way ends as FAILED.

    Parameters
    ----------
    trained : TrainedModel
    model_folder : Path
        The same model, saved.
    experiment : str
    git : GitState, optional
        Of the code; None where it is not known.

    Raises
    ------
    TrackingError
        Where the store can't be reached or refuses.
    """
    with connected() as client:
        import mlflow

        experiment_of = experiment_id(client, experiment)
        name = run_facts.run_name(trained, git)
        with mlflow.start_run(experiment_id=experiment_of, run_name=name) as run:
            run_id = run.info.run_id
            _log_settings(client, run_id, trained, git)
            _log_data(client, run_id, trained.data)
            _log_figures(client, run_id, trained)
            logged = log_model(model_folder, run_facts.params(trained))
            _log_metrics(client, run_id, trained, logged.model_id)
            tags, told = run_facts.data_tags(trained.data), run_facts.summary(trained)
            version = register(client, logged, run_id, tags, told)
        return RecordedRun(run_id, experiment_of, name, version, shown(client.tracking_uri))


def _log_settings(client: MlflowClient, run_id: str, trained: TrainedModel, git: GitState | None) -> None:
    from mlflow.entities import Param, RunTag

    client.log_batch(
        run_id,
        params=[Param(name, str(value)) for name, value in run_facts.params(trained).items()],
        tags=[RunTag(name, value) for name, value in run_facts.tags(trained, git).items()],
    )


def _log_data(client: MlflowClient, run_id: str, data: DataFacts) -> None:
    """Log the table's digest, column names and counts; MLflow's own data sets would take the table itself."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [
        {"type": column.kind, "name": column.name, "required": column.required}
        for column in COLUMNS
        if column.role in (Role.FEATURE, Role.LABEL)
    ]
    dataset = Dataset(
        name=_dataset_name(data),
        digest=data.sha256[:_DIGEST_LENGTH],
        source_type="code",
        source=json.dumps({"tags": run_facts.data_tags(data)}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": data.requests, "cases": data.cases, "overturned": data.overturned}),
    )
    client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])])


def _log_figures(client: MlflowClient, run_id: str, trained: TrainedModel) -> None:
    from imr_ml.tracking.figures import figures

    for name, figure in figures(trained).items():
        client.log_figure(run_id, figure, f"figures/{name}", save_kwargs={"dpi": _DOTS_PER_INCH})


def _log_metrics(client: MlflowClient, run_id: str, trained: TrainedModel, model_id: str) -> None:
    """Log every metric to the run and, tied to the data, to the logged model."""
    from mlflow.entities import Metric

    at_ms = int(time.time() * 1000)
    tied = {
        "model_id": model_id,
        "dataset_name": _dataset_name(trained.data),
        "dataset_digest": trained.data.sha256[:_DIGEST_LENGTH],
    }
    values = run_facts.metrics(trained).items()
    client.log_batch(run_id, metrics=[Metric(name, value, at_ms, 0, **tied) for name, value in values])


def _dataset_name(data: DataFacts) -> str:
    return f"requests-{data.source}"
