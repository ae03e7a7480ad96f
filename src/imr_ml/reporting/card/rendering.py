"""Render the model card and write it into the model's folder."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.slices import FEWEST_REQUESTS
from imr_ml.experiments.reading import changes_of
from imr_ml.files import atomic_write, sha256_of
from imr_ml.model_files import CLASSIFIERS, FACTS
from imr_ml.reporting.card import limits, wording
from imr_ml.templates import template

if TYPE_CHECKING:
    from imr_ml.training import TrainedModel

CARD = "README.md"
MODELS = "models"
"""Folder of models: its own ``README.md`` lists those in it."""
_LIBRARIES = ("imr-ml", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "scipy", "skops")


@dataclass(frozen=True, slots=True)
class Origin:
    """Which model a card is of, and which code made it.

    Attributes
    ----------
    folder : str
        Name of the model's folder.
    version : str
        First 12 digits of the classifiers' SHA-256, as scored rows carry it; empty where not known.
    commit : str or None
        Git commit of the code.
    dirty : bool
        Whether tracked files differed from that commit.
    """

    folder: str = "latest"
    version: str = ""
    commit: str | None = None
    dirty: bool = False


def model_card(trained: TrainedModel, origin: Origin | None = None) -> str:
    """The card in Markdown; the same for the same model, origin and installed libraries."""
    return template("imr_ml.reporting.card", "", "card.md.jinja").render(
        trained=trained,
        data=trained.data,
        evaluation=trained.evaluation,
        origin=origin or Origin(),
        fewest=FEWEST_REQUESTS,
        dates=wording.format_dates(trained.evaluation.labels.decided_year),
        headlines=wording.headlines(trained.evaluation),
        limits=limits.limits(trained),
        wording=wording,
        changes=changes_of(trained.settings),
        versions={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )


def write_card(trained: TrainedModel, folder: Path, commit: str | None = None, *, dirty: bool = False) -> list[Path]:
    """Write ``README.md`` into a model's folder and, where that is in one named ``models``, list the models there.

    Parameters
    ----------
    trained : TrainedModel
    folder : Path
        Holds the same model, saved.
    commit : str, optional
        Git commit of the code.
    dirty : bool, default False
        Whether tracked files differed from it.

    Returns
    -------
    list of Path
        The files written, that in the model's folder first.
    """
    named = folder.resolve()
    card = model_card(trained, Origin(named.name, sha256_of(folder / CLASSIFIERS)[:12], commit, dirty))
    pages = {folder / CARD: card}
    if named.parent.name == MODELS:
        pages[folder.parent / CARD] = _model_list(folder.parent)
    for path, page in pages.items():
        with atomic_write(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    return list(pages)


def _model_list(folder: Path) -> str:
    """The models in a folder, the newest first, each with a link to its card."""
    models = [(json.loads(facts.read_text("utf-8")), facts.parent.name) for facts in folder.glob(f"*/{FACTS}")]
    rows = [
        f"| [{name}]({name}/{CARD}) | {facts['created']} | {facts['data']['source']} | {facts['data']['requests']:,} | "
        f"{facts['metrics'][MODEL]['outcome.roc_auc']['value']:.3f} |"
        for facts, name in sorted(models, key=lambda entry: entry[0]["created"], reverse=True)
    ]
    head = ["# Models", "", "| model | trained | source | requests | outcome ROC AUC |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
