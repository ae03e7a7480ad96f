"""Data types of a quality report: findings with their places, shares by source and counts by year.

They contain no text of a table: findings and places do not quote cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imr_ml.quality.settings import Settings

MOST_PLACES = 1000
"""Number of places that are recorded for a finding."""
# Other text in that column, such as a name or a Social Security number, is not shown.
_CASE_NUMBER = re.compile(r"[A-Z]{1,5}\d{2,4}-\d{4,8}")


class Level(StrEnum):
    """Levels of findings, the most serious first."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a table.

    Attributes
    ----------
    row : int
        Counted from 1, without the header.
    case_number : str or None
        None if missing or not in a known form.
    column : str or None
        None if the finding is about the whole row.
    start, end : int or None
        Half-open span of characters in the cell as in the table; None if the finding is about the whole cell.
    like : str or None
        Case number or row that this row repeats or resembles.
    """

    row: int
    case_number: str | None = None
    item: int | None = None
    column: str | None = None
    start: int | None = None
    end: int | None = None
    like: str | None = None

    def __str__(self) -> str:
        """Format as ``CM16-0213037 item 2, rationale 120-131``."""
        item = "" if self.item is None else f" item {self.item}"
        span = "" if self.start is None else f" {self.start}-{self.end}"
        column = "" if self.column is None else f", {self.column}{span}"
        like = "" if self.like is None else f", like {self.like}"
        return f"{self.case_number or f'row {self.row}'}{item}{column}{like}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind of problem and the rows that have it.

    Attributes
    ----------
    kind : str
        Name in `checks.toml` or `identifiers.toml`.
    says : str
        The problem.
    mend : str
        What to do about it.
    rows : int
        Number of rows with the problem; 0 for a problem of the whole table.
    places : tuple of Place
        The first `MOST_PLACES`, in the order of the table.
    """

    kind: str
    level: Level
    says: str
    mend: str
    rows: int
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceBalance:
    """Outcomes of the requests of a source.

    Attributes
    ----------
    share : float or None
        Share of the decided requests that are overturned; None if none is decided.
    low, high : float or None
        95 % Wilson interval of the share; it treats requests as independent, although those of a case are not.
    published : tuple of (float, float) or None
        Lowest and highest yearly share that the publisher reports.
    """

    source: str
    requests: int
    decided: int
    overturned: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    published: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class YearCount:
    """Decided requests of a year."""

    year: int
    upheld: int
    overturned: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Result of a check.

    Attributes
    ----------
    table : str
        Name of the file.
    findings : tuple of Finding
        The most serious first.
    sources : tuple of SourceBalance
        The largest first.
    years : tuple of YearCount
        From the first to the last year with a decision.
    """

    table: str
    rows: int
    cases: int
    findings: tuple[Finding, ...]
    sources: tuple[SourceBalance, ...]
    years: tuple[YearCount, ...]

    @property
    def levels(self) -> dict[Level, int]:
        """Number of findings of each level."""
        return {level: sum(finding.level is level for finding in self.findings) for level in Level}

    @property
    def has_errors(self) -> bool:
        """Whether the table must be corrected before use."""
        return self.levels[Level.ERROR] > 0


class Findings:
    """Collects findings while a table is read in chunks."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._flagged: dict[tuple[str, str], tuple[list[NDArray[np.int64]], list[Place]]] = {}

    def add(
        self,
        kind: str,
        rows: NDArray[np.int64],
        identities: pd.DataFrame,
        column: str | None = None,
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        like: NDArray[np.int64] | None = None,
        says: str | None = None,
    ) -> None:
        """Add rows to a finding.

        Parameters
        ----------
        kind : str
            Name in the settings.
        rows : (n,) int
            Row numbers in the table, from 0. A repeated row counts once.
        identities : DataFrame
            ``case_number`` and ``item`` by row number.
        column : str, optional
            Column of the problem.
        spans : sequence of (int, int), optional
            Span of characters in the cell, one per element of `rows`.
        like : (n,) int, optional
            Number of the row that each row repeats or resembles.
        says : str, optional
            Description that replaces the one in the settings.
        """
        if not len(rows):
            return
        parts, places = self._flagged.setdefault((kind, says or self.settings.entry(kind).says), ([], []))
        parts.append(rows)
        for at, row in enumerate(rows[: MOST_PLACES - len(places)].tolist()):
            case, item = _case_number(identities, row), identities["item"].loc[row]
            number = int(item) if item == item and item % 1 == 0 else None
            start, end = spans[at] if spans else (None, None)
            other = None if like is None else _other_row(identities, case, int(like[at]))
            places.append(Place(row + 1, case, number, column, start, end, other))

    def add_for_table(self, kind: str, says: str) -> None:
        """Add a finding about the whole table."""
        self._flagged.setdefault((kind, says), ([], []))

    def sorted(self) -> tuple[Finding, ...]:
        """Return all findings, the most serious and those with most rows first."""
        levels = list(Level)
        findings = [self._finding(*key) for key in self._flagged]
        return tuple(sorted(findings, key=lambda finding: (levels.index(finding.level), -finding.rows, finding.kind)))

    def _finding(self, kind: str, says: str) -> Finding:
        entry, (parts, places) = self.settings.entry(kind), self._flagged[kind, says]
        places.sort(key=lambda place: (place.row, place.column or "", place.start or 0, place.end or 0))
        rows = len(np.unique(np.concatenate(parts))) if parts else 0
        return Finding(kind, entry.level, says, entry.mend, rows, tuple(places))


def _other_row(identities: pd.DataFrame, case: str | None, row: int) -> str:
    """Identify another row by its case number, or by its number if it is of the same case."""
    other = _case_number(identities, row)
    return f"row {row + 1}" if other in (None, case) else str(other)


def _case_number(identities: pd.DataFrame, row: int) -> str | None:
    number = identities["case_number"].loc[row]
    return number if isinstance(number, str) and _CASE_NUMBER.fullmatch(number) else None
