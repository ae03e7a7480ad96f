"""Check single rows: types, texts, families, age."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, row_errors
from imr_ml.corpus.table import joined_families
from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.types import Family
from imr_ml.nlp.demographics import demographics
from imr_ml.quality.settings import Settings
from imr_ml.quality.types import Finding, Flagged, Level, Place, Rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


_NAMES = tuple(column.name for column in COLUMNS)
_UNKNOWN_FAMILY = "unknown guideline family"
_CITES_NONE_ITSELF = (Family.OTHER.value, Family.NONE.value)
_REVIEWED_BY_LETTER = ("dwc", "sample")


def schema_errors(rows: Rows) -> Iterator[Flagged]:
    """Rows that validation refuses, by its reason."""
    reasons = row_errors(rows.typed).reset_index(drop=True).dropna()
    for reason, where in reasons.groupby(reasons).groups.items():
        column, _, rest = str(reason).partition(" ")
        named = column if column in _NAMES else None
        kind = "family_unknown" if _UNKNOWN_FAMILY in rest else "schema"
        yield Flagged(kind, where.to_numpy(), named, says=str(reason))


def text_flaws(rows: Rows, settings: Settings) -> Iterator[Flagged]:
    """Items without text, and texts of a length that no reader leaves."""
    fewest, most = settings.thresholds.request_characters
    request = rows.column("request").astype("string")
    letters = request.str.count(r"[^\W_]")
    yield Flagged.where(letters < fewest, "no_request", "request")
    yield Flagged.where(request.str.len() > most, "long_request", "request")
    summary = rows.column("clinical_summary").astype("string")
    by_letter = rows.column("source").isin(_REVIEWED_BY_LETTER)
    words = summary.str.count(r"\w+")
    yield Flagged.where(
        (words < settings.thresholds.summary_words_from) & by_letter, "short_summary", "clinical_summary"
    )
    silent = rows.column("outcome").notna() & rows.column("rationale").isna() & by_letter
    yield Flagged.where(silent, "no_rationale", "rationale")


def family_flaws(rows: Rows) -> Iterator[Flagged]:
    """Families that are missing where the reviewer cites a guideline, or not those that the taxonomy finds in it."""
    for families, guideline in (("families", "imr_guideline"), ("ur_families", "ur_guideline")):
        cited, given = rows.column(guideline), rows.column(families)
        # Missing families of the UR guideline are no flaw: training and scoring read them from it.
        if families == "families":
            yield Flagged.where(given.isna() & cited.notna(), "family_missing", families)
        both = given.notna() & cited.notna()
        if both.any():
            found = _of_each(cited[both], lambda text: joined_families(families_in(text)))
            # A reviewer who finds the administrator's guidelines relevant cites those: the reader takes their families.
            agreed = found.isin(_CITES_NONE_ITSELF) & given.eq(rows.column("ur_families"))
            yield Flagged.where(given.ne(found) & both & ~agreed, "family_differs", families)


def age_flaws(rows: Rows) -> Iterator[Flagged]:
    """Ages that are not what the clinical summary says."""
    import pandas as pd

    age = pd.to_numeric(rows.column("age"))
    if age.isna().all():
        return
    stated_age = pd.to_numeric(_of_each(rows.column("clinical_summary"), lambda text: demographics(text).age_years))
    yield Flagged.where(age.ne(stated_age) & age.notna() & stated_age.notna(), "age_differs", "age")


def _of_each(texts: pd.Series, of_text: Callable[[str], object]) -> pd.Series:
    """What each text gives, worked out once for each that differs; missing where there is none."""
    return texts.map({text: of_text(text) for text in texts.dropna().unique()})


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
