"""Define and validate the columns of the requests table and their roles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from imr_ml.errors import SchemaError as SchemaError
from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

FAMILY_SEPARATOR = "|"
CASE_VERSION = "case_version"
"""Column that counts the issues of a case that was decided anew; see `issues`."""


class Role(StrEnum):
    """What a column may be used for. Only a `FEATURE` may reach a model; a `LABEL` is what it learns."""

    ID = "id"
    FEATURE = "feature"
    LABEL = "label"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the requests table; `missing_in` names the sources whose rows may lack a required one."""

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
    Column("source", "text", Role.ID, allowed=("dwc", "dmhc", "sample")),
    Column("file", "text", Role.ID),
    Column("letter_sha256", "text", Role.ID),
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
)

FEATURE_COLUMNS = tuple(column.name for column in COLUMNS if column.role is Role.FEATURE)
REQUIRED_COLUMNS = tuple(column.name for column in COLUMNS if column.required)
_NO_VALUE = ("nan", "NaN", "None", "NaT", "null", "<NA>")
_FAMILIES = "(?:{0})(?:[|](?:{0}))*".format("|".join(FAMILIES))
LABEL_COLUMNS = tuple(column.name for column in COLUMNS if column.role is Role.LABEL)


def require_columns(frame: pd.DataFrame, names: tuple[str, ...], source: str) -> None:
    """Check that the table has these columns.

    Raises
    ------
    SchemaError
        Naming the columns that are missing and those found, or those that stand twice.
    """
    twice = sorted(map(str, frame.columns[frame.columns.duplicated()]))
    if twice:
        raise SchemaError(f"{source}: column(s) stand twice: {', '.join(twice)}; keep one of each")
    missing = [name for name in names if name not in frame.columns]
    if missing:
        found = ", ".join(map(str, list(frame.columns)[:30])) or "none"
        raise SchemaError(f"{source}: lacks column(s) {', '.join(missing)}; found: {found}")


def validate_requests(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Requests table with its known columns in their types; other columns pass through untouched.

    Raises
    ------
    SchemaError
        For a required column that is missing and for values that a column can't hold; names columns and counts,
        never values.
    """
    require_columns(frame, REQUIRED_COLUMNS, source)
    table = typed(frame)
    reasons = row_errors(frame, table).dropna()
    if len(reasons):
        summary = "; ".join(f"{reason} ({count} row(s))" for reason, count in reasons.value_counts().items())
        raise SchemaError(f"{source}: {summary}; mend or remove these rows")
    return table


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its known columns converted; what can't be converted becomes missing (see `row_errors`)."""
    import pandas as pd

    converted: dict[str, pd.Series] = {}
    for column in COLUMNS:
        if column.name not in frame.columns:
            continue
        values = frame[column.name]
        if column.kind == "date":
            converted[column.name] = _dates(values)
        elif column.kind == "number":
            numbers = pd.to_numeric(values, errors="coerce").astype("float64")
            converted[column.name] = numbers.replace([float("inf"), float("-inf")], float("nan"))
        else:
            text = values.astype("string").str.strip()
            converted[column.name] = text.mask(text.isin(["", *_NO_VALUE]))
    if "sex" in converted:
        lowered = converted["sex"].str.lower()
        converted["sex"] = lowered.replace({"m": "male", "f": "female"})
    return frame.assign(**converted)


def _dates(values: pd.Series) -> pd.Series:
    """Dates as written, whatever their time zone; a bare number is none, as it may count from any day."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        parsed = values
    elif pd.api.types.is_numeric_dtype(values):
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[s]")
    else:
        written = values.astype("string").str.replace(r"(?<=\d)(?:Z|[+-]\d{2}:?\d{2})$", "", regex=True)
        parsed = pd.to_datetime(written, errors="coerce", format="mixed")
    dates: pd.Series = parsed.dt.tz_localize(None).astype("datetime64[s]")
    return dates


def row_errors(frame: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Why each row can't be used, missing where it can: shape (rows,).

    Parameters
    ----------
    frame : DataFrame
        The table as it came.
    table : DataFrame
        The same after `typed`.
    """
    import pandas as pd

    reasons = pd.Series(pd.NA, index=table.index, dtype="string")
    for column in COLUMNS:
        if column.kind in ("date", "number") and column.name in table.columns:
            lost = table[column.name].isna() & _given(frame[column.name])
            reasons = reasons.mask(lost & reasons.isna(), f"{column.name} is not a {column.kind}")
        if column.missing_in and column.name in table.columns:
            lacks = table[column.name].isna() & ~_of_sources(table, column.missing_in)
            reasons = reasons.mask(lacks & reasons.isna(), f"{column.name} is empty")
    for column in COLUMNS:
        if column.name in table.columns:
            for failed, reason in _failures(column, table[column.name]):
                reasons = reasons.mask(failed & reasons.isna(), f"{column.name} {reason}")
    return reasons


def _failures(column: Column, values: pd.Series) -> Iterator[tuple[pd.Series, str]]:
    """Rows of a typed column that break its rules, with the reason."""
    if column.required and not column.missing_in:
        yield values.isna(), "is empty"
    given = values.notna()
    if column.kind == "families":
        yield given & ~values.str.fullmatch(_FAMILIES).fillna(value=False), "names an unknown guideline family"
    if column.allowed:
        yield given & ~values.isin(column.allowed), "is not one of the allowed values"


def _of_sources(table: pd.DataFrame, sources: tuple[str, ...]) -> pd.Series:
    import pandas as pd

    if "source" not in table.columns:
        return pd.Series(data=False, index=table.index)
    return table["source"].isin(sources)


def _given(values: pd.Series) -> pd.Series:
    text = values.astype("string").str.strip()
    return text.notna() & ~text.isin(["", *_NO_VALUE])


def families_of(value: object) -> tuple[str, ...]:
    """Families of a table cell such as ``"acoem|odg"``; empty where the cell is missing."""
    return tuple(part for part in str(value).split(FAMILY_SEPARATOR) if part) if isinstance(value, str) else ()
