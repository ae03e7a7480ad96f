"""Parse dates from a closed list of complete formats, with one order of day and month per column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from imr_ml.corpus.cells import parse_cells
from imr_ml.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from imr_ml.corpus.cells import Mask
    from imr_ml.tables.table import Table

_TIME = r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
_ISO = re.compile(rf"(?P<year>\d{{4}})([-/.]?)(?P<month>\d{{2}})\2(?P<day>\d{{2}}){_TIME}")
_NUMBERS = re.compile(rf"(?P<first>\d{{1,2}})([-/.])(?P<second>\d{{1,2}})\2(?P<year>\d{{4}}){_TIME}")
_NAMED = (
    re.compile(rf"(?P<name>[A-Za-z]{{3,9}})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){_TIME}"),
    re.compile(rf"(?P<day>\d{{1,2}})[- ](?P<name>[A-Za-z]{{3,9}})\.?,?[- ](?P<year>\d{{4}}){_TIME}"),
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_EXCEL_EPOCH = date(1899, 12, 30)
_FIRST_YEAR = 1900
LAST_YEAR = 2100
"""Latest year accepted where future dates are reported rather than treated as unreadable."""
DATE_COLUMNS = ("date_of_injury", "ur_denial_date", "application_received", "decision_date")
"""Date columns of the requests table."""
Order = Literal["month_first", "day_first"]
_Form = Order | Literal["serial", "other"]


@dataclass(frozen=True, slots=True)
class DateStyle:
    """Format of the dates in one column.

    Attributes
    ----------
    order : {"month_first", "day_first"}
        Order of dates such as 12/06/2015.
    serials : bool
        Whether numbers are Excel day counts. True only if every non-missing cell is such a number.
    """

    order: Order = "month_first"
    serials: bool = False


@dataclass(frozen=True, slots=True)
class DateEvidence:
    """Evidence of a column's date style; add the evidence of several chunks to combine it.

    Attributes
    ----------
    day_first, month_first : int or None
        Row, from 1, of the first cell that can only be in this order.
    serials, others : int
        Number of cells that could be Excel day counts, and of other non-missing cells.
    """

    day_first: int | None = None
    month_first: int | None = None
    serials: int = 0
    others: int = 0

    def __add__(self, later: DateEvidence) -> DateEvidence:
        return DateEvidence(
            later.day_first if self.day_first is None else self.day_first,
            later.month_first if self.month_first is None else self.month_first,
            self.serials + later.serials,
            self.others + later.others,
        )

    def style(self, column: str, source: str) -> DateStyle:
        """Decide on the column's style.

        Raises
        ------
        SchemaError
            If one cell can only be day first and another can only be month first.
        """
        if self.day_first is not None and self.month_first is not None:
            raise SchemaError(
                f"{source}: {column} mixes orders: row {self.day_first} can only be day/month, row {self.month_first} "
                "only month/day; write the column in one order, best as 2015-12-31"
            )
        order: Order = "month_first" if self.day_first is None else "day_first"
        return DateStyle(order, serials=self.serials > 0 and not self.others)


def date_evidence(values: pd.Series, first_row: int = 1) -> DateEvidence:
    """Collect evidence from a column, or from a chunk that starts at row `first_row`."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return DateEvidence(others=int(values.notna().sum()))
    forms, _ = parse_cells(values, _form_of)

    def first_of(form: _Form) -> int | None:
        return forms.index(form) + first_row if form in forms else None

    serials = forms.count("serial")
    others = len(forms) - forms.count(None) - serials
    return DateEvidence(first_of("day_first"), first_of("month_first"), serials, others)


def _form_of(cell: str) -> _Form:
    """Classify one cell; "other" includes dates that could be in either order."""
    if _SERIAL.fullmatch(cell):
        return "serial"
    if match := _NUMBERS.fullmatch(cell):
        first, second = int(match["first"]), int(match["second"])
        if first > 12 >= second:
            return "day_first"
        if second > 12 >= first:
            return "month_first"
    return "other"


