"""Text of a CSV file in good order -> its cells, all at once.

Such text pyarrow's fast reader takes; other text goes to `records`, which gives the same cells and tells what is
wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from imr_ml.tables.records import LOST_CHARACTER, Layout, Piece, table_of
from imr_ml.tables.types import ROW_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]

_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


def parse_fast(window: bytes, found: Layout, wanted: tuple[int, ...]) -> Piece | None:
    """The finished rows in a window of text, none where its first line goes on; None where it is not in good order."""
    if b"\n" not in window and b"\r" not in window:
        return Piece(table_of([], wanted))
    if not found.dialect.is_plain or b"\0" in window:
        return None
    if b"\r" in window and window.count(b"\r") != window.count(b"\r\n"):
        return None
    if found.encoding.errors == "replace" and LOST_CHARACTER.encode() in window:
        return None
    text = np.frombuffer(window, np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    ends = _outside(np.flatnonzero(text == _NEWLINE), quotes)
    if not len(ends):
        return None
    used = int(ends[-1]) + 1
    delimiter = ord(found.dialect.delimiter)
    quotes = quotes[: np.searchsorted(quotes, used)]
    if not _in_order(text, quotes, delimiter):
        return None
    delimiters = _outside(np.flatnonzero(text[:used] == delimiter), quotes)
    rows = _filled_rows(text, ends)
    if rows is None or not _same_cells(delimiters, ends[rows], len(found.names)):
        return None
    table = _table(window[:used], found, wanted)
    return Piece(table, used=used, lines=window.count(b"\n", 0, used)) if len(table) == rows.sum() else None


def _outside(places: Places, quotes: Places) -> Places:
    """Those places that lie outside of quotation marks."""
    if not len(quotes):
        return places
    outside: Places = places[np.searchsorted(quotes, places) % 2 == 0]
    return outside


def _in_order(text: NDArray[np.uint8], quotes: Places, delimiter: int) -> bool:
    """Whether each mark that opens stands at a cell's begin, each that closes at its end, but for doubled ones."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = text[np.maximum(opening - 1, 0)]
    doubled = np.zeros(len(opening), bool)
    doubled[1:] = opening[1:] - 1 == closing[: len(opening) - 1]
    begins = (before == delimiter) | (before == _NEWLINE) | (opening == 0) | doubled
    after = text[closing + 1]
    ended = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN)
    ended[:-1] |= doubled[1:]
    return bool(begins.all() and ended.all())


def _filled_rows(text: NDArray[np.uint8], ends: Places) -> NDArray[np.bool_] | None:
    """Which rows are no blank lines; None where one is longer than rows may be."""
    sizes = np.diff(ends, prepend=-1)
    if sizes.max() > ROW_BYTES:
        return None
    filled: NDArray[np.bool_] = (sizes > 2) | ((sizes == 2) & (text[ends - 1] != _RETURN))
    return filled


def _same_cells(delimiters: Places, ends: Places, cells: int) -> bool:
    """Whether each row has that many cells."""
    counts = np.diff(np.searchsorted(delimiters, ends), prepend=0)
    return bool((counts == cells - 1).all())


def _table(text: bytes, found: Layout, wanted: tuple[int, ...]) -> pa.Table:
    names = [str(place) for place in range(len(found.names))]
    columns = [names[place] for place in wanted]
    return arrow_csv.read_csv(
        pa.BufferReader(text),
        arrow_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
        arrow_csv.ParseOptions(delimiter=found.dialect.delimiter, newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
