"""Kept records -> MLflow runs: each exactly once, however often sending is cut short.

Knows MLflow's runs. Knows nothing of what is recorded. A run carries a tag that says which record it comes from: what a
store already holds is completed rather than made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from imr_ml.tracking.descriptions import NOTE, OF_RUN
from imr_ml.tracking.packaging import log_model
from imr_ml.tracking.records import artifacts_of, claimed, forget, kept, read_record
from imr_ml.tracking.registry import register
from imr_ml.tracking.store import TrackingError, connected, experiment_id, shown, tracking_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from imr_ml.tracking.records import ModelRecord, Point, Record, RunRecord

SYNC = "imr-ml sync"
_TAG = "imr_ml.record"
_PARENT = "mlflow.parentRunId"
# MLflow's servers take no more in one call.
_MOST_PARAMS, _MOST_METRICS = 100, 500

One = TypeVar("One")


class UnsentError(TrackingError):
    """A record that the store did not take; the message says why, where it is kept and how to send it.

    Attributes
    ----------
    folder : Path
    """

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        shown_folder = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        super().__init__(f"{reason}; nothing is lost: the run is kept in {shown_folder}, to send it later run: {SYNC}")


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """Where a record was sent.

    Attributes
    ----------
    run_id, experiment_id : str
    name : str
        Of the run.
    model_version : str
        Of the registered model; empty where the record has none.
    tracking_uri : str
        Without a password.
    """

    run_id: str
    experiment_id: str
    name: str
    model_version: str
    tracking_uri: str


def send_or_keep(folder: Path) -> RecordedRun:
    """Send a record; where that fails it stays where it is.

    Raises
    ------
    UnsentError
    """
    with claimed(folder) as ours:
        if not ours:
            raise UnsentError(folder, "another process is sending it")
        try:
            sent = _send(folder)
        except TrackingError as error:
            raise UnsentError(folder, str(error)) from error
        forget(folder)
        return sent


def sync(*, here: bool = False) -> Iterator[RecordedRun | UnsentError]:
    """Send what is kept in the working directory, oldest first; what can't be sent stays.

    Parameters
    ----------
    here : bool, default False
        Whether to send also what is meant for another store than the one in use.
    """
    store = shown(tracking_uri())
    for folder in kept():
        destination = read_record(folder).destination
        if destination != store and not here:
            yield UnsentError(folder, f"it is meant for {destination}: set MLFLOW_TRACKING_URI to that, or add --here")
            continue
        try:
            yield send_or_keep(folder)
        except UnsentError as error:
            yield error


def _send(folder: Path) -> RecordedRun:
    record = read_record(folder)
    with connected() as client:
        import mlflow

        experiment = experiment_id(client, record.experiment)
        parent = _run(client, experiment, record, record.runs[0], parent="")
        run_id, version = parent.info.run_id, ""
        if parent.info.status != "FINISHED":
            # MLflow logs a model to the active run only, and ends it as FAILED where the block raises.
            with mlflow.start_run(run_id=run_id):
                model_id = _model(client, folder, record, record.model, parent) if record.model else None
                _fill(client, folder, record, record.runs[0], run_id, model_id)
                for run in record.runs[1:]:
                    _send_child(client, experiment, folder, record, run, run_id)
                if record.model and model_id:
                    version = register(client, model_id, run_id, record.model, record.ended_ms)
        else:
            version = _version(client, run_id)
        client.set_terminated(run_id, "FINISHED", record.ended_ms)
        return RecordedRun(run_id, experiment, record.name, version, shown(client.tracking_uri))


def _send_child(
    client: MlflowClient, experiment: str, folder: Path, record: Record, run: RunRecord, parent: str
) -> None:
    found = _run(client, experiment, record, run, parent)
    if found.info.status != "FINISHED":
        _fill(client, folder, record, run, found.info.run_id, None)
        client.set_terminated(found.info.run_id, "FINISHED", record.ended_ms)


def _run(client: MlflowClient, experiment: str, record: Record, run: RunRecord, parent: str) -> Run:
    """The run that a former attempt made, or a new one."""
    tag = f"{record.id}/{run.key}"
    found = client.search_runs(
        [experiment], f"tags.`{_TAG}` = '{tag}'", max_results=10, order_by=["attributes.start_time ASC"]
    )
    for other in found[1:]:
        # A call whose answer was lost was made again.
        client.delete_run(other.info.run_id)
    if found:
        return found[0]
    nested = {_PARENT: parent} if parent else {}
    return client.create_run(
        experiment, start_time=record.started_ms, tags={**run.tags, **nested, _TAG: tag}, run_name=run.name
    )


def _fill(
    client: MlflowClient, folder: Path, record: Record, run: RunRecord, run_id: str, model_id: str | None
) -> None:
    """Log everything of a run but its model; what it already holds stays as it is."""
    from mlflow.entities import Metric, Param

    used = record.dataset
    tied = {"model_id": model_id, "dataset_name": used.name, "dataset_digest": used.digest}
    for params in _batches([Param(name, value) for name, value in run.params.items()], _MOST_PARAMS):
        client.log_batch(run_id, params=params)
    _log_dataset(client, run_id, record)
    artifacts = artifacts_of(folder, run.key)
    if artifacts.is_dir():
        client.log_artifacts(run_id, str(artifacts))
    metrics = [
        # What the machine did is no figure of the model.
        Metric(one.name, one.value, one.at_ms or record.ended_ms, one.step, **({} if one.at_ms else tied))
        for one in _missing(client, run_id, run.metrics)
    ]
    for some in _batches(metrics, _MOST_METRICS):
        client.log_batch(run_id, metrics=some)
    if OF_RUN in run.tags.get(NOTE, ""):
        address = f"#/experiments/{client.get_run(run_id).info.experiment_id}/runs/{run_id}/artifacts/"
        client.set_tag(run_id, NOTE, run.tags[NOTE].replace(f"]({OF_RUN}", f"]({address}"))


def _missing(client: MlflowClient, run_id: str, points: Sequence[Point]) -> list[Point]:
    """Points that a run lacks: MLflow refuses a second one of the same metric, step and time."""
    held = client.get_run(run_id).data.metrics
    last_step = {point.name: point.step for point in points}
    steps = {
        (name, step)
        for name in held
        if name in last_step
        for step in _held_steps(client, run_id, name, last_step[name])
    }
    return [point for point in points if (point.name, point.step) not in steps]


def _held_steps(client: MlflowClient, run_id: str, name: str, last: int) -> list[int]:
    return [one.step for one in client.get_metric_history(run_id, name)] if last else [0]


def _log_dataset(client: MlflowClient, run_id: str, record: Record) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    used = record.dataset
    dataset = Dataset(
        name=used.name,
        digest=used.digest,
        source_type="code",
        source=used.source,
        schema=used.columns,
        profile=used.profile,
    )
    tags = [InputTag("mlflow.data.context", used.context)]
    client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags=tags)])


def _model(client: MlflowClient, folder: Path, record: Record, told: ModelRecord, parent: Run) -> str:
    """Identifier of the logged model: a former attempt's where it was finished."""
    from mlflow.entities import LoggedModelStatus

    for output in parent.outputs.model_outputs if parent.outputs else []:
        if client.get_logged_model(output.model_id).status == LoggedModelStatus.READY:
            return str(output.model_id)
        client.delete_logged_model(output.model_id)
    logged = log_model(folder / "model", folder / "code", told.requirements, record.runs[0].params)
    return str(logged.model_id)


def _version(client: MlflowClient, run_id: str) -> str:
    found = client.search_model_versions(f"run_id = '{run_id}'")
    return str(found[0].version) if found else ""


def _batches(items: Sequence[One], size: int) -> Iterator[Sequence[One]]:
    return (items[start : start + size] for start in range(0, len(items), size))
