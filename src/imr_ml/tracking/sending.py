"""Send stored records to MLflow, each exactly once.

A run carries a tag that says which record it comes from: what a store already holds is completed rather than made
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.tracking.filling import fill
from imr_ml.tracking.packaging import log_model
from imr_ml.tracking.records import delete_record, list_unsent, lock_record, read_record
from imr_ml.tracking.registry import register
from imr_ml.tracking.store import connected, or_none
from imr_ml.tracking.uris import TrackingError, experiment_id, redact_uri, tracking_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from imr_ml.tracking.records import ModelRecord, Record, RunRecord

SYNC = "imr-ml sync"
_TAG = "imr_ml.record"
_PARENT = "mlflow.parentRunId"


class UnsentError(TrackingError):
    """A record that the store did not take; the message says why, where it is kept and how to send it.

    Attributes
    ----------
    folder : Path
    """

    def __init__(self, folder: Path, reason: str, *, is_damaged: bool = False) -> None:
        self.folder = folder
        shown_folder = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        kept_in = f"; nothing is lost: the run is kept in {shown_folder}, to send it later run: {SYNC}"
        super().__init__(reason if is_damaged else f"{reason}{kept_in}")


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
    with lock_record(folder) as ours:
        if not ours:
            raise UnsentError(folder, "another process is sending it")
        try:
            sent = _send(folder)
        except TrackingError as error:
            raise UnsentError(folder, str(error)) from error
        delete_record(folder)
        return sent


def sync(*, here: bool = False) -> Iterator[RecordedRun | UnsentError]:
    """Send what is kept in the working directory, oldest first; what can't be sent stays.

    Parameters
    ----------
    here : bool, default False
        Whether to send also what is meant for another store than the one in use.
    """
    store = redact_uri(tracking_uri())
    for folder in list_unsent():
        try:
            destination = read_record(folder).destination
        except TrackingError as error:
            yield UnsentError(folder, str(error), is_damaged=True)
            continue
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
        made = _made(client, experiment, record)
        parent = made.get(record.runs[0].key) or _create(client, experiment, record, record.runs[0], parent="")
        run_id, version = parent.info.run_id, ""
        if parent.info.status != "FINISHED":
            # MLflow logs a model to the active run only, and ends it as FAILED where the block raises.
            with mlflow.start_run(run_id=run_id):
                model_id = _model(client, folder, record, record.model, parent) if record.model else None
                fill(client, folder, record, record.runs[0], parent, model_id)
                for run in record.runs[1:]:
                    child = made.get(run.key) or _create(client, experiment, record, run, run_id)
                    _send_child(client, folder, record, run, child)
                if record.model and model_id:
                    version = register(client, model_id, run_id, record.model, record.ended_ms)
        else:
            version = _version(client, run_id)
        client.set_terminated(run_id, "FINISHED", record.ended_ms)
        return RecordedRun(run_id, experiment, record.name, version, redact_uri(client.tracking_uri))


def _send_child(client: MlflowClient, folder: Path, record: Record, run: RunRecord, made: Run) -> None:
    if made.info.status != "FINISHED":
        fill(client, folder, record, run, made, None)
        client.set_terminated(made.info.run_id, "FINISHED", record.ended_ms)


def _made(client: MlflowClient, experiment: str, record: Record) -> dict[str, Run]:
    """Runs of the record that a former attempt made, by key."""
    found = client.search_runs(
        [experiment], f"tags.`{_TAG}` LIKE '{record.id}/%'", order_by=["attributes.start_time ASC"]
    )
    made: dict[str, Run] = {}
    for run in found:
        key = run.data.tags[_TAG].partition("/")[2]
        if key in made:
            # A call whose answer was lost was made again.
            client.delete_run(run.info.run_id)
        else:
            made[key] = run
    return made


def _create(client: MlflowClient, experiment: str, record: Record, run: RunRecord, parent: str) -> Run:
    tags = {**run.tags, **({_PARENT: parent} if parent else {}), _TAG: f"{record.id}/{run.key}"}
    return client.create_run(experiment, start_time=record.started_ms, tags=tags, run_name=run.name)


def _model(client: MlflowClient, folder: Path, record: Record, model: ModelRecord, parent: Run) -> str:
    """Identifier of the logged model: a former attempt's where it was finished."""
    from mlflow.entities import LoggedModelStatus

    for output in parent.outputs.model_outputs if parent.outputs else []:
        # The run goes on naming a model that was deleted.
        found = or_none(partial(client.get_logged_model, output.model_id))
        if found and found.status == LoggedModelStatus.READY:
            return str(output.model_id)
        if found:
            client.delete_logged_model(output.model_id)
    logged = log_model(folder / "model", folder / "code", model.requirements, record.runs[0].params)
    return str(logged.model_id)


def _version(client: MlflowClient, run_id: str) -> str:
    found = client.search_model_versions(f"run_id = '{run_id}'")
    return str(found[0].version) if found else ""
