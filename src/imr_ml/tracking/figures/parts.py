"""Pictures of parts of the data: slices, folds, and growing shares of it.

Knows evaluations and drawing. A picture is drawn only where the evaluation has what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation import MODEL
from imr_ml.tracking.figures.canvas import COLOURS, canvas, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from imr_ml.evaluation import Estimate, Slice
    from imr_ml.training import TrainedModel

_SLICED = ("outcome.roc_auc", "family.f1_micro")
_ROW_INCHES = 0.24


def slices(trained: TrainedModel) -> Figure | None:
    """ROC AUC and micro F1 of each slice with intervals, beside those of all requests."""
    told = [one for one in trained.evaluation.slices if one.estimates]
    metrics = [metric for metric in _SLICED if metric in trained.evaluation.estimates[MODEL]]
    if not told or not metrics:
        return None
    figure = figure_of(trained, "Slices, with 95 % intervals", height=1.6 + _ROW_INCHES * len(told))
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        _intervals(axes, [one.estimates.get(metric) for one in told])
        overall = trained.evaluation.estimates[MODEL][metric]
        axes.axvline(overall.value, color=COLOURS["base_rate"], linestyle="--", label=f"all {overall.value:.2f}")
        axes.set(xlabel=metric, xlim=(0, 1))
        axes.legend(loc="lower left", fontsize=8)
    panels[0].set_yticks(range(len(told)), [_label(one) for one in told], fontsize=8)
    panels[0].invert_yaxis()
    return figure


def by_fold(trained: TrainedModel) -> Figure | None:
    """The model's figures in each test part alone: how much a single split says."""
    values = trained.evaluation.by_fold
    metrics = [metric for metric in _SLICED if metric in values]
    if not metrics:
        return None
    figure, axes = canvas(trained, "Each fold alone, and the mean over all requests")
    for place, metric in enumerate(metrics):
        found = np.ravel(values[metric])
        found = found[np.isfinite(found)]
        spread = np.linspace(-0.18, 0.18, len(found))
        axes.plot(place + spread, found, "o", color=COLOURS[MODEL], alpha=0.6, label=None if place else "one fold")
        estimate = trained.evaluation.estimates[MODEL][metric]
        error = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
        axes.errorbar(
            place + 0.3,
            estimate.value,
            yerr=error,
            fmt="s",
            color="black",
            capsize=4,
            label=None if place else "all requests, 95 %",
        )
    axes.set_xticks(range(len(metrics)), metrics)
    axes.set(ylim=(0, 1.02), xlim=(-0.5, len(metrics) - 0.3))
    axes.legend(loc="lower right")
    return figure


def _intervals(axes: Axes, estimates: list[Estimate | None]) -> None:
    for place, one in enumerate(estimates):
        if one is not None:
            error = [[one.value - one.low], [one.high - one.value]]
            axes.errorbar(one.value, place, xerr=error, fmt="o", color=COLOURS[MODEL], capsize=3, markersize=4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def _label(one: Slice) -> str:
    return f"{one.kind}: {one.value} ({one.requests}, {one.overturned} overturned)"
