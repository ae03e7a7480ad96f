"""Parse cells as people write them: missing values, numbers, ages, sexes and guideline families.

A cell that cannot be read becomes missing, and the row gets a warning that names the column but never the value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

MISSING = frozenset({"", "nan", "nat", "null", "<na>", "n/a", "na", "#n/a", "-", "unknown"})
"""Cells that mean "missing" in every column, in any case; ``None`` only in this spelling."""
_LONGEST_MISSING = max(map(len, MISSING))
FAMILY_SEPARATOR = "|"
_AGE = re.compile(r"(\d{1,3}(?:\.\d+)?)(?:[\s-]*(?:y/?o|y\.o\.|y|yrs?\.?|years?)(?:[\s-]*old)?)?", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.ASCII | re.IGNORECASE)
_LIMITS = {
    "age": (0, 120),
    "item": (1, 10_000),
    "case_version": (1, 10_000),
    "items_in_case": (1, 10_000),
    "decision_year": (1990, 2100),
}
_NAME = re.compile(r"[a-z0-9][\w.-]{0,39}")
_SEXES = {"f": "female", "female": "female", "woman": "female", "m": "male", "male": "male", "man": "male"}

Parsed = TypeVar("Parsed")


def parse_text(values: pd.Series) -> pd.Series:
    """Strip blanks from a column of text; cells that mean "missing" become missing."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values.dtype, pd.ArrowDtype):
        values = values.map(lambda cell: cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell))
    # Arrow's functions, because pandas' string methods dominate the time of scoring a single row.
    texts = pc.utf8_trim_whitespace(pa.array((values if values.dtype == "str" else values.astype("string")).array))
    # Only short cells are compared: lower-casing a million summaries doubles time and memory.
    places = np.flatnonzero(pc.fill_null(pc.less_equal(pc.utf8_length(texts), _LONGEST_MISSING), fill_value=False))
    if len(places):
        means_missing = np.zeros(len(texts), dtype=bool)
        means_missing[places] = [cell == "None" or cell.lower() in MISSING for cell in texts.take(places).to_pylist()]
        texts = pc.if_else(means_missing, None, texts)
    return pd.Series(pd.array(texts, "string"), index=values.index, name=values.name)


def parse_cells(values: pd.Series, parse: Callable[[str], Parsed | None]) -> tuple[list[Parsed | None], Mask]:
    """Parse each distinct cell of a column once.

    Parameters
    ----------
    values : Series
    parse : callable
        Returns None for a cell that it cannot parse.

    Returns
    -------
    parsed : list
        One value per row, None where the cell is missing or cannot be parsed.
    unread : (rows,) bool
        Cells that are given but cannot be parsed.
    """
    cells = parse_text(values).tolist()
    known = {cell: parse(cell) for cell in set(cells) if isinstance(cell, str)}
    parsed = [known.get(cell) for cell in cells]
    unread = [value is None and isinstance(cell, str) for cell, value in zip(cells, parsed, strict=True)]
    return parsed, np.array(unread, dtype=bool)


def parse_numbers(values: pd.Series, column: str) -> tuple[pd.Series, Mask]:
    """Parse the numbers of a column, and mark cells that are not numbers within its limits.

    Parameters
    ----------
    values : Series
    column : str
        Name of the column. Ages may have a unit ("38 y/o").
    """
    import pandas as pd

    if values.dtype.kind in "iuf":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = _LIMITS[column]
        read = np.where((low <= numbers) & (numbers <= high), numbers, np.nan)
        unread = ~np.isnan(numbers) & np.isnan(read)
    else:
        parsed, unread = parse_cells(values, lambda cell: _parse_number(cell, column))
        read = np.array(parsed, dtype=np.float64)
    return pd.Series(read, index=values.index, name=values.name), unread


def _parse_number(cell: str, column: str) -> float | None:
    match = (_AGE if column == "age" else _NUMBER).fullmatch(cell)
    low, high = _LIMITS[column]
    return float(match[1]) if match and low <= float(match[1]) <= high else None


def parse_choices(values: pd.Series, column: str, allowed: Sequence[str]) -> tuple[pd.Series, Mask]:
    """Parse a column that contains one of a few values, in any case, and mark cells that contain another.

    Parameters
    ----------
    values : Series
    column : str
        Name of the column.
    allowed : sequence of str
    """
    spellings = _SEXES if column == "sex" else {choice.lower(): choice for choice in allowed}
    choices, unread = parse_cells(values, lambda cell: spellings.get(cell.lower()))
    return string_series(choices, values.index), unread


def parse_names(values: pd.Series) -> tuple[pd.Series, Mask]:
    """Parse short names of one word, such as those of sources, in lower case, and mark cells that contain another."""
    names, unread = parse_cells(values, lambda cell: cell.lower() if _NAME.fullmatch(cell.lower()) else None)
    return string_series(names, values.index), unread


def parse_families(values: pd.Series) -> pd.Series:
    """Families such as ``"acoem|odg"``; other wording is read as a guideline paragraph."""
    return string_series(parse_cells(values, _parse_families)[0], values.index)


def _parse_families(cell: str) -> str:
    names = [part.strip().lower() for part in re.split(r"[|;,]", cell)]
    return joined_families(names if all(name in FAMILIES for name in names) else families_in(cell))


def joined_families(families: Iterable[str]) -> str:
    """Join families as they are stored in the table, in the order of the taxonomy.

    Examples
    --------
    >>> joined_families({"odg", "acoem"})
    'acoem|odg'
    """
    given = set(families)
    return FAMILY_SEPARATOR.join(family for family in FAMILIES if family in given)


def string_series(cells: list[str | None], index: pd.Index) -> pd.Series:
    """Series of dtype "string", missing where a cell is None."""
    import pandas as pd

    return pd.Series(pd.array(cells, "string"), index=index)
