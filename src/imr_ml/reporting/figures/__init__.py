"""Plot the evaluation of a training with matplotlib."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.reporting.figures.canvas import save
from imr_ml.reporting.figures.outcome import confusion, precision_recall, reliability, roc, score_histogram
from imr_ml.reporting.figures.parts import (
    beside_baselines,
    by_fold,
    family_coefficients,
    family_f1,
    learning_curve,
    outcome_coefficients,
    slices,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imr_ml.training import TrainedModel

_MAX_PROCESSES = 4
_LOG = logging.getLogger(__name__)
Draw = Callable[["TrainedModel"], "Figure | None"]
FIGURES: Mapping[str, Draw] = {
    "beside_baselines": beside_baselines,
    "precision_recall": precision_recall,
    "roc": roc,
    "reliability": reliability,
    "score_histogram": score_histogram,
    "confusion": confusion,
    "family_f1": family_f1,
    "outcome_coefficients": outcome_coefficients,
    "family_coefficients": family_coefficients,
    "slices": slices,
    "by_fold": by_fold,
    "learning_curve": learning_curve,
}


def figures(trained: TrainedModel, draw: Mapping[str, Draw] = FIGURES) -> dict[str, Figure]:
    """Draw the figures by name; those without data are omitted, and those that fail are logged."""
    drawn = {name: _draw(name, function, trained) for name, function in draw.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def _draw(name: str, draw: Draw, trained: TrainedModel) -> Figure | None:
    try:
        return draw(trained)
    except Exception as error:  # noqa: BLE001
        # A missing figure must not lose a trained model. The error's message can contain text of a request.
        _LOG.warning("figure %s was not drawn (%s)", name, type(error).__name__)
        return None


def start_figures(trained: TrainedModel, folder: Path) -> Iterator[None]:
    """Start to write every figure as PNG in the training's processes; exhaust the iterator to wait for all."""
    from joblib import Parallel, delayed, effective_n_jobs

    jobs = trained.evaluation.settings.jobs
    # Each process must import matplotlib first, and this one has other work to do.
    names, shares = list(FIGURES), min(max(effective_n_jobs(jobs) - 1, 1), _MAX_PROCESSES)
    run = Parallel(n_jobs=jobs, return_as="generator")
    drawing: Iterator[None] = run(delayed(_save)(trained, names[start::shares], folder) for start in range(shares))
    return drawing


def _save(trained: TrainedModel, names: list[str], folder: Path) -> None:
    for name, figure in figures(trained, {name: FIGURES[name] for name in names}).items():
        save(figure, folder / f"{name}.png")
