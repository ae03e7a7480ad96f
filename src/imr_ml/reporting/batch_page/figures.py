"""Counts -> bars to draw: rectangles of a histogram, lengths of family bars.

Knows figures. What they look like, the template knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.reporting.batch_page.totals import OUTCOMES, Totals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ENDS = (20, 40, 100)
"""Percent that an axis may end at; a bin is one percent wide."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One coloured piece of a histogram's column, in percent of the drawing, from its top left.

    Attributes
    ----------
    outcome : str
    x, y, width, height : float
    """

    outcome: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram to draw, from 0 to the least of `_ENDS` that leaves nothing out.

    Attributes
    ----------
    bars : list of Bar
    columns : list of (float, str)
        Place and description of each column that holds anything.
    width : float
        Of a column, in percent of the drawing.
    highest : int
        Count that the full height stands for.
    end : int
        Probability that the full width stands for, in percent.
    """

    bars: list[Bar]
    columns: list[tuple[float, str]]
    width: float
    highest: int
    end: int

    def place(self, probability: float) -> float:
        """Where a probability stands, in percent of the drawing."""
        return 10_000 * probability / self.end


@dataclass(frozen=True, slots=True)
class FamilyBar:
    """How many scored rows expect a family."""

    family: str
    name: str
    count: int
    percent: float


def histogram(counts: NDArray[np.int64], base_rate: float | None = None) -> Histogram:
    """Columns of stacked bars, from counts of shape (outcomes, bins) over 0 to 1."""
    of_bin = counts.sum(axis=0).tolist()
    filled = [place for place, count in enumerate(of_bin) if count]
    end = _end(max([*filled, int(100 * (base_rate or 0))], default=0))
    highest, width = max(of_bin), 100 / end
    bars: list[Bar] = []
    for place in filled:
        top = 100.0
        for outcome, count in zip(OUTCOMES, counts[:, place].tolist(), strict=True):
            if count:
                height = 100 * count / highest
                top -= height
                bars.append(Bar(outcome, round(place * width, 3), round(top, 3), round(width, 3), round(height, 3)))
    columns = [(round(place * width, 3), f"{place} to {place + 1} %: {of_bin[place]:,}") for place in filled]
    return Histogram(bars, columns, round(width, 3), highest, end)


def _end(highest_percent: int) -> int:
    return next((end for end in _ENDS if highest_percent < end), _ENDS[-1])


def family_bars(totals: Totals, names: Mapping[str, str]) -> list[FamilyBar]:
    """Families that any row expects, the most frequent first."""
    return [
        FamilyBar(family, names.get(family, family), count, round(100 * count / totals.scored, 2))
        for family, count in totals.families.most_common()
    ]
