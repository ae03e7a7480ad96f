"""What reading a table gives, and the limits it keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv", "jsonl", "parquet", "excel"]

MEGABYTE = 1 << 20
BLOCK_BYTES = MEGABYTE
"""Bytes read at once."""
ROW_BYTES = 16 * MEGABYTE
"""A longer row is a bad row. The longest case summaries run to some ten thousand characters."""
CHUNK_BYTES = 64 * MEGABYTE
"""A chunk that has grown to this holds fewer rows than were requested."""
MOST_COLUMNS = 10_000
"""A table with more is refused."""

NUL = "holds a NUL character, as broken files do"
UNCLOSED = "opens a quotation mark that nothing closes"
UNDOUBLED = "has a quotation mark within a quoted cell that is not doubled"
TOO_LONG = f"is longer than {ROW_BYTES // MEGABYTE} MB"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a table as written.

    Attributes
    ----------
    frame : DataFrame
        At most as many rows as were requested, indexed from where the chunk before ended. Cells of CSV and Excel are
        text, missing where empty; those of JSON lines Python values, lists and objects as JSON text; those of Parquet
        have the types of the file, which are the same in all chunks.
    reasons : dict of int to str
        Index label -> why the row can't be read as a row. It stays in the frame with what could be told of it.
    """

    frame: pd.DataFrame
    reasons: dict[int, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table was read; what a format does not have is None.

    Attributes
    ----------
    encoding : str or None
        Name of the codec, e.g. ``"utf-8"`` or ``"cp1252"``.
    sheet : str or None
        The sheet of a workbook that was read.

    Examples
    --------
    >>> str(Reading("csv", "cp1252", ";"))
    "CSV, cp1252, ';'"
    """

    format: Format
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None

    def __str__(self) -> str:
        name = self.format.upper() if self.format in ("csv", "jsonl") else self.format.capitalize()
        delimiter = repr(self.delimiter) if self.delimiter else None
        sheet = f"sheet {self.sheet}" if self.sheet else None
        return ", ".join(filter(None, (name, self.encoding, delimiter, sheet)))
