"""Write the batch report page from scored chunks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import SectionView
from imr_ml.nlp.views import category_of_view, view_sections
from imr_ml.reporting import names
from imr_ml.reporting.batch_page.totals import ReportFacts, Totals, family_bars, histogram
from imr_ml.reporting.pages import BATCH_PAGE, page_resource, write_html

if TYPE_CHECKING:
    import pandas as pd


LONGEST_TEXT = 50_000
"""Maximum characters of a text on the page; the scored file contains the full text."""
MOST_CHARACTERS = 50_000_000
"""Characters of texts and evidence after which no rows are added, as the browser must hold them in memory."""
_TEXTS = ("request", "clinical_summary", "ur_guideline")
_BACKGROUND = ("category", "age", "sex", "ur_denial_date")
_NAMED = {"treatments": "treatment", "body_parts": "body"}
"""Field -> kind of the facts in the request that it lists."""
_PREDICTIONS = ("p_overturned", "outcome_pred", "confident", "primary_family", "families_pred", "acoem_chapter")
_NOTES = ("error", "warnings", "precedents_reason", "in_training")
_COHORT = ("cohort_rate", "cohort_low", "cohort_high", "cohort_requests", "cohort_tier", "cohort_reason")
_JSON = ("evidence", "precedents")
_PROBABILITIES = tuple(f"p_{family}" for family in FAMILIES)
_COLUMNS = ("case_number", "item", "file", *_TEXTS, *_BACKGROUND, *_PREDICTIONS, *_NOTES, *_COHORT, *_JSON)
FIELDS = (*_COLUMNS, *_NAMED, "p_families")
_DIGITS = 6
MOST_ROWS = 5_000
# In order of their dependencies.
_SCRIPTS = ("dom.js", "places.js", "rows.js", "table.js", "evidence.js", "panel.js", "main.js")


@dataclass(slots=True)
class PageRows:
    """Rows of the page.

    Attributes
    ----------
    limit : int
        Maximum number of rows.
    rows : list of list
        Values in the order of `FIELDS`; a text is replaced by its index in `texts`, or None.
    texts : list of str
        Distinct texts, as the requests of a case can share them.
    cut : list of int
        Indexes of texts that were truncated to `LONGEST_TEXT`.
    """

    limit: int
    rows: list[list[Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    _indexes: dict[str, int] = field(default_factory=dict)
    _characters: int = 0

    def add(self, chunk: pd.DataFrame, facts: ReportFacts) -> None:
        """Add rows from the start of a chunk until the page is full."""
        if self._is_full:
            return
        head = chunk.iloc[: self.limit - len(self.rows)]
        columns = [_values(head, facts.column(name)) for name in _COLUMNS]
        views = list(view_sections(str(request or "") for request in columns[_COLUMNS.index("request")]))
        category = _COLUMNS.index("category")
        columns[category] = [
            value or (category_of_view(view) if view.tokens else None)
            for value, view in zip(columns[category], views, strict=True)
        ]
        columns += [_join_facts(views, kind) for kind in _NAMED.values()]
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
                yield self._add_text(str(value))
            elif name in _JSON:
                self._characters += len(value)
                yield json.loads(value)
            else:
                yield value

    def _add_text(self, text: str) -> int:
        """Add a text if it is new; return its index."""
        shown = text[:LONGEST_TEXT]
        index = self._indexes.setdefault(shown, len(self.texts))
        if index == len(self.texts):
            self.texts.append(shown)
            self._characters += len(shown)
            if len(text) > LONGEST_TEXT:
                self.cut.append(index)
        return index


def _join_facts(views: list[SectionView], kind: str) -> list[str | None]:
    """Join the facts of a kind in each request with ``|``; None if there are none."""
    return ["|".join(dict.fromkeys(fact.value for fact in view.facts if fact.kind == kind)) or None for view in views]


def _values(frame: pd.DataFrame, name: str) -> list[Any]:
    """Return a column's values as JSON values; all None if the column is missing."""
    if name not in frame:
        return [None] * len(frame)
    return [_to_json(value) for value in frame[name].astype("object").where(frame[name].notna(), None)]


def _to_json(value: Any) -> Any:
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


def write_report(chunks: Iterable[pd.DataFrame], target: Path, facts: ReportFacts, *, limit: int = MOST_ROWS) -> None:
    """Write a scored batch as one HTML page.

    Parameters
    ----------
    chunks : iterable of DataFrame
        The scored rows in order: the user's columns, then those that scoring adds. ``evidence`` and ``precedents`` are
        JSON; they and the families are optional.
    target : Path
        Written atomically.
    facts : ReportFacts
    limit : int, default 5,000
        The page contains the first rows up to this number; its figures count all rows.

    Raises
    ------
    OSError
        If the file can't be written.
    """
    totals, page = Totals(), PageRows(limit)
    for chunk in chunks:
        totals.add(chunk, facts)
        page.add(chunk, facts)
    write_html(
        target,
        BATCH_PAGE,
        "page",
        ["\n".join(map(page_resource, _SCRIPTS))],
        _data(totals, page, facts),
        facts=facts,
        totals=totals,
        on_page=len(page.rows),
        histogram=histogram(totals.histogram, facts.base_rate),
        families=family_bars(totals),
    )


def _data(totals: Totals, page: PageRows, facts: ReportFacts) -> dict[str, Any]:
    return {
        "fields": FIELDS,
        "rows": page.rows,
        "texts": page.texts,
        "cut": page.cut,
        "longest_text": LONGEST_TEXT,
        "families": FAMILIES,
        "names": names.PAGE_NAMES,
        "is_sample": facts.is_sample_model or totals.sample_rows > 0,
        "mean_p": totals.mean_p,
    }
