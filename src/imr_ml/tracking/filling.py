"""Log one stored run to MLflow, never twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.tracking.records import artifacts_of
from imr_ml.tracking.run_facts import OF_RUN
from imr_ml.tracking.training_files import FIGURES
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run, RunTag

    from imr_ml.tracking.records import DatasetRecord, Point, Record, RunRecord

_IMAGES, _SMALL_IMAGE = "images", "+compressed.webp"


def fill(client: MlflowClient, folder: Path, record: Record, run: RunRecord, made: Run, model_id: str | None) -> None:
    """Log everything of a run but its model; what it already holds stays as it is."""
    from mlflow.entities import Metric, Param

    run_id, used = made.info.run_id, record.dataset
    tied = {"model_id": model_id, "dataset_name": used.name, "dataset_digest": used.digest}
    _log_dataset(client, run_id, used)
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


def _log_dataset(client: MlflowClient, run_id: str, used: DatasetRecord) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

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
