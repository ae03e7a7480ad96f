"""Shared parts of all figures: sizes, colors, the label of sample data.

Colors are the same in every figure: the model blue, each baseline a fixed color, upheld green, overturned red. They are
those of Okabe and Ito, which color-blind readers can distinguish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from imr_ml.evaluation.comparison import MODEL
from imr_ml.reporting.compared_models import COLORS_OF_BASELINES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.training import TrainedModel

UPHELD, OVERTURNED = "#009E73", "#D55E00"
COLORS = {MODEL: "#0072B2", **COLORS_OF_BASELINES}
_DOTS_PER_INCH = 100


def marked_figure(title: str, height: float, *, is_sample: bool, width: float = 8) -> Figure:
    """Create an empty figure, with a red label for sample data.

    Parameters
    ----------
    title : str
    height : float
        In inches.
    is_sample : bool
    width : float, optional
        In inches.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    mark = "SAMPLE DATA - synthetic\n" if is_sample else ""
    figure.suptitle(f"{mark}{title}", fontsize=13, color=OVERTURNED if mark else "black")
    return figure


def intervals_figure(
    title: str, rows: Mapping[str, Estimate], *, is_sample: bool, line: float | None = None, label: str = ""
) -> Figure:
    """Plot estimates as points with intervals, from top to bottom.

    Parameters
    ----------
    title : str
    rows : mapping of str to Estimate
    is_sample : bool
    line : float, optional
        Value at which to draw a dashed line.
    label : str, optional
        Label of the axis of values.
    """
    figure = marked_figure(title, 1.5 + 0.3 * len(rows), is_sample=is_sample)
    axes = figure.subplots()
    plot_estimates(axes, list(rows.values()))
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    if line is not None:
        axes.axvline(line, linestyle="--", color=COLORS["base_rate"])
    axes.set_xlabel(label)
    return figure


def plot_estimates(axes: Axes, estimates: Sequence[Estimate | None], markersize: float | None = None) -> None:
    """Plot estimates as points with intervals, one per row; a row is empty for None."""
    measured = {row: estimate for row, estimate in enumerate(estimates) if estimate is not None}
    error = np.hstack([np.empty((2, 0)), *(estimate.error for estimate in measured.values())])
    values = [estimate.value for estimate in measured.values()]
    axes.errorbar(values, list(measured), xerr=error, fmt="o", color=COLORS[MODEL], capsize=3, markersize=markersize)
    axes.spines[["top", "right"]].set_visible(False)


def training_figure(trained: TrainedModel, title: str, height: float = 5.5) -> Figure:
    """Create an empty figure for a training.

    Parameters
    ----------
    trained : TrainedModel
    title : str
    height : float, optional
    """
    return marked_figure(title, height, is_sample=trained.data.is_synthetic)


def canvas(trained: TrainedModel, title: str, height: float = 5.5) -> tuple[Figure, Axes]:
    """Create a figure with one panel.

    Parameters
    ----------
    trained : TrainedModel
    title : str
    height : float, optional
    """
    figure = training_figure(trained, title, height)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; `Figure.savefig` would draw it twice."""
    figure.dpi = _DOTS_PER_INCH
    FigureCanvasAgg(figure).print_png(path)  # type: ignore[no-untyped-call]


def format_estimate(trained: TrainedModel, metric: str, predictor: str = MODEL) -> str:
    """Format a metric with its interval.

    Parameters
    ----------
    trained : TrainedModel
    metric : str
    predictor : str, optional
    """
    return str(trained.evaluation.estimates[predictor].get(metric, "not measured"))
