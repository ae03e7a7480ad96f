"""Read Excel workbooks: one sheet, its cells as text."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import NUL, OLE_MAGIC
from imr_ml.tables.table import RejectedLine, Rows, Table, batch_records, clean_header, text_frame

UNPACKED_BYTES = 1 << 30
"""Limit of an unpacked workbook; a million typical requests need half of it."""
MAX_CELLS = 32_000_000
"""Limit of the cells that a sheet spans, as a distant cell would fill memory with empty ones."""
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]{0,200}?\br="([A-Z]{1,3})(\d{1,7})"')
_SHEET_FILE = re.compile(r"xl/worksheets/[^/]+\.xml")
_LONGEST_TAG = 300
_ROWS_SEARCHED = 10
_LARGEST_INTEGER = 2**53


def open_workbook(path: Path, name: str | None) -> Table:
    """Open a sheet of a workbook; see `Table.open`.

    Raises
    ------
    SchemaError
        If the workbook can't be read, has a password, is too large unpacked, or lacks the sheet.
    """
    _check_size(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        sheet, others = _select_sheet(workbook, name, path)
        rows = _filled_rows(sheet)
    except PasswordError as error:
        raise SchemaError(f"{path}: has a password; save it without one") from error
    except CalamineError as error:
        raise SchemaError(f"{path}: can't be read as Excel ({type(error).__name__}); save it again") from error
    titles = _count_titles(rows)
    columns = clean_header(rows[titles][1] if rows else [], path)

    def read(count: int, wanted: tuple[str, ...]) -> Iterator[Rows]:
        records = (
            (RejectedLine(number, "\t".join(row), NUL) if "\0" in "".join(row) else row, sum(map(len, row)))
            for number, row in rows[titles + 1 :]
        )
        for cells, rejects in batch_records(records, count):
            yield text_frame(cells, columns, wanted), rejects

    notes = [f"Excel, sheet {sheet.name}"]
    notes += [f"header in row {rows[titles][0]}"] if titles else []
    notes += [f"not read: {', '.join(others)} (choose with --sheet)"] if others else []
    return Table(path, "excel", columns, "; ".join(notes), read)


def _select_sheet(workbook: CalamineWorkbook, name: str | None, path: Path) -> tuple[CalamineSheet, list[str]]:
    """Return the named sheet or the first visible one, and the names of the others."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    names = [sheet.name for sheet in sheets]
    if name is not None and name not in names:
        raise SchemaError(f"{path}: has no sheet {name}; it has: {', '.join(names)}")
    if name is None and not visible:
        raise SchemaError(f"{path}: has no visible sheet; choose one with --sheet: {', '.join(names)}")
    selected = visible[0] if name is None else name
    return workbook.get_sheet_by_name(selected), [other for other in names if other != selected]


def _filled_rows(sheet: CalamineSheet) -> list[tuple[int, list[str]]]:
    """Return (number, cells) of rows with content; all parts of a merged cell get its value."""
    cells = [[_format_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        for row in cells[top : bottom + 1] if bottom > top else ():
            row[left : right + 1] = [cells[top][left]] * len(row[left : right + 1])
    return [(number, row) for number, row in enumerate(cells, start=1) if any(row)]


def _count_titles(rows: list[tuple[int, list[str]]]) -> int:
    """Count the title rows above the header, which have less than half the cells of the widest of the first rows."""
    filled = [sum(map(bool, row)) for _, row in rows[:_ROWS_SEARCHED]]
    return next((place for place, count in enumerate(filled) if 2 * count >= max(filled)), 0)


def _format_cell(cell: Any) -> str:
    """Format a cell as in a CSV file: whole numbers without a point, dates in ISO 8601."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= _LARGEST_INTEGER:
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _check_size(path: Path) -> None:
    """Raise `SchemaError` for a workbook that is too large or broken; unpacks it, as its stated size may be false."""
    with path.open("rb") as file:
        if file.read(len(OLE_MAGIC)) == OLE_MAGIC:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED_BYTES:
                raise SchemaError(
                    f"{path}: unpacks to more than {UNPACKED_BYTES >> 20} MB; save the sheet as CSV instead"
                )
            for member in archive.infolist():
                _check_member(archive, member, path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error, EOFError) as error:
        raise SchemaError(f"{path}: can't be read as Excel ({type(error).__name__}); save it again") from error


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Read a member to its end, which reveals a false size or checksum, and check the span of its cells."""
    columns, rows, rest = 0, 0, b""
    is_sheet = _SHEET_FILE.fullmatch(member.filename) is not None
    with archive.open(member) as unpacked:
        while block := unpacked.read(1 << 20):
            for letters, row in set(_CELL.findall(rest + block)) if is_sheet else ():
                columns, rows = max(columns, _column_number(letters)), max(rows, int(row))
            rest = block[-_LONGEST_TAG:]
    if columns * rows > MAX_CELLS:
        raise SchemaError(
            f"{path}: a sheet spans {rows} rows and {columns} columns, which is too large; "
            "save it as CSV, or delete distant cells"
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
