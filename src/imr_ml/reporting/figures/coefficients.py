"""Pictures of what the model weighs: the terms and facts with the largest coefficients.

Knows fitted linear classifiers and drawing. Single terms of the vocabulary are shown, never more than a feature holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.guidelines.types import FAMILIES
from imr_ml.reporting.figures.canvas import COLOURS, OVERTURNED, UPHELD, canvas, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from imr_ml.training import TrainedModel

_MOST_OUTCOME, _MOST_FAMILY = 12, 5
_PANELS_A_ROW = 2
_LONGEST_NAME = 34


def outcome_coefficients(trained: TrainedModel) -> Figure | None:
    """Terms that speak most for 'overturned' and most for 'upheld'; None for a score that is not linear."""
    coefficients = getattr(trained.model.outcome_.classifier, "coef_", None)
    if coefficients is None:
        return None
    figure, axes = canvas(trained, "What speaks for 'overturned' (right) and 'upheld' (left)", height=7)
    values, names = np.ravel(coefficients), _names(trained)
    order = np.argsort(values, kind="stable")
    shown = np.concatenate([order[:_MOST_OUTCOME], order[-_MOST_OUTCOME:]])
    shown = np.unique(shown[values[shown] != 0], return_index=False)
    shown = shown[np.argsort(values[shown], kind="stable")]
    colours = [OVERTURNED if value > 0 else UPHELD for value in values[shown]]
    _bars(axes, values[shown], names[shown], colours)
    axes.set_xlabel("coefficient of the feature, in log-odds before calibration")
    return figure


def family_coefficients(trained: TrainedModel) -> Figure | None:
    """Terms that speak most for each family; None for a score that is not linear, or where no family is known."""
    chosen = trained.model.families_
    coefficients = None if chosen is None else getattr(chosen.classifier, "coef_", None)
    if coefficients is None:
        return None
    names = _names(trained)
    known = [place for place in range(len(FAMILIES)) if np.any(coefficients[place])]
    rows = -(-len(known) // _PANELS_A_ROW)
    figure = figure_of(trained, "What speaks most for each guideline family", height=1.2 + 1.7 * rows)
    panels = np.ravel(figure.subplots(rows, _PANELS_A_ROW, squeeze=False))
    for axes, place in zip(panels, known, strict=False):
        values = coefficients[place]
        top = np.argsort(values, kind="stable")[-_MOST_FAMILY:]
        _bars(axes, values[top], names[top], [COLOURS["model"]] * len(top))
        axes.set_title(FAMILIES[place], fontsize=10)
        axes.locator_params(axis="x", nbins=4)
    for axes in panels[len(known) :]:
        axes.set_visible(False)
    return figure


def _bars(axes: Axes, values: NDArray[np.float64], names: NDArray[np.str_], colours: list[str]) -> None:
    axes.barh(np.arange(len(values)), values, color=colours)
    axes.set_yticks(np.arange(len(values)), [_shortened(str(name)) for name in names], fontsize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _names(trained: TrainedModel) -> NDArray[np.str_]:
    names: NDArray[np.str_] = np.char.replace(trained.model.feature_names.astype(str), "__", ": ")
    return names


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
