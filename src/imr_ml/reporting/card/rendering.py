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
from imr_ml.experiments.reading import changes_from_default
from imr_ml.files import atomic_write, sha256_of
from imr_ml.model_files import CLASSIFIERS, FACTS
from imr_ml.reporting.card import limits, wording
from imr_ml.templates import load_template

if TYPE_CHECKING:
    from imr_ml.training import TrainedModel

CARD = "README.md"
MODELS = "models"
"""Name of a folder of models; its ``README.md`` lists them."""
_LIBRARIES = ("imr-ml", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "scipy", "skops")


@dataclass(frozen=True, slots=True)
class Origin:
    """Folder and version of the model, and the commit that trained it.

    Attributes
    ----------
    folder : str
        Name of the model's folder.
    version : str
        First 12 digits of the classifiers' SHA-256, as in scored rows; empty if unknown.
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
    """Render the card in Markdown; it depends only on the model, origin and installed libraries."""
    return load_template("imr_ml.reporting.card", "", "card.md.jinja").render(
        trained=trained,
        data=trained.data,
        evaluation=trained.evaluation,
        origin=origin or Origin(),
        fewest=FEWEST_REQUESTS,
        dates=wording.format_dates(trained.evaluation.labels.decided_year),
        headlines=wording.headlines(trained.evaluation),
        limits=limits.limits(trained),
        wording=wording,
        changes=changes_from_default(trained.settings),
        versions={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )


def write_card(trained: TrainedModel, folder: Path, commit: str | None = None, *, dirty: bool = False) -> list[Path]:
    """Write ``README.md`` into a model's folder; in a parent folder named ``models``, update the list of models.

    Parameters
    ----------
    trained : TrainedModel
    folder : Path
        Folder of the saved model.
    commit : str, optional
        Git commit of the code.
    dirty : bool, default False
        Whether tracked files differed from it.

    Returns
    -------
    list of Path
        The written files; the card is first.
    """
    resolved = folder.resolve()
    card = model_card(trained, Origin(resolved.name, sha256_of(folder / CLASSIFIERS)[:12], commit, dirty))
    pages = {folder / CARD: card}
    if resolved.parent.name == MODELS:
        pages[folder.parent / CARD] = _model_list(folder.parent)
    for path, page in pages.items():
        with atomic_write(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    return list(pages)


def _model_list(folder: Path) -> str:
    """List the models in a folder in Markdown, newest first, with links to their cards."""
    models = [(json.loads(facts.read_text("utf-8")), facts.parent.name) for facts in folder.glob(f"*/{FACTS}")]
    rows = [
        f"| [{name}]({name}/{CARD}) | {facts['created']} | {facts['data']['source']} | {facts['data']['requests']:,} | "
        f"{facts['metrics'][MODEL]['outcome.roc_auc']['value']:.3f} |"
        for facts, name in sorted(models, key=lambda entry: entry[0]["created"], reverse=True)
    ]
    head = ["# Models", "", "| model | trained | source | requests | outcome ROC AUC |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
