"""Define and validate the columns of the requests table and their roles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import numpy as np

from imr_ml.corpus.cells import FAMILY_SEPARATOR as FAMILY_SEPARATOR
from imr_ml.corpus.cells import parse_choices, parse_families, parse_names, parse_numbers, parse_text
from imr_ml.corpus.dates import DateStyle, infer_styles, parse_dates
from imr_ml.corpus.spellings import parse_outcomes
from imr_ml.errors import SchemaError as SchemaError
from imr_ml.nlp.types import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imr_ml.corpus.cells import Mask

WARNING_SEPARATOR = "; "
CASE_VERSION = "case_version"
"""Column that numbers the issues of a case that was decided more than once; see `issues`."""


SAMPLE_SOURCE, OWN_SOURCE = "sample", "own"
OFFICIAL_SOURCES = ("dwc", "dmhc")
"""Sources of published decisions. Any other source except the sample corpus is the user's own (`OWN_SOURCE`)."""


def source_kind(source: str) -> Literal["sample", "own", "real"]:
    """Classify a source as invented ("sample"), the user's own ("own") or published ("real")."""
    if source == SAMPLE_SOURCE:
        return "sample"
    return "real" if source in OFFICIAL_SOURCES else "own"


class Role(StrEnum):
    """How a column may be used. Only a `FEATURE` may reach a model; a `LABEL` is a training target."""

    ID = "id"
    FEATURE = "feature"
    LABEL = "label"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the requests table; `missing_in` lists the sources whose rows may lack a required column."""

    name: str
    kind: Literal["text", "date", "number", "families"]
    role: Role
    required: bool = False
    allowed: tuple[str, ...] = ()
    missing_in: tuple[str, ...] = ()


COLUMNS = (
    Column("case_number", "text", Role.ID),
    Column("item", "number", Role.ID),
    Column(CASE_VERSION, "number", Role.ID),
    Column("source", "text", Role.ID),
    Column("file", "text", Role.ID),
    Column("letter_sha256", "text", Role.ID),
    Column("text_from", "text", Role.ID, allowed=("text", "ocr")),
    Column("request", "text", Role.FEATURE, required=True),
    Column("clinical_summary", "text", Role.FEATURE, required=True, missing_in=("dmhc",)),
    Column("ur_guideline", "text", Role.FEATURE),
    Column("ur_families", "families", Role.FEATURE),
    Column("date_of_injury", "date", Role.FEATURE),
    Column("ur_denial_date", "date", Role.FEATURE),
    Column("application_received", "date", Role.FEATURE),
    Column("items_in_case", "number", Role.FEATURE),
    Column("age", "number", Role.FEATURE),
    Column("sex", "text", Role.FEATURE, allowed=("female", "male")),
    Column("category", "text", Role.FEATURE, allowed=CATEGORIES),
    Column("diagnosis_category", "text", Role.FEATURE),
    Column("diagnosis", "text", Role.FEATURE),
    Column("treatment_category", "text", Role.FEATURE),
    Column("treatment", "text", Role.FEATURE),
    Column("review_type", "text", Role.FEATURE),
    Column("age_band", "text", Role.FEATURE),
    Column("outcome", "text", Role.LABEL, allowed=("upheld", "overturned")),
    Column("families", "families", Role.LABEL),
    Column("imr_guideline", "text", Role.REST),
    Column("rationale", "text", Role.REST),
    Column("decision_date", "date", Role.REST),
    Column("decision_year", "number", Role.REST),
    Column("specialties", "text", Role.REST),
    Column("letter_warnings", "text", Role.REST),
)

FEATURE_COLUMNS = tuple(column.name for column in COLUMNS if column.role is Role.FEATURE)
REQUIRED_COLUMNS = tuple(column.name for column in COLUMNS if column.required)
LABEL_COLUMNS = tuple(column.name for column in COLUMNS if column.role is Role.LABEL)


def require_columns(columns: Sequence[str], names: tuple[str, ...], source: str) -> None:
    """Check that a table has all required columns and no duplicates.

    Parameters
    ----------
    columns : sequence of str
        Columns of the table.
    names : tuple of str
        Required columns.
    source : str
        Name of the input in errors.

    Raises
    ------
    SchemaError
        If a required column is missing or a column name is repeated.
    """
    repeated = sorted(str(name) for name, times in Counter(columns).items() if times > 1)
    if repeated:
        raise SchemaError(f"{source}: duplicate column(s): {', '.join(repeated)}; remove or rename the copies")
    missing = [name for name in names if name not in columns]
    if missing:
        found = ", ".join(map(str, columns[:30])) or "none"
        raise SchemaError(f"{source}: lacks column(s) {', '.join(missing)}; found: {found}")


@dataclass(frozen=True, slots=True)
class ParsedRequests:
    """A table whose known columns have been converted to their types.

    Attributes
    ----------
    table : DataFrame
        Other columns are unchanged.
    warnings : Series of string
        Cells of each row that could not be parsed, e.g. ``"date_of_injury: not a date"``; missing if there are none.
    """

    table: pd.DataFrame
    warnings: pd.Series


def validate_requests(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Convert the known columns of a requests table to their types and check its rows.

    Parameters
    ----------
    frame : DataFrame
        Other columns are unchanged.
    source : str
        Name of the table in errors.

    Raises
    ------
    SchemaError
        If a required column is missing, or a row has no request or no summary. The message contains column names and
        counts, never values.
    """
    require_columns(list(frame.columns), REQUIRED_COLUMNS, source)
    table = typed(frame, infer_styles(frame, source))
    reasons = row_errors(table).dropna()
    if len(reasons):
        summary = "; ".join(f"{reason} ({count} row(s))" for reason, count in reasons.value_counts().items())
        raise SchemaError(f"{source}: {summary}; fix or remove these rows")
    return table


