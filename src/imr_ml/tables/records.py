"""Text of a CSV file -> its records one by one, a bad one with its reason.

Text in good order takes the faster way through `orderly`.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imr_ml.tables.types import NUL, ROW_BYTES, TOO_LONG, UNDOUBLED

if TYPE_CHECKING:
    import pyarrow as pa

    from imr_ml.tables.dialects import Dialect
    from imr_ml.tables.encodings import Encoding

LOST_CHARACTER = "\ufffd"
_SHOWN_OF_A_LONG_LINE = 1 << 16


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV file is written.

    Attributes
    ----------
    encoding : Encoding
    dialect : Dialect
    names : tuple of str
        Column names; those without one are named for their place, as pandas names them.
    start : int
        Bytes of its UTF-8 text before the first row.
    line : int
        Number of the line on which the first row begins, from 1.
    """

    encoding: Encoding
    dialect: Dialect
    names: tuple[str, ...]
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows told apart of one stretch of text.

    Attributes
    ----------
    table : pyarrow.Table
        Wanted cells as text, null where empty, columns named for their places.
    reasons : dict of int to str
        Place in `table` -> why the row is a bad one.
    used, lines : int
        Bytes that the rows take up, and line ends in those; what follows is an unfinished row.
    broken : bool
        Whether what follows can't be finished, as its quotation marks are out of order.
    """

    table: pa.Table
    reasons: dict[int, str] = field(default_factory=dict)
    used: int = 0
    lines: int = 0
    broken: bool = False


class Lines:
    """Lines as `csv.reader` takes them, with the place of the next one and whether one was requested in vain."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.place = 0
        self.exhausted = False

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self.place >= len(self.lines):
            self.exhausted = True
            raise StopIteration
        self.place += 1
        return self.lines[self.place - 1]


def records_of(window: bytes, found: Layout, wanted: tuple[int, ...], line: int) -> Piece:
    """The finished records in a window of text that begins on line `line`."""
    lines = Lines(io.StringIO(window.decode("utf-8", "ignore"), newline="").readlines())
    if lines.lines and not lines.lines[-1].endswith("\n"):
        lines.lines.pop()
    flaws = _Flaws(
        found,
        may_hold_nul=b"\0" in window,
        may_hold_lost=found.encoding.errors == "replace" and LOST_CHARACTER.encode() in window,
        may_be_long=len(window) > ROW_BYTES,
    )
    cells: list[list[str]] = []
    reasons: dict[int, str] = {}
    broken = False
    for start, row in _rows(lines, found.dialect):
        if row is None:
            # The reader stopped within quotation marks, at the end of the window or at a mark out of place.
            broken = lines.place - start > 1 and not lines.exhausted
            if broken or lines.exhausted:
                lines.place = start
                break
            row = _lenient(lines.lines[start], found.dialect)
            reason: str | None = UNDOUBLED
        else:
            reason = flaws.of(row, lines, start)
        if _is_blank(row, found):
            continue
        if reason:
            reasons[len(cells)] = f"line {line + start} {reason}"
        if reason == TOO_LONG:
            row = [cell if len(cell) <= _SHOWN_OF_A_LONG_LINE else "" for cell in row]
        cells.append(_fitted(row, found))
    used = len("".join(lines.lines[: lines.place]).encode())
    return Piece(table_of(cells, wanted), reasons, used, lines.place, broken)


def bad_line(line: bytes, found: Layout, wanted: tuple[int, ...], number: int, reason: str) -> Piece:
    """One line that is a bad row, with the cells that can be told apart in it."""
    text = line.decode("utf-8", "ignore")
    if reason == TOO_LONG:
        # The last of these cells is cut off, so it is none.
        row = _lenient(text[:_SHOWN_OF_A_LONG_LINE], found.dialect)[:-1]
    else:
        row = _lenient(text, found.dialect)
    table = table_of([_fitted(row, found)], wanted)
    return Piece(table, {0: f"line {number} {reason}"}, lines=1)


def table_of(cells: list[list[str]], wanted: tuple[int, ...]) -> pa.Table:
    """Rows of cells as columns of text, null where empty."""
    import pyarrow as pa

    columns = list(zip(*cells, strict=True)) if cells else dict.fromkeys(wanted, ())
    texts = {str(place): [cell or None for cell in columns[place]] for place in wanted}
    return pa.table({name: pa.array(column, pa.string()) for name, column in texts.items()})


def _rows(lines: Lines, dialect: Dialect) -> Iterator[tuple[int, list[str] | None]]:
    """Place of each record's first line and its cells, None where the reader complains."""
    reader = csv.reader(lines, strict=True, **dialect.options())  # type: ignore[arg-type]
    while True:
        start = lines.place
        try:
            with any_cell_size():
                row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield start, None
        else:
            yield start, row


@contextmanager
def any_cell_size() -> Iterator[None]:
    """The csv module's limit, which is the process's and meant for other files, set aside."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


@dataclass(slots=True)
class _Flaws:
    """What may be wrong with a row that the reader took; looked for where the window gives cause."""

    found: Layout
    may_hold_nul: bool
    may_hold_lost: bool
    may_be_long: bool

    def of(self, row: list[str], lines: Lines, start: int) -> str | None:
        cells, named = len(row), len(self.found.names)
        if cells < named or any(row[named:]):
            return f"has {cells} cell{'s' if cells > 1 else ''}, the header names {named}"
        if self.may_hold_nul and any("\0" in cell for cell in row):
            return NUL
        if self.may_hold_lost and any(LOST_CHARACTER in cell for cell in row):
            return f"holds bytes that are not {self.found.encoding.codec}"
        if self.may_be_long and sum(map(len, lines.lines[start : lines.place])) > ROW_BYTES:
            return TOO_LONG
        return None


def _lenient(line: str, dialect: Dialect) -> list[str]:
    with any_cell_size():
        return next(csv.reader([line.rstrip("\r\n")], **dialect.options()), [])  # type: ignore[arg-type]


def _is_blank(row: list[str], found: Layout) -> bool:
    return not row or (len(row) == 1 < len(found.names) and not row[0].strip())


def _fitted(row: list[str], found: Layout) -> list[str]:
    """As many cells as the header names: what is too much stays in the last one."""
    named = len(found.names)
    if any(row[named:]):
        return [*row[: named - 1], found.dialect.delimiter.join(row[named - 1 :])]
    return row[:named] + [""] * (named - len(row))
