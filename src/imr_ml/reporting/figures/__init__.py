"""Plot a training run: one matplotlib figure per question about outcomes and families."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.reporting.figures.canvas import save
from imr_ml.reporting.figures.outcome import confusion, precision_recall, reliability, roc, score_histogram
from imr_ml.reporting.figures.parts import (
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

_ALL = {
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


def figures(trained: TrainedModel, names: Sequence[str] = tuple(_ALL)) -> dict[str, Figure]:
    """Figure by name; those that the training says nothing for are left out."""
    drawn = {name: _ALL[name](trained) for name in names}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def start_figures(trained: TrainedModel, folder: Path) -> Iterator[None]:
    """Begin to write every figure as PNG, in the processes that the training used; all are there at the end of it."""
    from joblib import Parallel, delayed, effective_n_jobs

    jobs = trained.evaluation.settings.jobs
    names, shares = list(_ALL), effective_n_jobs(jobs)
    run = Parallel(n_jobs=jobs, return_as="generator")
    drawing: Iterator[None] = run(delayed(_save)(trained, names[start::shares], folder) for start in range(shares))
    return drawing


def _save(trained: TrainedModel, names: Sequence[str], folder: Path) -> None:
    for name, figure in figures(trained, names).items():
        save(figure, folder / f"{name}.png")
