"""Data types of a quality report: findings, levels, shares by source and counts by year.

Holds no text of a table: neither a finding nor a place quotes a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class Level(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a table something stands.

    Attributes
    ----------
    row : int
        Counted from 1, the header not counted.
    case_number : str or None
        None where the table gives none of a known form.
    item : int or None
    column : str or None
        None where the finding is about the row.
    start, end : int or None
        Characters of the cell as it stands in the table, half-open; None where the finding is about the cell.
    like : str or None
        The case number, or row, that this row is like.
    """

    row: int
    case_number: str | None = None
    item: int | None = None
    column: str | None = None
    start: int | None = None
    end: int | None = None
    like: str | None = None

    def __str__(self) -> str:
        """Such as ``CM16-0213037 item 2, rationale 120-131``."""
        item = "" if self.item is None else f" item {self.item}"
        span = "" if self.start is None else f" {self.start}-{self.end}"
        column = "" if self.column is None else f", {self.column}{span}"
        like = "" if self.like is None else f", like {self.like}"
        return f"{self.case_number or f'row {self.row}'}{item}{column}{like}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in however many rows.

    Attributes
    ----------
    kind : str
        As `checks.toml` and `identifiers.toml` name it.
    level : Level
    says : str
        What is found.
    mend : str
        What to do about it.
    rows : int
        Rows that it was found in; 0 where it is about the whole table.
    places : tuple of Place
        The first of them, in the order of the table.
    """

    kind: str
    level: Level
    says: str
    mend: str
    rows: int
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceBalance:
    """How often a source's requests are overturned.

    Attributes
    ----------
    source : str
    requests, decided, overturned : int
    share : float or None
        Overturned among decided; None where none is decided.
    low, high : float or None
        Its 95 % Wilson interval, which takes the requests as independent although a case's requests are not.
    published : tuple of (float, float) or None
        The range of yearly shares that the publisher reports.
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
    """All that a check found.

    Attributes
    ----------
    table : str
        The file's name.
    rows, cases : int
    findings : tuple of Finding
        The worst first.
    sources : tuple of SourceBalance
        The largest first.
    years : tuple of YearCount
        From the first year decided to the last.
    """

    table: str
    rows: int
    cases: int
    findings: tuple[Finding, ...]
    sources: tuple[SourceBalance, ...]
    years: tuple[YearCount, ...]

    @property
    def levels(self) -> dict[Level, int]:
        """Findings of each level."""
        return {level: sum(one.level is level for one in self.findings) for level in Level}

    @property
    def has_errors(self) -> bool:
        """Whether something must be mended before the table is of use."""
        return self.levels[Level.ERROR] > 0


@dataclass(frozen=True, slots=True)
class Rows:
    """A chunk of a table as it came, and with its known columns in their types."""

    raw: pd.DataFrame
    typed: pd.DataFrame

    def column(self, name: str) -> pd.Series:
        """A typed column; all missing where the table lacks it."""
        import pandas as pd

        if name in self.typed:
            return self.typed[name]
        return pd.Series(pd.NA, index=self.typed.index, dtype="string")


@dataclass(frozen=True, slots=True)
class Flagged:
    """Rows of a chunk in which something was found.

    Attributes
    ----------
    kind : str
    rows : (n,) int
        Places of the rows within the chunk; a row may come several times.
    column : str or None
    spans : sequence of (int, int), optional
        For each of the rows, the characters of the cell.
    says : str or None
        In place of what the kind's entry says.
    """

    kind: str
    rows: NDArray[np.int64]
    column: str | None = None
    spans: Sequence[tuple[int, int]] | None = None
    says: str | None = None

    @classmethod
    def where(cls, wrong: pd.Series, kind: str, column: str | None = None) -> Self:
        """The rows for which `wrong` is true; missing is not."""
        return cls(kind, wrong.fillna(value=False).to_numpy(dtype=bool).nonzero()[0], column)

    def without(self, rows: NDArray[np.int64]) -> Self:
        """The same but for some rows of the chunk."""
        import numpy as np

        kept = ~np.isin(self.rows, rows)
        spans = None if self.spans is None else [span for span, keeps in zip(self.spans, kept, strict=True) if keeps]
        return replace(self, rows=self.rows[kept], spans=spans)
