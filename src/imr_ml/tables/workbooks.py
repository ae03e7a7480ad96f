"""Excel workbooks -> rows of text: the first sheet, its first row the header.

A row with nothing in it is no row.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import OLE_MAGIC
from imr_ml.tables.types import MEGABYTE, NUL

if TYPE_CHECKING:
    import pyarrow as pa
    from python_calamine import CalamineSheet

UNPACKED_BYTES = 1024 * MEGABYTE
"""A workbook that unpacks to more is refused; a million rows of typical requests are about half of it."""
MOST_CELLS = 32_000_000
"""A sheet whose outermost cells span more is refused: a cell far out makes all before it be held."""
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]{0,200}?\br="([A-Z]{1,3})(\d{1,7})"')
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_LONGEST_TAG = 300
_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name, the names of its columns, and its rows below those."""

    name: str
    header: list[str]
    rows: Iterator[list[str]]


@contextmanager
def sheet_of(path: Path) -> Iterator[Sheet]:
    """The first sheet of a workbook.

    Raises
    ------
    SchemaError
        For a workbook that can't be read, has a password, or unpacks to too much.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    _check_size(path)
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = workbook.get_sheet_by_index(0)
            rows = _filled_rows(sheet)
            yield Sheet(sheet.name, next(rows, []), rows)
    except PasswordError as error:
        raise SchemaError(f"{path}: has a password; save it without one") from error
    except CalamineError as error:
        raise SchemaError(f"{path}: can't be read as Excel ({type(error).__name__}); save it anew") from error


def sheet_tables(sheet: Sheet, wanted: tuple[int, ...]) -> Iterator[tuple[pa.Table, dict[int, str]]]:
    """The cells of the wanted columns as text, named for their places, with the reasons of bad rows."""
    from imr_ml.tables.records import table_of

    while held := list(islice(sheet.rows, _ROWS_AT_ONCE)):
        nul = {place: NUL for place, row in enumerate(held) if any("\0" in cell for cell in row)}
        yield table_of(held, wanted), nul


def _filled_rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    for cells in sheet.iter_rows():
        row = [_text(cell) for cell in cells]
        if any(row):
            yield row


def _text(cell: object) -> str:
    """A cell as one would write it into a CSV file: whole numbers without a point, dates in ISO 8601."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _check_size(path: Path) -> None:
    """Unpack the workbook in passing, as what it says of its size need not be true.

    Raises
    ------
    SchemaError
        Where it is too large or broken.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(OLE_MAGIC)) == OLE_MAGIC:
                return
        with zipfile.ZipFile(path) as archive:
            left = UNPACKED_BYTES
            for member in archive.infolist():
                left -= member.file_size
                if left < 0:
                    raise SchemaError(
                        f"{path}: unpacks to more than {UNPACKED_BYTES // MEGABYTE} MB; save the sheet as CSV instead"
                    )
                _check_member(archive, member, path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error, EOFError) as error:
        raise SchemaError(f"{path}: can't be read as Excel ({type(error).__name__}); save it anew") from error


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Read a member to its end, which is where a false size or sum shows, and see how far out its cells are."""
    columns, rows, rest = {0}, {0}, b""
    is_sheet = _SHEET.fullmatch(member.filename) is not None
    with archive.open(member) as unpacked:
        while block := unpacked.read(MEGABYTE):
            if is_sheet:
                cells = set(_CELL.findall(rest + block))
                columns = {max(columns), *(_column(letters) for letters, _ in cells)}
                rows = {max(rows), *(int(row) for _, row in cells)}
                rest = block[-_LONGEST_TAG:]
    if max(columns) * max(rows) > MOST_CELLS:
        raise SchemaError(
            f"{path}: a sheet's cells span {max(rows)} rows and {max(columns)} columns, more than can be held; "
            "save it as CSV, or delete what stands far out"
        )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
