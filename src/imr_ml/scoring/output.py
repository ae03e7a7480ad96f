"""Write scored rows as CSV, JSON lines, Parquet or a workbook, chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from imr_ml.corpus.schema import SchemaError
from imr_ml.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

OUTPUT_SUFFIXES = (".csv", ".jsonl", ".parquet", ".xlsx")
# Spreadsheets treat cells with these first characters as formulas (OWASP, CSV injection), except plain numbers.
_FORMULA = r"^(?=[=+\-@\t\r])(?![+-]?\d+(?:[.,]\d+)*$)"


def check_output(path: Path) -> None:
    """Check that the suffix of an output is a format that can be written.

    Raises
    ------
    SchemaError
        If the format is unknown.
    """
    if path.suffix.lower() not in OUTPUT_SUFFIXES:
        raise SchemaError(f"{path}: can't be written; end its name in {', '.join(OUTPUT_SUFFIXES)}")


@contextmanager
def chunk_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Return a function that appends chunks; the file is created when the block ends without error.

    CSV text that a spreadsheet would run as a formula is prefixed with an apostrophe. JSON lines and Parquet store
    values exactly. A workbook stores text as text, truncated to the length that Excel allows.

    Raises
    ------
    SchemaError
        If the format is unknown.
    """
    check_output(path)
    suffix = path.suffix.lower()
    with atomic_write(path) as temporary:
        if suffix in _BINARY_WRITERS:
            with _BINARY_WRITERS[suffix](temporary) as write:
                yield write
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                yield _text_writer(file, _csv if suffix == ".csv" else lambda chunk, _: json_lines(chunk))


def _text_writer(file: TextIO, format_chunk: Callable[[pd.DataFrame, bool], str]) -> Callable[[pd.DataFrame], None]:
    def write(chunk: pd.DataFrame) -> None:
        file.write(format_chunk(chunk, not file.tell()))

    return write


def safe_cells(chunk: pd.DataFrame) -> pd.DataFrame:
    """Prefix text that a spreadsheet would run as a formula with an apostrophe."""
    import pandas as pd

    texts = {
        str(name): values.astype("string").str.replace(_FORMULA, "'", regex=True).where(values.notna(), values)
        for name, values in chunk.items()
        if pd.api.types.is_string_dtype(values) or pd.api.types.is_object_dtype(values)
    }
    return chunk.assign(**texts).rename(columns=lambda name: f"'{name}" if str(name)[:1] in tuple("=+-@") else name)


def _csv(chunk: pd.DataFrame, first: bool) -> str:
    text: str = safe_cells(_flat(chunk)).to_csv(index=False, header=first, lineterminator="\n")
    return text


def _flat(chunk: pd.DataFrame) -> pd.DataFrame:
    """Convert lists, mappings and bytes to text."""
    import pandas as pd

    nested = [name for name, kind in chunk.dtypes.items() if isinstance(kind, pd.ArrowDtype) and _needs_json(kind)]
    as_text = {str(name): chunk[name].map(_as_json_text, na_action="ignore").astype("string") for name in nested}
    return chunk.assign(**as_text)


def _needs_json(kind: pd.ArrowDtype) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_nested(kind.pyarrow_dtype) or pa.types.is_binary(kind.pyarrow_dtype))


def _as_json_text(value: object) -> str:
    text = _plain(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=_plain)
    return str(text)


def json_lines(chunk: pd.DataFrame) -> str:
    """Format rows as JSON lines."""
    rows = chunk.astype("object").where(chunk.notna(), None).to_dict("records")
    return "".join(f"{json.dumps(row, ensure_ascii=False, default=_plain)}\n" for row in rows)


def _plain(value: object) -> object:
    """Convert a value that JSON does not support: dates to ISO 8601, bytes to text, arrays to lists."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    for name in ("isoformat", "tolist"):
        if hasattr(value, name):
            return getattr(value, name)()
    return str(value)


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """Convert a frame to an Arrow table."""
    import pandas as pd
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    # pandas cannot read its own description of Arrow's nested types.
    has_arrow_types = any(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)
    return table.replace_schema_metadata(None) if has_arrow_types else table


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    import pandas as pd
    import pyarrow.parquet as pq

    opened: list[ParquetWriter] = []

    def write(chunk: pd.DataFrame) -> None:
        # Columns of mixed types must have the same type in all chunks.
        mixed = [name for name, kind in chunk.dtypes.items() if pd.api.types.is_object_dtype(kind)]
        table = arrow_table(chunk.astype(dict.fromkeys(mixed, "string")))
        if not opened:
            opened.append(pq.ParquetWriter(path, table.schema, compression="zstd"))
        opened[0].write_table(table.cast(opened[0].schema))

    try:
        yield write
    finally:
        for writer in opened:
            writer.close()


_LONGEST_CELL, _MOST_ROWS = 32_767, 1_048_576
"""Limits of Excel."""


@contextmanager
def _workbook_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Write a sheet row by row to limit memory."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    workbook = Workbook(write_only=True)
    sheet, rows = workbook.create_sheet("scored"), 0

    def cell(value: object) -> object:
        if not isinstance(value, str):
            return value if isinstance(value, bool | int | float | datetime | date | None) else _as_json_text(value)
        text_cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST_CELL])
        # Otherwise text that begins with = becomes a formula.
        text_cell.data_type = "s"
        return text_cell

    def write(chunk: pd.DataFrame) -> None:
        nonlocal rows
        if not rows:
            sheet.append([cell(str(name)) for name in chunk.columns])
            rows = 1
        rows += len(chunk)
        if rows > _MOST_ROWS:
            raise SchemaError(f"a sheet has at most {_MOST_ROWS:,} rows; write to .parquet, .csv or .jsonl")
        values = _flat(chunk).astype("object")
        for row in values.where(values.notna(), None).itertuples(index=False, name=None):
            sheet.append([cell(value) for value in row])

    yield write
    workbook.save(path)


_BINARY_WRITERS = {".parquet": _parquet_writer, ".xlsx": _workbook_writer}
