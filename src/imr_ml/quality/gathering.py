"""What checks flag, chunk by chunk -> findings, each with how many rows it is in and the first of its places.

Knows findings and the form of case numbers. Holds no text of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imr_ml.quality.settings import Settings
from imr_ml.quality.types import Finding, Flagged, Level, Place

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MOST_PLACES = 1000
"""Places that a finding keeps."""
# Anything else in that column, as a name or a Social Security number, is not shown.
_CASE_NUMBER = re.compile(r"[A-Z]{1,5}\d{2,4}-\d{4,8}")
_Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class _Mark:
    row: int
    column: str | None
    span: tuple[int, int] | None
    like: int | None


@dataclass(slots=True)
class Gathered:
    """What was found so far."""

    settings: Settings
    _rows: dict[_Key, int] = field(default_factory=dict)
    _marks: dict[_Key, list[_Mark]] = field(default_factory=dict)

    def say(self, kind: str, says: str) -> None:
        """Take a finding about the whole table."""
        self._rows.setdefault((kind, says), 0)

    def add(self, first_row: int, flagged: Iterable[Flagged], like: NDArray[np.int64] | None = None) -> None:
        """Take what was flagged in a chunk.

        Parameters
        ----------
        first_row : int
            Of the chunk within the table, counted from 0.
        flagged : iterable of Flagged
        like : (n,) int, optional
            For each of the rows one that it is like; -1 for none.
        """
        found: dict[_Key, set[int]] = {}
        for each in flagged:
            if len(each.rows):
                key = (each.kind, each.says)
                found.setdefault(key, set()).update(each.rows.tolist())
                self._mark(key, first_row, each, like)
        for key, rows in found.items():
            self._rows[key] = self._rows.get(key, 0) + len(rows)

    def findings(self, identities: pd.DataFrame) -> tuple[Finding, ...]:
        """All of them, the worst level and the most rows first.

        Parameters
        ----------
        identities : DataFrame
            ``case_number`` and ``item`` of every row of the table.
        """
        levels = list(Level)
        findings = (self._finding(key, rows, identities) for key, rows in self._rows.items())
        return tuple(sorted(findings, key=lambda one: (levels.index(one.level), -one.rows, one.kind)))

    def _mark(self, key: _Key, first_row: int, flagged: Flagged, like: NDArray[np.int64] | None) -> None:
        marks = self._marks.setdefault(key, [])
        for place, row in enumerate(flagged.rows[: MOST_PLACES - len(marks)].tolist()):
            span = flagged.spans[place] if flagged.spans else None
            other = int(like[place]) if like is not None and like[place] >= 0 else None
            marks.append(_Mark(first_row + row, flagged.column, span, other))

    def _finding(self, key: _Key, rows: int, identities: pd.DataFrame) -> Finding:
        kind, says = key
        entry = self.settings.entry(kind)
        marks = sorted(self._marks.get(key, ()), key=lambda mark: (mark.row, mark.column or "", mark.span or (0, 0)))
        places = tuple(_place(mark, identities) for mark in marks)
        return Finding(kind, entry.level, says or entry.says, entry.mend, rows, places)


def _place(mark: _Mark, identities: pd.DataFrame) -> Place:
    item = identities["item"].iloc[mark.row]
    start, end = mark.span or (None, None)
    case, like = _case(mark.row, identities), None
    if mark.like is not None:
        other = _case(mark.like, identities)
        like = f"row {mark.like + 1}" if other in (None, case) else other
    return Place(
        row=mark.row + 1,
        case_number=case,
        item=int(item) if item == item and item % 1 == 0 else None,
        column=mark.column,
        start=start,
        end=end,
        like=like,
    )


def _case(row: int, identities: pd.DataFrame) -> str | None:
    number = identities["case_number"].iloc[row]
    return number if isinstance(number, str) and _CASE_NUMBER.fullmatch(number) else None
