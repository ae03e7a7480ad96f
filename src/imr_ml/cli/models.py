"""Options and warnings shared by the commands that use a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import warn

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel

LATEST = Path("models/latest")
_URI = re.compile(r"\w[\w+.-]+:/")
_ALIASES = ("champion", "challenger")
_MODEL_URIS = ("models:/", "runs:/")
ModelName = Annotated[str, typer.Option(help="Model folder, champion, challenger, or a URI such as models:/imr-ml/3.")]


def model_folder(model: str) -> Path:
    """Return the folder of a model given as a path, an MLflow model URI, ``champion`` or ``challenger``."""
    if model in _ALIASES and not Path(model).exists():
        model = f"models:/imr-ml@{model}"
    if not _URI.match(model):
        return Path(model)
    from imr_ml.tracking import registry, uris

    if not model.startswith(_MODEL_URIS):
        raise uris.TrackingError(f"{model}: name a folder, models:/imr-ml@champion or runs:/RUN/model")
    return registry.fetch_model(model)


def warn_of_evidence(model: LoadedModel) -> None:
    """Warn if a model provides no evidence."""
    for note in model.model.unexplained:
        warn(note)


def warn_of_samples(model: LoadedModel) -> None:
    """Warn if a model was trained on the sample corpus."""
    if model.is_sample:
        warn("this model was trained on the SAMPLE corpus: its predictions for real requests are meaningless")
