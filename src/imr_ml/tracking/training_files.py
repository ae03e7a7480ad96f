"""Write the artifact files of a training's runs.

Text of requests gets into a file only where it is given as `Extras.texts`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import imr_ml
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.slices import slice_table
from imr_ml.model_files import MANIFEST
from imr_ml.tracking.predictions import FILE, Folds, HeldOut, write_held_out
from imr_ml.tracking.records import artifacts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from imr_ml.evaluation.cross_validation import OutOfFold
    from imr_ml.reporting.compared_models import ComparedModel
    from imr_ml.tracking.records import Point
    from imr_ml.training import TrainedModel

CARD = "model_card.md"
FIGURES = "figures"
SLICES = "evaluation/slices.json"
TEXTS = "evaluation/requests.json"
# A server takes each file in a request of its own.
_NOT_FOR_SCORING = ("cli", "evaluation", "ladder", "model_card", "sample", "tracking", "training.py")
_TEXT_COLUMNS = ("request", "clinical_summary", "ur_guideline", "imr_guideline", "rationale")


@dataclass(frozen=True, slots=True)
class Extras:
    """What may be recorded of a training besides its model and evaluation.

    Attributes
    ----------
    rivals : sequence of Rival, optional
        Predictors evaluated on the same folds; the baselines where not given.
    system : sequence of Point
        From `system_metrics`.
    card : Path, optional
        Model card in Markdown.
    manifest : Path, optional
        Of the table that was trained on.
    texts : DataFrame, optional
        Requests in the order in which they were evaluated on. Their texts are private, and are recorded if given.
    started_ms : int, optional
        When the training began, in milliseconds since 1970.
    """

    rivals: Sequence[ComparedModel] | None = None
    system: Sequence[Point] = ()
    card: Path | None = None
    manifest: Path | None = None
    texts: pd.DataFrame | None = None
    started_ms: int | None = None


def write_files(
    folder: Path,
    trained: TrainedModel,
    model_folder: Path,
    rivals: Sequence[ComparedModel],
    extras: Extras,
    meanwhile: Callable[[], None],
) -> dict[str, str]:
    """Write all files of a training's runs into a record's folder.

    Parameters
    ----------
    folder, trained, model_folder, rivals, extras
        As of `runs.keep_training`.
    meanwhile : callable
        Called while other processes draw.

    Returns
    -------
    dict
        Title -> path of the files that people read, among the artifacts of the model's run.
    """
    own = artifacts_of(folder, MODEL)
    drawing = _start_figures(own, trained)
    tables = _write_tables(own, trained, extras.texts)
    if extras.card is not None:
        shutil.copy(extras.card, own / CARD)
    if extras.manifest is not None:
        shutil.copy(extras.manifest, own / MANIFEST)
    predicted = {MODEL: trained.evaluation.out_of_fold, **{one.key: one.out_of_fold for one in rivals}}
    for key, predictions in predicted.items():
        if predictions is not None:
            _write_held_out(artifacts_of(folder, key), trained, predictions)
    shutil.copytree(model_folder, folder / "model")
    _copy_code(folder / "code")
    meanwhile()
    for _ in drawing:
        pass
    card = {"model card": CARD} if extras.card is not None else {}
    made_of = {"what the table was made of": MANIFEST} if extras.manifest is not None else {}
    return {**card, **made_of, "figures": FIGURES, **tables}


def _start_figures(own: Path, trained: TrainedModel) -> Iterator[None]:
    from imr_ml.reporting.figures import start_figures

    (own / FIGURES).mkdir(parents=True)
    return start_figures(trained, own / FIGURES)


def _write_tables(own: Path, trained: TrainedModel, texts: pd.DataFrame | None) -> dict[str, str]:
    tables = {"slices": (SLICES, slice_table(trained.evaluation.slices))} if trained.evaluation.slices else {}
    if texts is not None:
        tables["texts of the requests"] = (TEXTS, _with_predictions(texts, trained))
    for path, table in tables.values():
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        # As MLflow's own tables, which its UI shows.
        (own / path).write_text(table.to_json(orient="split", index=False, date_format="iso"), encoding="utf-8")
    return {title: path for title, (path, _) in tables.items()}


def _with_predictions(texts: pd.DataFrame, trained: TrainedModel) -> pd.DataFrame:
    columns = texts[[name for name in _TEXT_COLUMNS if name in texts]].reset_index(drop=True)
    return columns.assign(
        overturned=trained.evaluation.labels.overturned,
        p_overturned=trained.evaluation.out_of_fold.mean_p_overturned,
    )


def _write_held_out(own: Path, trained: TrainedModel, predictions: OutOfFold) -> None:
    settings, groups = trained.evaluation.settings, trained.neighbours.decided.group
    folds = Folds(trained.data.sha256, settings.folds, settings.repeats, settings.seed, settings.stratify)
    held_out = HeldOut(folds, trained.evaluation.labels, groups, predictions, trained.evaluation.fold_of)
    write_held_out(held_out, own / FILE)


def _copy_code(folder: Path) -> None:
    """The code that scores, as it is now: what is sent later shall be what was trained."""
    source = Path(imr_ml.__file__).parent
    shutil.copytree(
        source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", *_NOT_FOR_SCORING)
    )


def tables_tag(links: dict[str, str]) -> str:
    """Value of the tag by which the MLflow UI finds tables."""
    return json.dumps([{"path": path, "type": "table"} for path in links.values() if path.endswith(".json")])
