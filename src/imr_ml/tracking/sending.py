"""Send records to MLflow, each run exactly once.

Each run has a tag with its record's identifier, and repeating a step has no effect: after an interruption, the next
attempt repeats all steps and adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.tracking.descriptions import RUN_ARTIFACT
from imr_ml.tracking.mlflow_model import find_mlflow_model, log_model
from imr_ml.tracking.records import (
    Record,
    RunRecord,
    artifacts_folder,
    delete_record,
    list_unsent,
    lock_record,
    read_record,
)
from imr_ml.tracking.registry import register
from imr_ml.tracking.store import connected, or_none, retry_conflicts
from imr_ml.tracking.uris import TrackingError, redact_uri, tracking_uri
from imr_ml.tracking.views import NOTE, experiment_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

SYNC = "imr-ml sync"
FIGURES = "figures"
"""Artifacts folder with the figures that the UI's charts show side by side."""
_TAG = "imr_ml.record"
_PARENT = "mlflow.parentRunId"
# On a team server only the owner of an experiment can delete; an incomplete model that remains is harmless.
_DENIED = ("PERMISSION_DENIED",)
_IMAGES, _SMALL_IMAGE = "images", "+compressed.webp"


class UnsentError(TrackingError):
    """A record that the store did not accept; the message states the reason, its folder and how to send it."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        super().__init__(f"{reason}; nothing is lost: the run is saved in {shown}, to send it later run: {SYNC}")


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """The first run of a record in the store; `model_version` is empty if no model was registered."""

    run_id: str
    experiment_id: str
    name: str
    model_version: str
    tracking_uri: str


def send_record(folder: Path) -> RecordedRun:
    """Send a record and delete its folder; if that fails, raise `UnsentError` and keep the folder."""
    try:
        with lock_record(folder):
            record = read_record(folder)
            with connected() as client:
                sent = _Delivery(client, experiment_id(client, record.experiment), folder, record).send()
            delete_record(folder)
            return sent
    except TrackingError as error:
        raise UnsentError(folder, str(error)) from error


def sync(*, here: bool = False) -> Iterator[RecordedRun | TrackingError]:
    """Send the records in the working directory, oldest first; yield the run or the error of each.

    Records for another store than the current one are sent only if `here` is true.
    """
    store = redact_uri(tracking_uri())
    for folder in list_unsent():
        try:
            destination = read_record(folder).destination
            if destination != store and not here:
                raise UnsentError(
                    folder, f"it is meant for {destination}: set MLFLOW_TRACKING_URI to that, or add --here"
                )
            yield send_record(folder)
        except TrackingError as error:
            yield error


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A record to send to an experiment."""

    client: MlflowClient
    experiment: str
    folder: Path
    record: Record

    def send(self) -> RecordedRun:
        import mlflow

        record, (parent, *children), version = self.record, self.record.runs, ""
        sent = self._find_runs()
        run_id = sent.get(parent.key) or self._create_run(parent)
        # MLflow ends the run as FAILED if the block raises.
        with mlflow.start_run(run_id=run_id):
            model_id = self._log_model(run_id)
            self._log_run(parent, run_id, model_id)
            for child in children:
                child_id = sent.get(child.key) or self._create_run(child, run_id)
                self._log_run(child, child_id)
                self.client.set_terminated(child_id, "FINISHED", record.ended_ms)
            if record.model and model_id:
                version = register(self.client, model_id, run_id, record.model, record.ended_ms)
        self.client.set_terminated(run_id, "FINISHED", record.ended_ms)
        return RecordedRun(run_id, self.experiment, parent.name, version, redact_uri(self.client.tracking_uri))

    def _find_runs(self) -> dict[str, str]:
        """Return the identifiers of the runs that an earlier attempt created, by key."""
        created = self.client.search_runs(
            [self.experiment], f"tags.`{_TAG}` LIKE '{self.record.id}/%'", order_by=["attributes.start_time ASC"]
        )
        run_ids: dict[str, str] = {}
        for run in created:
            if run_ids.setdefault(run.data.tags[_TAG].partition("/")[2], run.info.run_id) != run.info.run_id:
                # MLflow repeats a call whose response was lost, which can create a run twice.
                or_none(partial(self.client.delete_run, run.info.run_id), absent=_DENIED)
        return run_ids

    def _create_run(self, run: RunRecord, parent_id: str = "") -> str:
        tags = {**run.tags, **({_PARENT: parent_id} if parent_id else {}), _TAG: f"{self.record.id}/{run.key}"}
        created = self.client.create_run(
            self.experiment, start_time=self.record.started_ms, tags=tags, run_name=run.name
        )
        return str(created.info.run_id)

    def _log_model(self, run_id: str) -> str | None:
        """Log the model unless an earlier attempt did; return its identifier."""
        from mlflow.entities import LoggedModelStatus

        if self.record.model is None:
            return None
        for logged in self.client.search_logged_models([self.experiment], f"source_run_id = '{run_id}'"):
            if logged.status == LoggedModelStatus.READY:
                return str(logged.model_id)
            or_none(partial(self.client.delete_logged_model, logged.model_id), absent=_DENIED)
        return log_model(self.client, run_id, find_mlflow_model(self.folder), self.record.runs[0].params)

    def _log_run(self, run: RunRecord, run_id: str, model_id: str | None = None) -> None:
        from mlflow.entities import Metric, Param, RunTag

        self._log_dataset(run_id)
        self._log_artifacts(run, run_id)
        dataset, ended_ms = self.record.dataset, self.record.ended_ms
        # MLflow rejects a metric that a logged model already has, e.g. after a lost response.
        logged = self.client.get_logged_model(model_id).metrics or [] if model_id else []
        steps = {(metric.key, metric.step) for metric in logged}
        subject = {"model_id": model_id, "dataset_name": dataset.name, "dataset_digest": dataset.digest}
        metrics = [
            # Only system metrics have a time; they do not belong to the model.
            Metric(point.name, point.value, point.at_ms or ended_ms, point.step, **({} if point.at_ms else subject))
            for point in run.metrics
            if (point.name, point.step) not in steps
        ]
        address = f"#/experiments/{self.experiment}/runs/{run_id}/artifacts/"
        note = run.tags.get(NOTE, "")
        linked = note.replace(f"]({RUN_ARTIFACT}", f"]({address}")
        # A single request, because each is slow on a server with passwords.
        params = [Param(name, value) for name, value in run.params.items()]
        self.client.log_batch(run_id, metrics, params, [RunTag(NOTE, linked)] if linked != note else [])

    @retry_conflicts
    def _log_dataset(self, run_id: str) -> None:
        """Log the data set, which another process can log at the same time."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        table = self.record.dataset
        dataset = Dataset(table.name, table.digest, "code", table.source, table.columns, table.profile)
        tags = [InputTag("mlflow.data.context", table.context)]
        self.client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags=tags)])

    def _log_artifacts(self, run: RunRecord, run_id: str) -> None:
        """Log the run's files, and its figures also as images, which the UI's charts show side by side."""
        import mlflow

        artifacts = artifacts_folder(self.folder, run.key)
        if not artifacts.is_dir():
            return
        self.client.log_artifacts(run_id, str(artifacts))
        figures = sorted((artifacts / FIGURES).glob("*.png"))
        # MLflow writes the small image last, to a file whose name begins with the key.
        files = [Path(image.path).name for image in self.client.list_artifacts(run_id, _IMAGES)] if figures else []
        logged = {name.partition("+")[0] for name in files if name.endswith(_SMALL_IMAGE)}
        for path in figures:
            if path.stem not in logged:
                self.client.log_image(run_id, mlflow.Image(str(path)), key=path.stem, timestamp=self.record.ended_ms)