def survey_styles(table: Table, columns: Mapping[str, str], rows_at_once: int = 50_000) -> dict[str, DateStyle]:
    """Infer the styles of the date columns of a table on disk, reading it once.

    Parameters
    ----------
    table : Table
    columns : mapping of str to str
        Column of the requests table -> column of this table; must include the date columns.
    rows_at_once : int

    Raises
    ------
    SchemaError
        If a column contradicts itself.
    """
    wanted = {name: columns[name] for name in DATE_COLUMNS if name in columns}
    chunks = table.chunks(rows_at_once, wanted.values()) if wanted else ()
    return styles_of_chunks((chunk.frame for chunk in chunks), wanted, str(table.path))


def styles_of_chunks(frames: Iterable[pd.DataFrame], columns: Mapping[str, str], source: str) -> dict[str, DateStyle]:
    """Infer the styles of the date columns of a table that is read in chunks.

    Parameters
    ----------
    frames : iterable of DataFrame
        The chunks, in order; all of them are read.
    columns : mapping of str to str
        Date column of the requests table -> column of this table.
    source : str
        Name of the table in errors.

    Raises
    ------
    SchemaError
        If a column contradicts itself.
    """
    evidence, rows = dict.fromkeys(columns, DateEvidence()), 0
    for frame in frames:
        for name, column in columns.items():
            evidence[name] += date_evidence(frame[column], rows + 1)
        rows += len(frame)
    return {name: evidence[name].style(name, source) for name in columns}


def infer_styles(frame: pd.DataFrame, source: str) -> dict[str, DateStyle]:
    """Infer the styles of the date columns of a table in memory.

    Raises
    ------
    SchemaError
        If a column contradicts itself.
    """
    return styles_of_chunks([frame], {name: name for name in DATE_COLUMNS if name in frame}, source)


def describe_styles(styles: Mapping[str, DateStyle]) -> list[str]:
    """One phrase for each column whose dates are not month first."""
    return [
        f"{name} is read {'as Excel day numbers' if style.serials else 'day first'}"
        for name, style in styles.items()
        if style != DateStyle()
    ]


def parse_dates(
    values: pd.Series, style: DateStyle | None = None, last_year: int | None = None
) -> tuple[pd.Series, Mask]:
    """Parse the dates of a column, and mark cells that are given but are not dates.

    Parameters
    ----------
    values : Series
    style : DateStyle, optional
        Default: month first.
    last_year : int, optional
        Dates after this year, or before 1900, count as unreadable; default: the current year.

    Returns
    -------
    dates : Series of datetime64[s]
        Midnight of the day as written; times and time zones are dropped.
    unread : (rows,) bool
    """
    import pandas as pd

    style, years = style or DateStyle(), range(_FIRST_YEAR, (last_year or datetime.now(UTC).year) + 1)
    if pd.api.types.is_datetime64_any_dtype(values):
        written = values.dt.tz_localize(None).to_numpy("datetime64[s]")
        in_range = np.isin(written.astype("datetime64[Y]").astype(int) + 1970, years)
        dates = np.where(in_range, written, np.datetime64("NaT"))
        unread = ~np.isnat(written) & ~in_range
    else:
        parsed, unread = parse_cells(values, lambda cell: _parse_date(cell, style, years))
        dates = np.array(parsed, dtype="datetime64[s]")
    return pd.Series(dates, index=values.index, name=values.name), unread


def _parse_date(cell: str, style: DateStyle, years: range) -> date | None:
    """Parse a complete date within these years; None for anything else."""
    if _SERIAL.fullmatch(cell):
        counted = _EXCEL_EPOCH + timedelta(days=int(float(cell)))
        return counted if style.serials and counted.year in years else None
    if match := _ISO.fullmatch(cell):
        parts = match["year"], match["month"], match["day"]
    elif match := _NUMBERS.fullmatch(cell):
        day, month = (
            (match["second"], match["first"]) if style.order == "month_first" else (match["first"], match["second"])
        )
        parts = match["year"], month, day
    elif match := next((found for form in _NAMED if (found := form.fullmatch(cell))), None):
        month_number = _month_number(match["name"].lower())
        parts = match["year"], str(month_number or 0), match["day"]
    else:
        return None
    year, month, day_of_month = map(int, parts)
    try:
        return date(year, month, day_of_month) if year in years else None
    except ValueError:
        return None


def _month_number(name: str) -> int | None:
    places = [place for place, month in enumerate(_MONTHS, 1) if name in (month, month[:3], month[:4])]
    return places[0] if len(places) == 1 else None
