"""Collect the rows of the batch report page as JSON, and draw its figures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import SectionView
from imr_ml.nlp.views import category_of_view, view_sections
from imr_ml.reporting.batch_page.facts import ReportFacts
from imr_ml.reporting.batch_page.totals import OUTCOMES, Totals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


LONGEST_TEXT = 50_000
"""Characters of a text that are on the page; the scored file holds them all."""
MOST_CHARACTERS = 50_000_000
"""Characters of texts and evidence after which a page takes no more rows: a browser has to hold them."""
_TEXTS = ("request", "clinical_summary", "ur_guideline")
_BACKGROUND = ("category", "age", "sex", "ur_denial_date")
_NAMED = {"treatments": "treatment", "body_parts": "body"}
"""Fields with what a request names, and the kinds of facts that they list."""
_SAID = ("p_overturned", "outcome_pred", "confident", "primary_family", "families_pred", "acoem_chapter")
_NOTES = ("error", "warnings", "precedents_reason", "in_training")
_COHORT = ("cohort_rate", "cohort_low", "cohort_high", "cohort_requests", "cohort_tier", "cohort_reason")
_JSON = ("evidence", "precedents")
_PROBABILITIES = tuple(f"p_{family}" for family in FAMILIES)
_COLUMNS = ("case_number", "item", "file", *_TEXTS, *_BACKGROUND, *_SAID, *_NOTES, *_COHORT, *_JSON)
FIELDS = (*_COLUMNS, *_NAMED, "p_families")
_DIGITS = 6


@dataclass(slots=True)
class PageRows:
    """Rows taken so far.

    Attributes
    ----------
    limit : int
        Rows to take at most.
    rows : list of list
        Values in the order of `FIELDS`; a text is its place in `texts`, or None.
    texts : list of str
        Each once, however many requests of a case share it.
    cut : list of int
        Places of texts that were longer than `LONGEST_TEXT`.
    """

    limit: int
    rows: list[list[Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _characters: int = 0

    def add(self, chunk: pd.DataFrame, facts: ReportFacts) -> None:
        """Take rows from the beginning of a chunk until the page is full."""
        if self._is_full:
            return
        head = chunk.iloc[: self.limit - len(self.rows)]
        columns = [_values(head, facts.column(name)) for name in _COLUMNS]
        views = list(view_sections(str(request or "") for request in columns[_COLUMNS.index("request")]))
        place = _COLUMNS.index("category")
        columns[place] = [
            given or (category_of_view(view) if view.tokens else None)
            for given, view in zip(columns[place], views, strict=True)
        ]
        columns += [_facts_of_kind(views, kind) for kind in _NAMED.values()]
        probabilities = zip(*(_values(head, name) for name in _PROBABILITIES), strict=True)
        for row, by_family in zip(zip(*columns, strict=True), probabilities, strict=True):
            if self._is_full:
                break
            self.rows.append([*self._cells(row), None if by_family[0] is None else list(by_family)])

    @property
    def _is_full(self) -> bool:
        return len(self.rows) >= self.limit or self._characters >= MOST_CHARACTERS

    def _cells(self, row: tuple[Any, ...]) -> Iterator[Any]:
        for name, value in zip((*_COLUMNS, *_NAMED), row, strict=True):
            if value is None:
                yield None
            elif name in _TEXTS:
                yield self._place(str(value))
            elif name in _JSON:
                self._characters += len(value)
                yield json.loads(value)
            else:
                yield value

    def _place(self, text: str) -> int:
        kept = text[:LONGEST_TEXT]
        place = self._places.setdefault(kept, len(self.texts))
        if place == len(self.texts):
            self.texts.append(kept)
            self._characters += len(kept)
            if len(text) > LONGEST_TEXT:
                self.cut.append(place)
        return place


def _facts_of_kind(views: list[SectionView], kind: str) -> list[str | None]:
    """What each request names of a kind, joined by ``|``."""
    return ["|".join(dict.fromkeys(fact.value for fact in view.facts if fact.kind == kind)) or None for view in views]


def _values(frame: pd.DataFrame, name: str) -> list[Any]:
    """A column's values as JSON knows them; None where it is missing."""
    if name not in frame:
        return [None] * len(frame)
    return [_plain(value) for value in frame[name].astype("object").where(frame[name].notna(), None)]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else round(value, _DIGITS)
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    if isinstance(value, str):
        return value
    return value if value is None or isinstance(value, bool | int) else str(value)


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
