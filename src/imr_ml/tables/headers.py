"""Cells of a header -> column names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from imr_ml.errors import SchemaError
from imr_ml.tables.types import MOST_COLUMNS

# A longer one is a cell of a table without a header.
_LONGEST_NAME = 120


def named(cells: list[str], path: Path) -> tuple[str, ...]:
    """Names of a header's cells.

    Raises
    ------
    SchemaError
        For no cells, too many, one too long to be a name, and a name that stands twice.
    """
    names = [" ".join(cell.replace("\0", "").split()) for cell in cells]
    if not any(names):
        raise SchemaError(f"{path}: holds no row, nor a header")
    if len(names) > MOST_COLUMNS:
        raise SchemaError(f"{path}: has {len(names)} columns; the most is {MOST_COLUMNS}")
    longest = max(map(len, names))
    if longest > _LONGEST_NAME:
        raise SchemaError(
            f"{path}: its first line does not hold column names (one has {longest} characters); put a header above it"
        )
    return distinct([name or f"Unnamed: {place}" for place, name in enumerate(names)], path)


def distinct(names: Sequence[str], source: Path) -> tuple[str, ...]:
    """The names, of which none stands twice.

    Raises
    ------
    SchemaError
        Where one does.
    """
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise SchemaError(f"{source}: column(s) stand twice: {', '.join(twice)}; keep one of each")
    return tuple(names)
