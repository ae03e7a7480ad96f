"""Record a training as MLflow runs: one for the model and one for each model that it was compared with.

Text of requests gets into a file only if it is given as `Extras.texts`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import imr_ml
from imr_ml.corpus.schema import COLUMNS, Role
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.slices import slice_table
from imr_ml.experiments.reading import DEFAULT
from imr_ml.experiments.schema import to_toml, values_of
from imr_ml.files import sha256_of
from imr_ml.model_files import MANIFEST
from imr_ml.rates.model_report import REPORT, write_model_report
from imr_ml.reporting.compared_models import COLORS_OF_BASELINES, ComparedModel, compared_baselines
from imr_ml.tracking import run_facts
from imr_ml.tracking.mlflow_model import save_mlflow_model
from imr_ml.tracking.predictions import FILE, Folds, HeldOut, write_held_out
from imr_ml.tracking.records import (
    DIGEST_LENGTH,
    DatasetRecord,
    ModelRecord,
    Point,
    Record,
    RunRecord,
    artifacts_folder,
    save_record,
)
from imr_ml.tracking.sending import FIGURES, RecordedRun, send_record
from imr_ml.tracking.store import create_own_store
from imr_ml.tracking.views import EXPERIMENT, NOTE

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.evaluation.cross_validation import OutOfFold
    from imr_ml.rates.counting import Rates
    from imr_ml.tracking.git import GitState
    from imr_ml.training import TrainedModel
    from imr_ml.training_data import DataFacts

CARD = "model_card.md"
EXPERIMENT_FILE = "experiment.toml"
SLICES = "evaluation/slices.json"
TEXTS = "evaluation/requests.json"
_TITLES = {SLICES: "slices", TEXTS: "texts of the requests"}
_TEXT_COLUMNS = ("request", "clinical_summary", "ur_guideline", "imr_guideline", "rationale")


@dataclass(frozen=True, slots=True)
class Extras:
    """What may be recorded of a training besides its model and evaluation.

    Attributes
    ----------
    compared : sequence of ComparedModel, optional
        Models evaluated on the same folds; the baselines by default.
    system : sequence of Point
        From `system_metrics`.
    card, manifest : Path, optional
        Model card, and manifest of the table that was trained on.
    report : Path, optional
        Where to write the training's report, which is recorded too; needs `card`.
    rates : tuple of Rates
        Of the data, for the report.
    texts : DataFrame, optional
        Requests in the order of the evaluation. Their texts are private, and are recorded if given.
    started_ms : int, optional
        When the training began, in milliseconds since 1970.
    experiment : str
        Name of the experiment file.
    name : str
        Name of the model's run, as the user gave it; by default it says what the model is.
    data_errors : tuple of str
        Kinds of errors that the check found in the data, and that the user allowed.
    """

    compared: Sequence[ComparedModel] | None = None
    system: Sequence[Point] = ()
    card: Path | None = None
    manifest: Path | None = None
    report: Path | None = None
    rates: tuple[Rates, ...] = ()
    texts: pd.DataFrame | None = None
    started_ms: int | None = None
    experiment: str = DEFAULT
    name: str = ""
    data_errors: tuple[str, ...] = ()


def record(
    trained: TrainedModel, model_folder: Path, git: GitState | None = None, extras: Extras | None = None
) -> RecordedRun:
    """Record a training and register its model as the challenger; see `save_training` and `sending.send_record`.

    Nothing is registered unless all else was recorded; a run that the store refuses ends as FAILED.
    """
    return send_record(save_training(trained, model_folder, git, extras))


def save_training(
    trained: TrainedModel, model_folder: Path, git: GitState | None = None, extras: Extras | None = None
) -> Path:
    """Write the record of a training to the outbox without sending it.

    Parameters
    ----------
    trained : TrainedModel
    model_folder : Path
        The same model, saved.
    git : GitState, optional
        Of the code.
    extras : Extras, optional
    """
    extras = extras or Extras()
    compared = tuple(compared_baselines(trained) if extras.compared is None else extras.compared)
    tables = _build_tables(trained, extras.texts)
    errors = ", ".join(extras.data_errors)
    now = int(time.time() * 1000)
    training = Record(
        experiment=EXPERIMENT,
        started_ms=extras.started_ms or now,
        ended_ms=now,
        runs=(
            _model_run(trained, git, compared, extras, {_TITLES[path]: path for path in tables}),
            *(_compared_run(one, trained, git) for one in compared),
        ),
        dataset=dataset_record(trained.data),
        model=ModelRecord(
            tags=run_facts.data_tags(trained.data) | ({"data.errors": errors} if errors else {}),
            description=run_facts.summarize(trained)
            + (f"; TRAINED DESPITE ERRORS in the data: {errors}" if errors else ""),
        ),
    )
    return save_record(training, lambda folder: _write_files(folder, trained, model_folder, compared, extras, tables))


def _model_run(
    trained: TrainedModel,
    git: GitState | None,
    compared: Sequence[ComparedModel],
    extras: Extras,
    tables: Mapping[str, str],
) -> RunRecord:
    links = {
        **({"report": REPORT} if extras.report else {}),
        **({"model card": CARD} if extras.card else {}),
        "experiment file": EXPERIMENT_FILE,
        **({"what the table was made of": MANIFEST} if extras.manifest else {}),
        "figures": FIGURES,
        **tables,
    }
    tags = {
        NOTE: run_facts.describe_training(trained, compared, links),
        "experiment": extras.experiment,
        **({"data.errors": ", ".join(extras.data_errors)} if extras.data_errors else {}),
        # By it the MLflow UI finds tables.
        "mlflow.loggedArtifacts": json.dumps([{"path": path, "type": "table"} for path in tables.values()]),
    }
    if extras.manifest:
        tags["data.manifest.sha256"] = sha256_of(extras.manifest)
    return RunRecord(
        key=MODEL,
        name=extras.name or run_facts.name_run(trained, git, experiment=extras.experiment),
        tags=run_facts.collect_tags(trained, git) | tags,
        params=run_facts.collect_params(trained),
        metrics=(*run_facts.collect_metrics(trained), *extras.system),
    )


def _compared_run(compared: ComparedModel, trained: TrainedModel, git: GitState | None) -> RunRecord:
    color = COLORS_OF_BASELINES.get(compared.key)
    tags = {NOTE: run_facts.describe_compared(compared, trained)} | ({"mlflow.runColor": color} if color else {})
    return RunRecord(
        key=compared.key,
        name=run_facts.name_run(trained, git, compared),
        tags=run_facts.collect_tags(trained, git) | tags,
        params=run_facts.collect_params(trained, compared),
        metrics=tuple(run_facts.collect_metrics(trained, compared)),
    )


def dataset_record(data: DataFacts) -> DatasetRecord:
    """The table's digest, column names and counts; MLflow's own data sets would take the table itself."""
    columns = [
        {"type": column.kind, "name": column.name, "required": column.required}
        for column in COLUMNS
        if column.role in (Role.FEATURE, Role.LABEL)
    ]
    return DatasetRecord(
        name=f"requests-{data.source}",
        digest=data.sha256[:DIGEST_LENGTH],
        source=json.dumps({"tags": run_facts.data_tags(data)}),
        columns=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": data.requests, "cases": data.cases, "overturned": data.overturned}),
    )


def _build_tables(trained: TrainedModel, texts: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Tables by their path among the artifacts."""
    evaluation = trained.evaluation
    tables = {SLICES: slice_table(evaluation.slices)} if evaluation.slices else {}
    if texts is not None:
        columns = texts[[name for name in _TEXT_COLUMNS if name in texts]].iloc[evaluation.rows].reset_index(drop=True)
        tables[TEXTS] = columns.assign(
            overturned=evaluation.labels.overturned, p_overturned=evaluation.out_of_fold.mean_p_overturned
        )
    return tables


