"""Record a training as MLflow runs: the model's and one per baseline."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, Role
from imr_ml.evaluation.comparison import MODEL
from imr_ml.files import sha256_of
from imr_ml.reporting.compared_models import COLOURS_OF_BASELINES, ComparedModel, compared_baselines
from imr_ml.tracking import run_facts
from imr_ml.tracking.packaging import pip_requirements
from imr_ml.tracking.records import DatasetRecord, ModelRecord, Record, RunRecord, save_record, scratch
from imr_ml.tracking.run_facts import description, rival_description, summary
from imr_ml.tracking.sending import RecordedRun, send_or_keep
from imr_ml.tracking.store import open_own_store
from imr_ml.tracking.training_files import Extras, tables_tag, write_files
from imr_ml.tracking.uris import EXPERIMENT, redact_uri, tracking_uri
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from imr_ml.tracking.git import GitState
    from imr_ml.training import DataFacts, TrainedModel

_DIGEST_LENGTH = 12


def record(
    trained: TrainedModel,
    model_folder: Path,
    experiment: str = EXPERIMENT,
    git: GitState | None = None,
    extras: Extras | None = None,
) -> RecordedRun:
    """Record a training and register its model as the challenger.

    Nothing is registered unless all else was recorded; a run that the store refuses ends as FAILED.

    Parameters
    ----------
    trained : TrainedModel
    model_folder : Path
        The same model, saved.
    experiment : str
    git : GitState, optional
        Of the code; None where it is not known.
    extras : Extras, optional

    Raises
    ------
    UnsentError
        Where the store can't be reached or refuses. All is kept on disk, to be sent by `sync`.
    """
    return send_or_keep(keep_training(trained, model_folder, experiment, git, extras, open_own_store))


def keep_training(
    trained: TrainedModel,
    model_folder: Path,
    experiment: str = EXPERIMENT,
    git: GitState | None = None,
    extras: Extras | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Path:
    """Put all that is to be recorded of a training into a folder, from which it is sent; see `record`.

    While the figures are drawn in other processes, `meanwhile` is called.
    """
    extras = extras or Extras()
    rivals = tuple(compared_baselines(trained) if extras.rivals is None else extras.rivals)
    now = int(time.time() * 1000)
    with scratch() as folder:
        links = write_files(folder, trained, model_folder, rivals, extras, meanwhile)
        kept = Record(
            experiment=experiment,
            destination=redact_uri(tracking_uri()),
            started_ms=extras.started_ms or now,
            ended_ms=now,
            runs=(
                _model_run(trained, git, rivals, extras, links),
                *(_rival_run(rival, trained, git) for rival in rivals),
            ),
            dataset=_dataset(trained.data),
            model=ModelRecord(
                requirements=tuple(pip_requirements()),
                tags=run_facts.data_tags(trained.data),
                description=summary(trained),
            ),
        )
        return save_record(kept, folder)


def _model_run(
    trained: TrainedModel,
    git: GitState | None,
    rivals: tuple[ComparedModel, ...],
    extras: Extras,
    links: dict[str, str],
) -> RunRecord:
    tags = {NOTE: description(trained, rivals, links), "mlflow.loggedArtifacts": tables_tag(links)}
    if extras.manifest is not None:
        tags["data.manifest.sha256"] = sha256_of(extras.manifest)
    return RunRecord(
        key=MODEL,
        name=run_facts.run_name(trained, git),
        tags=run_facts.tags(trained, git) | tags,
        params=run_facts.params(trained),
        metrics=(*run_facts.metrics(trained), *extras.system),
    )


def _rival_run(rival: ComparedModel, trained: TrainedModel, git: GitState | None) -> RunRecord:
    colour = COLOURS_OF_BASELINES.get(rival.key)
    tags = {NOTE: rival_description(rival, trained)} | ({"mlflow.runColor": colour} if colour else {})
    return RunRecord(
        key=rival.key,
        name=run_facts.rival_name(rival, trained, git),
        tags=run_facts.tags(trained, git) | tags,
        params=run_facts.rival_params(rival, trained),
        metrics=tuple(run_facts.rival_metrics(rival)),
    )


def _dataset(data: DataFacts) -> DatasetRecord:
    """The table's digest, column names and counts; MLflow's own data sets would take the table itself."""
    columns = [
        {"type": column.kind, "name": column.name, "required": column.required}
        for column in COLUMNS
        if column.role in (Role.FEATURE, Role.LABEL)
    ]
    return DatasetRecord(
        name=f"requests-{data.source}",
        digest=data.sha256[:_DIGEST_LENGTH],
        source=json.dumps({"tags": run_facts.data_tags(data)}),
        columns=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": data.requests, "cases": data.cases, "overturned": data.overturned}),
    )
