"""Rebuild a model's table and model from its folder and compute its metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from imr_ml.model_files import FACTS, MANIFEST, ModelError
from imr_ml.progress import StartProgress
from imr_ml.tracking import run_facts

if TYPE_CHECKING:
    from imr_ml.training import TrainingSettings

REBUILT = "rebuilt.json"


class Rebuilt(BaseModel):
    """What a model made anew is like.

    Attributes
    ----------
    table_sha256 : str
        Of the table's file.
    data_sha256 : str
        Of the features and labels that were trained on.
    metrics : dict of float
        Under the names that they have in the run; of values by fold the last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    table_sha256: str
    data_sha256: str
    requests: int
    metrics: dict[str, float]


def rebuild(model: Path, scratch: Path, start: StartProgress, *, from_table: bool = False) -> Rebuilt:
    """Make a model's table and the model anew, with the settings and the seed that its folder tells.

    Parameters
    ----------
    model : Path
        Folder of a model, or one with its facts and manifest.
    scratch : Path
        An empty folder; ``rebuilt.json`` is written to it.
    start : callable
        Starts the progress bar of a long step.
    from_table : bool
        Take the table as it is in place of making it anew.

    Raises
    ------
    ModelError
        For a model that does not tell what its table was made of.
    SchemaError
        For sources that are not there any more or have changed.
    """
    from imr_ml.files import sha256_of
    from imr_ml.ingest.manifest import read_manifest
    from imr_ml.ingest.rebuild import replayed, unchanged_table
    from imr_ml.ingest.sources import table_at
    from imr_ml.training import train

    if not (model / MANIFEST).is_file():
        raise ModelError(f"{model}: does not tell what its table was made of ({MANIFEST} is missing); train again")
    facts = json.loads((model / FACTS).read_text("utf-8"))
    manifest = read_manifest(model / MANIFEST)
    here = Path.cwd()
    table = unchanged_table(manifest, here) if from_table else replayed(manifest, here, scratch, start)
    source = facts["data"]["source"] if len(manifest.requests_by_source) > 1 else None
    requests = table_at(table, source, manifest.sources[0].options).requests
    trained = train(requests, settings_of_facts(facts["settings"]))
    values = {point.name: point.value for point in sorted(run_facts.metrics(trained), key=lambda point: point.step)}
    rebuilt = Rebuilt(
        table_sha256=sha256_of(table), data_sha256=trained.data.sha256, requests=trained.data.requests, metrics=values
    )
    (scratch / REBUILT).write_text(rebuilt.model_dump_json(), encoding="utf-8")
    return rebuilt


def settings_of_facts(recorded: dict[str, Any]) -> TrainingSettings:
    """What a model's facts tell of the settings that it was trained with, as they were."""
    from imr_ml.classifiers.settings import settings_of
    from imr_ml.evaluation.settings import EvaluationSettings
    from imr_ml.nlp.types import NlpSettings
    from imr_ml.training import TrainingSettings

    return TrainingSettings(
        nlp=NlpSettings(**recorded["nlp"]),
        model=settings_of(recorded["model"]),
        evaluation=EvaluationSettings(**recorded["evaluation"]),
        coverage=recorded["coverage"],
        ladder=recorded["ladder"],
    )