def _write_files(
    folder: Path,
    trained: TrainedModel,
    model_folder: Path,
    compared: Sequence[ComparedModel],
    extras: Extras,
    tables: Mapping[str, pd.DataFrame],
) -> None:
    from imr_ml.reporting.figures import start_figures

    artifacts = artifacts_folder(folder, MODEL)
    (artifacts / FIGURES).mkdir(parents=True)
    # Other processes draw while this one goes on.
    drawing = start_figures(trained, artifacts / FIGURES)
    for path, table in tables.items():
        (artifacts / path).parent.mkdir(exist_ok=True)
        # The format of MLflow's own tables, which its UI shows.
        (artifacts / path).write_text(table.to_json(orient="split", index=False, date_format="iso"), encoding="utf-8")
    (artifacts / EXPERIMENT_FILE).write_text(to_toml(values_of(trained.settings)), encoding="utf-8")
    for source, name in ((extras.card, CARD), (extras.manifest, MANIFEST)):
        if source:
            shutil.copy(source, artifacts / name)
    predictions = {MODEL: trained.evaluation.out_of_fold, **{one.key: one.out_of_fold for one in compared}}
    for key, predicted in predictions.items():
        if predicted is not None:
            write_held_out(_held_out(trained, predicted), artifacts_folder(folder, key) / FILE)
    # The code as it is now: what is sent later must be what was trained.
    save_mlflow_model(folder / "model", model_folder, Path(imr_ml.__file__).parent)
    create_own_store()
    for _ in drawing:
        pass
    if extras.report and extras.card:
        card = extras.card.read_text("utf-8")
        write_model_report(trained, card, artifacts / FIGURES, extras.rates, extras.report)
        for place in (artifacts, folder / "model" / "data" / model_folder.name):
            shutil.copy(extras.report, place / REPORT)


def _held_out(trained: TrainedModel, predicted: OutOfFold) -> HeldOut:
    settings, groups = trained.evaluation.settings, trained.evaluation.groups
    tested = settings.tested_folds if settings.tested_folds < settings.folds else 0
    folds = Folds(trained.data.sha256, settings.folds, settings.repeats, settings.seed, settings.stratify, tested)
    return HeldOut(folds, trained.evaluation.labels, groups, predicted, trained.evaluation.fold_of)
