"""Kept records -> MLflow runs: each exactly once, however often sending is cut short.

Knows MLflow's runs. Knows nothing of what is recorded. A run carries a tag that says which record it comes from: what a
store already holds is completed rather than made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.tracking.descriptions import NOTE, OF_RUN
from imr_ml.tracking.experiments import experiment_id
from imr_ml.tracking.packaging import log_model
from imr_ml.tracking.records import artifacts_of, claimed, forget, kept, read_record
from imr_ml.tracking.registry import register
from imr_ml.tracking.store import TrackingError, connected, shown, tracking_uri
from imr_ml.tracking.training_files import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run, RunTag

    from imr_ml.tracking.records import ModelRecord, Point, Record, RunRecord

SYNC = "imr-ml sync"
_TAG = "imr_ml.record"
_PARENT = "mlflow.parentRunId"
_IMAGES, _SMALL_IMAGE = "images", "+compressed.webp"


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
        made = _made(client, experiment, record)
        parent = made.get(record.runs[0].key) or _create(client, experiment, record, record.runs[0], parent="")
        run_id, version = parent.info.run_id, ""
        if parent.info.status != "FINISHED":
            # MLflow logs a model to the active run only, and ends it as FAILED where the block raises.
            with mlflow.start_run(run_id=run_id):
                model_id = _model(client, folder, record, record.model, parent) if record.model else None
                _fill(client, folder, record, record.runs[0], parent, model_id)
                for run in record.runs[1:]:
                    child = made.get(run.key) or _create(client, experiment, record, run, run_id)
                    _send_child(client, folder, record, run, child)
                if record.model and model_id:
                    version = register(client, model_id, run_id, record.model, record.ended_ms)
        else:
            version = _version(client, run_id)
        client.set_terminated(run_id, "FINISHED", record.ended_ms)
        return RecordedRun(run_id, experiment, record.name, version, shown(client.tracking_uri))


def _send_child(client: MlflowClient, folder: Path, record: Record, run: RunRecord, made: Run) -> None:
    if made.info.status != "FINISHED":
        _fill(client, folder, record, run, made, None)
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
    told = {**run.tags, **({_PARENT: parent} if parent else {}), _TAG: f"{record.id}/{run.key}"}
    return client.create_run(experiment, start_time=record.started_ms, tags=told, run_name=run.name)


def _fill(client: MlflowClient, folder: Path, record: Record, run: RunRecord, made: Run, model_id: str | None) -> None:
    """Log everything of a run but its model; what it already holds stays as it is."""
    from mlflow.entities import Metric, Param

    run_id, used = made.info.run_id, record.dataset
    tied = {"model_id": model_id, "dataset_name": used.name, "dataset_digest": used.digest}
    _log_dataset(client, run_id, record)
    artifacts = artifacts_of(folder, run.key)
    if artifacts.is_dir():
        client.log_artifacts(run_id, str(artifacts))
        _log_pictures(client, run_id, artifacts / FIGURES, record.ended_ms)
    metrics = [
        # What the machine did is no figure of the model.
        Metric(one.name, one.value, one.at_ms or record.ended_ms, one.step, **({} if one.at_ms else tied))
        for one in _missing(client, made, run.metrics)
    ]
    params = [Param(name, value) for name, value in run.params.items()]
    # One request: a server with passwords takes long over each.
    client.log_batch(run_id, metrics, params, _linked(run, made))


def _log_pictures(client: MlflowClient, run_id: str, figures: Path, at_ms: int) -> None:
    """Log figures as images too: the UI's charts show those of several runs side by side."""
    import mlflow

    if not figures.is_dir():
        return
    # MLflow writes the small one last, under a name that begins with the key.
    small = [one.path for one in client.list_artifacts(run_id, _IMAGES) if one.path.endswith(_SMALL_IMAGE)]
    held = {path.removeprefix(f"{_IMAGES}/").partition("+")[0] for path in small}
    for path in sorted(figures.glob("*.png")):
        if path.stem not in held:
            client.log_image(run_id, mlflow.Image(str(path)), key=path.stem, timestamp=at_ms)


def _linked(run: RunRecord, made: Run) -> list[RunTag]:
    """The description with the address of the run's artifacts put in, where it links to them."""
    from mlflow.entities import RunTag

    note = run.tags.get(NOTE, "")
    address = f"#/experiments/{made.info.experiment_id}/runs/{made.info.run_id}/artifacts/"
    return [RunTag(NOTE, note.replace(f"]({OF_RUN}", f"]({address}"))] if OF_RUN in note else []


def _missing(client: MlflowClient, made: Run, points: Sequence[Point]) -> list[Point]:
    """Points that a run lacks: MLflow refuses a second one of the same metric, step and time."""
    last_step = {point.name: point.step for point in points}
    steps = {
        (name, step)
        for name in made.data.metrics
        if name in last_step
        for step in _held_steps(client, made.info.run_id, name, last_step[name])
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