def typed(frame: pd.DataFrame, styles: Mapping[str, DateStyle] | None = None) -> pd.DataFrame:
    """Convert the known columns of a table; cells that can't be converted become missing."""
    return parse_requests(frame, styles).table


def parse_requests(
    frame: pd.DataFrame, styles: Mapping[str, DateStyle] | None = None, last_year: int | None = None
) -> ParsedRequests:
    """Convert the known columns of a table, and report the cells that could not be parsed.

    Parameters
    ----------
    frame : DataFrame
    styles : mapping of str to DateStyle, optional
        Format of each date column; default: month first.
    last_year : int, optional
        Latest year of a valid date; default: the current year.
    """
    import pandas as pd

    converted: dict[str, pd.Series] = {}
    messages = np.full(len(frame), "", dtype=object)
    for column in COLUMNS:
        if column.name not in frame.columns:
            continue
        style = (styles or {}).get(column.name)
        values, unread, expected = _parse_column(column, frame[column.name], style, last_year)
        converted[column.name] = values
        if column.role is not Role.LABEL and unread is not None and unread.any():
            messages[unread] += f"{WARNING_SEPARATOR}{column.name}: {expected}"
    warnings = [message[len(WARNING_SEPARATOR) :] or None for message in messages]
    return ParsedRequests(frame.assign(**converted), pd.Series(warnings, index=frame.index, dtype="string"))


def count_warnings(warnings: pd.Series) -> Counter[str]:
    """Count the rows that have each warning of `ParsedRequests`."""
    return Counter(warning for cell in warnings.dropna() for warning in cell.split(WARNING_SEPARATOR))


def _parse_column(
    column: Column, values: pd.Series, style: DateStyle | None, last_year: int | None
) -> tuple[pd.Series, Mask | None, str]:
    """Parse a column; return its values, a mask of unreadable cells (None if there is none), and what was expected."""
    if column.kind == "date":
        return *parse_dates(values, style, last_year), "not a date"
    if column.kind == "number":
        return *parse_numbers(values, column.name), "not a valid number"
    if column.kind == "families":
        return parse_families(values), None, ""
    if column.name == "source":
        return *parse_names(values), "not a short one-word name"
    if column.name == "outcome":
        return parse_outcomes(values), None, ""
    if column.allowed:
        return *parse_choices(values, column.name, column.allowed), f"not one of {len(column.allowed)} known values"
    return parse_text(values), None, ""


def row_errors(table: pd.DataFrame) -> pd.Series:
    """Reason why each row of a typed table can't be used, missing if it can: shape (rows,)."""
    import pandas as pd

    reasons = np.full(len(table), "", dtype=object)
    for column in COLUMNS:
        if column.required and column.name in table.columns:
            lacks = table[column.name].isna().to_numpy(dtype=bool)
            if column.missing_in and "source" in table.columns:
                lacks = lacks & ~table["source"].isin(column.missing_in).to_numpy(dtype=bool)
            reasons[lacks & (reasons == "")] = f"{column.name} is empty"
    return pd.Series([reason or None for reason in reasons], index=table.index, dtype="string")


def families_of(value: object) -> tuple[str, ...]:
    """Split a table cell such as ``"acoem|odg"`` into families; empty if the cell is missing."""
    return tuple(part for part in str(value).split(FAMILY_SEPARATOR) if part) if isinstance(value, str) else ()
