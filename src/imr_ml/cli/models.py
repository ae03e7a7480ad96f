"""What the commands that use a model share: how it is named, how columns are, and what is said of a sample model."""

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
_MODEL_URIS = ("models:/", "runs:/")
ModelName = Annotated[str, typer.Option(help="Folder of a model, or models:/imr-ml@challenger.")]
ColumnsFile = Annotated[
    Path | None,
    typer.Option("--columns", metavar="FILE", help="Saved names of columns and values (.toml); see docs/own-data.md."),
]
SheetName = Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook; default: the first visible one.")]
Ocr = Annotated[bool, typer.Option("--ocr", help="Read pages without a text layer with Tesseract (extra ocr).")]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="NAME=COLUMN", help="Your name for a column, as in request=RFA_TEXT; repeatable."),
]


def model_folder(model: str) -> Path:
    """Folder of a model named by its path or by an MLflow model URI."""
    if not _URI.match(model):
        return Path(model)
    from imr_ml.tracking import registry, uris

    if not model.startswith(_MODEL_URIS):
        raise uris.TrackingError(f"{model}: name a folder, models:/imr-ml@champion or runs:/RUN/model")
    return registry.fetch_model(model)


def warn_of_evidence(model: LoadedModel) -> None:
    """Warn if a model's evidence stays empty."""
    for note in model.model.unexplained:
        warn(note)


def warn_of_samples(model: LoadedModel) -> None:
    """Warn if a model was trained on the sample corpus."""
    if model.is_sample:
        warn("this model was trained on the SAMPLE corpus: what it says of real requests means nothing")
