"""Read what a model was trained on from its folder: its facts, settings, manifest and requests."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.errors import SchemaError
from imr_ml.model_files import FACTS, MANIFEST, ModelError
from imr_ml.progress import StartProgress

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.experiments.schema import TrainingSettings
    from imr_ml.ingest.manifest import TableManifest


def read_training_requests(model: Path, start: StartProgress) -> pd.DataFrame:
    """Read the requests that a model was trained on; if their table has changed, rebuild it from its sources."""
    from imr_ml.ingest.rebuild import rebuild_table, unchanged_table

    manifest, folder = read_table_manifest(model), Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            table = unchanged_table(manifest, folder)
        except SchemaError:
            table = rebuild_table(manifest, folder, Path(scratch), start)
        return read_requests(manifest, table, read_facts(model))


def read_facts(model: Path) -> dict[str, Any]:
    """Read the facts in a model's folder: its data, settings and libraries."""
    facts: dict[str, Any] = json.loads((model / FACTS).read_text("utf-8"))
    return facts


def read_table_manifest(model: Path) -> TableManifest:
    """Read the manifest of the table that a model was trained on; raise `ModelError` if there is none."""
    from imr_ml.ingest.manifest import read_manifest

    if not (model / MANIFEST).is_file():
        raise ModelError(f"{model}: has no manifest of its table ({MANIFEST} is missing); train again")
    return read_manifest(model / MANIFEST)


def read_requests(manifest: TableManifest, table: Path, facts: dict[str, Any]) -> pd.DataFrame:
    """Read the requests of a table from the source that a model was trained on.

    Parameters
    ----------
    manifest : TableManifest
    table : Path
    facts : dict
        Facts of the model.
    """
    from imr_ml.ingest.inputs import Kind
    from imr_ml.ingest.sources import table_at

    source = facts["data"]["source"] if len(manifest.requests_by_source) > 1 else None
    first = manifest.sources[0]
    return table_at(table, source, first.options if first.kind is Kind.REQUESTS else None).requests


def settings_from_facts(recorded: dict[str, Any]) -> TrainingSettings:
    """Convert the settings in a model's facts to training settings."""
    from imr_ml.classifiers.settings import settings_of
    from imr_ml.evaluation.splits import EvaluationSettings
    from imr_ml.experiments.schema import TrainingSettings
    from imr_ml.nlp.types import NlpSettings

    return TrainingSettings(
        nlp=NlpSettings(**recorded["nlp"]),
        model=settings_of(recorded["model"]),
        evaluation=EvaluationSettings(**recorded["evaluation"]),
        coverage=recorded["coverage"],
        ladder=recorded["ladder"],
        precedent_texts=recorded.get("precedent_texts", False),
    )
