"""Pictures of parts of the data: slices, folds, and growing shares of it.

Knows evaluations and drawing. A picture is drawn only where the evaluation has what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import MODEL
from imr_ml.reporting.figures.canvas import COLOURS, canvas, figure_of
from imr_ml.reporting.rivals import TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.slices import Slice
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


def learning_curve(trained: TrainedModel) -> Figure | None:
    """Model and baselines by the number of requests learnt from; None where that was not asked for."""
    points = trained.evaluation.learning
    if not points:
        return None
    metrics = [metric for metric in _SLICED if metric in points[0].estimates[MODEL]]
    figure = figure_of(trained, "Learning curve on the same held-out cases, with 95 % intervals")
    requests = [point.requests for point in points]
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for name in (one for one in TITLES if metric in points[0].estimates.get(one, {})):
            told = [point.estimates[name][metric] for point in points]
            values = np.array([one.value for one in told])
            if name == MODEL:
                ends = np.array([[one.low, one.high] for one in told]).T
                axes.fill_between(requests, *ends, color=COLOURS[name], alpha=0.15, linewidth=0)
            style = "o-" if name in (MODEL, "plain_tfidf") else "--"
            axes.plot(requests, values, style, color=COLOURS[name], label=f"{TITLES[name]} {values[-1]:.2f}")
        axes.set(xlabel=f"requests learnt from ({points[-1].cases} cases at most)", ylabel=metric, ylim=(0, 1.02))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower right")
    return figure


def _intervals(axes: Axes, estimates: list[Estimate | None]) -> None:
    known = [(place, one) for place, one in enumerate(estimates) if one is not None]
    values = np.array([one.value for _, one in known])
    error = np.array([[one.value - one.low, one.high - one.value] for _, one in known]).reshape(-1, 2).T
    axes.errorbar(
        values, [place for place, _ in known], xerr=error, fmt="o", color=COLOURS[MODEL], capsize=3, markersize=4
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def _label(one: Slice) -> str:
    return f"{one.kind}: {one.value} ({one.requests}, {one.overturned} overturned)"
