"""Define and validate the columns of the requests table and their roles."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from imr_ml.errors import SchemaError as SchemaError
from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import CATEGORIES

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema

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
_FAILED = {"not_nullable": "is empty"}
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
    try:
        # The failures are told by index, so it must name each row once.
        _schema().validate(table.reset_index(drop=True), lazy=True)
    except _pandera().errors.SchemaErrors as errors:
        for case in errors.failure_cases.itertuples():
            if case.index is not None and pd.isna(reasons.iloc[case.index]):
                reasons.iloc[case.index] = f"{case.column} {_FAILED.get(str(case.check), case.check)}"
    return reasons


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


@cache
def _schema() -> DataFrameSchema:
    pandera = _pandera()
    one_of = "|".join(FAMILIES)
    families = pandera.Check.str_matches(
        rf"^(?:{one_of})(?:\|(?:{one_of}))*$", error="names an unknown guideline family"
    )
    kinds: dict[str, object] = {
        "text": "string",
        "families": "string",
        "number": "float64",
        "date": "datetime64[s]",
    }
    schema: DataFrameSchema = pandera.DataFrameSchema(
        {
            column.name: pandera.Column(
                kinds[column.kind],
                checks=[
                    *([families] if column.kind == "families" else []),
                    *(
                        [pandera.Check.isin(column.allowed, error="is not one of the allowed values")]
                        if column.allowed
                        else []
                    ),
                ],
                nullable=not column.required or bool(column.missing_in),
                required=column.required,
            )
            for column in COLUMNS
        }
    )
    return schema


@cache
def _pandera() -> ModuleType:
    """Pandera, kept from loading PySpark where that is installed, and from setting the host that Spark binds to."""
    hidden = "pyspark.pandas" if "pyspark" in sys.modules else "pyspark"
    before = dict(os.environ)
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules.setdefault(hidden, None)
    try:
        # The checks look for PySpark once more, when the first schema is made.
        import_module("pandera.backends.pandas.builtin_checks")
        return import_module("pandera.pandas")
    finally:
        if modules[hidden] is None:
            del modules[hidden]
        for name in os.environ.keys() - before:
            del os.environ[name]
