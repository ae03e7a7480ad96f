"""Parse cells as people write them: missing values, numbers, ages, sexes and guideline families.

A cell that cannot be read becomes missing, and the row gets a warning that names the column but never the value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MISSING = frozenset({"", "nan", "nat", "null", "<na>", "n/a", "na", "#n/a", "-", "unknown"})
"""Cells that mean "missing" in every column and any case; ``None`` does so as Python writes it."""
_LONGEST_MISSING = max(map(len, MISSING))
FAMILY_SEPARATOR = "|"
_AGE = re.compile(r"(\d{1,3}(?:\.\d+)?)(?:[\s-]*(?:y/?o|y\.o\.|y|yrs?\.?|years?)(?:[\s-]*old)?)?", re.IGNORECASE)
_LIMITS = {
    "age": (0, 120),
    "item": (1, 10_000),
    "case_version": (1, 10_000),
    "items_in_case": (1, 10_000),
    "decision_year": (1990, 2100),
}
_NAME = re.compile(r"[a-z0-9][\w.-]{0,39}")
_SEXES = {"f": "female", "female": "female", "woman": "female", "m": "male", "male": "male", "man": "male"}


def parse_text(values: pd.Series) -> pd.Series:
    """Text without blanks at its ends; missing where it means so."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values.dtype, pd.ArrowDtype):
        values = values.map(lambda cell: cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell))
    # Arrow's own functions: for a few rows, pandas' take longer than all else that is done with them.
    texts = pc.utf8_trim_whitespace(pa.array((values if values.dtype == "str" else values.astype("string")).array))
    # Lower case of a million summaries takes as long and as much memory as all else.
    places = np.flatnonzero(pc.fill_null(pc.less_equal(pc.utf8_length(texts), _LONGEST_MISSING), fill_value=False))
    if len(places):
        means_missing = np.zeros(len(texts), dtype=bool)
        means_missing[places] = [cell == "None" or cell.lower() in MISSING for cell in texts.take(places).to_pylist()]
        texts = pc.if_else(means_missing, None, texts)
    return pd.Series(pd.array(texts, "string"), index=values.index, name=values.name)


def parse_numbers(values: pd.Series, column: str) -> tuple[pd.Series, pd.Series]:
    """Numbers of a column, and which cells are given but are not numbers that it can hold.

    Parameters
    ----------
    values : Series
    column : str
        Name of the column: ages may have a unit ("38 y/o"), and each column has limits.
    """
    import pandas as pd

    text = parse_text(values)
    if column == "age":
        matched = text.str.fullmatch(_AGE).fillna(value=False)
        numbers = pd.to_numeric(text.where(matched).str.extract(r"^([\d.]+)", expand=False), errors="coerce")
    else:
        numbers = pd.to_numeric(text, errors="coerce")
    read = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    low, high = _LIMITS.get(column, (float("-inf"), float("inf")))
    read = np.where((low <= read) & (read <= high), read, np.nan)
    unread = text.notna().to_numpy(dtype=bool) & np.isnan(read)
    return pd.Series(read, index=values.index, name=values.name), pd.Series(unread, index=values.index)


def parse_choices(values: pd.Series, column: str, allowed: Sequence[str]) -> tuple[pd.Series, pd.Series]:
    """Values of a column that holds one of a few, in any case, and which cells hold another.

    Parameters
    ----------
    values : Series
    column : str
        Name of the column.
    allowed : sequence of str
    """
    text = parse_text(values)
    spelled = _SEXES if column == "sex" else {choice.lower(): choice for choice in allowed}
    chosen = text.str.lower().map(spelled).astype("string")
    return chosen, text.notna() & chosen.isna()


def parse_names(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Short names of one word, as of sources, in small letters, and which cells hold something else."""
    names = parse_text(values).str.lower()
    short = names.where(names.str.fullmatch(_NAME).fillna(value=False))
    return short, names.notna() & short.isna()


def parse_families(values: pd.Series) -> pd.Series:
    """Families such as ``"acoem|odg"``; other wording is read as a guideline paragraph."""
    text = parse_text(values)
    known = {cell: _read_families(cell) for cell in text.dropna().unique()}
    return text.map(known).astype("string")


def _read_families(cell: str) -> str:
    names = [part.strip().lower() for part in re.split(r"[|;,]", cell)]
    given = set(names) if all(name in FAMILIES for name in names) else families_in(cell)
    return FAMILY_SEPARATOR.join(family for family in FAMILIES if family in given)
