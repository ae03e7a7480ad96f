"""A table's file -> chunks of rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import table_format
from imr_ml.tables.types import Chunk, Reading

if TYPE_CHECKING:
    import pandas as pd

    Told = tuple[pd.DataFrame, Mapping[int, str]]


def read_chunks(path: Path, rows: int, columns: Collection[str] | None = None) -> Iterator[Chunk]:
    """The rows of a table in chunks, in their order; a row of the file is a row, however broken.

    Parameters
    ----------
    path : Path
        A file of any format that `table_format` knows, or a folder of Parquet files.
    rows : int
        The most rows of a chunk; very long rows make smaller chunks.
    columns : collection of str, optional
        Read these columns only; those that the table lacks are left out.

    Raises
    ------
    SchemaError
        For what is not a table, can't be read on, or holds no row; the message holds nothing of its content.
    FileNotFoundError
        Where there is nothing.
    """
    import pandas as pd

    read = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "excel": _excel}[table_format(path)]
    done = 0
    with _locate_errors(path, lambda: done):
        for frame, reasons in read(path, rows, columns):
            frame.index = pd.RangeIndex(done, done + len(frame))
            yield Chunk(frame, {done + place: reason for place, reason in sorted(reasons.items())})
            done += len(frame)
    if not done:
        raise SchemaError(f"{path}: holds no row")


def column_names(path: Path) -> tuple[str, ...]:
    """Names of a table's columns, in order; those of JSON lines are all keys of its objects, so it is read whole.

    Raises
    ------
    SchemaError, FileNotFoundError
        As `read_chunks`.
    """
    kind = table_format(path)
    with _locate_errors(path):
        if kind == "csv":
            from imr_ml.tables.delimited import layout

            return layout(path).names
        if kind == "jsonl":
            from imr_ml.tables.json_lines import keys

            return keys(path)
        if kind == "parquet":
            from imr_ml.tables.parquet_files import schema_of

            return tuple(schema_of(path).names)
        from imr_ml.tables.headers import named
        from imr_ml.tables.workbooks import sheet_of

        with sheet_of(path) as sheet:
            return named(sheet.header, path)


def detect_format(path: Path) -> Reading:
    """How a table is read: what was made out of its encoding and dialect.

    Raises
    ------
    SchemaError, FileNotFoundError
        As `read_chunks`.
    """
    kind = table_format(path)
    with _locate_errors(path):
        if kind == "csv":
            from imr_ml.tables.delimited import layout

            found = layout(path)
            return Reading(kind, found.encoding.codec, found.dialect.delimiter)
        if kind == "jsonl":
            from imr_ml.tables.json_lines import encoding

            return Reading(kind, encoding(path).codec)
        if kind == "excel":
            from imr_ml.tables.workbooks import sheet_of

            with sheet_of(path) as sheet:
                return Reading(kind, sheet=sheet.name)
    return Reading(kind)


def _csv(path: Path, rows: int, columns: Collection[str] | None) -> Iterator[Told]:
    from imr_ml.tables.delimited import layout, pieces
    from imr_ml.tables.gathering import gathered, text_frame

    names = layout(path).names
    wanted = _places(names, columns)
    for table, reasons in gathered(((piece.table, piece.reasons) for piece in pieces(path, wanted or (0,))), rows):
        yield text_frame(table, names, wanted), reasons


def _excel(path: Path, rows: int, columns: Collection[str] | None) -> Iterator[Told]:
    from imr_ml.tables.gathering import gathered, text_frame
    from imr_ml.tables.headers import named
    from imr_ml.tables.workbooks import sheet_of, sheet_tables

    with sheet_of(path) as sheet:
        names = named(sheet.header, path)
        wanted = _places(names, columns)
        for table, reasons in gathered(sheet_tables(sheet, wanted or (0,)), rows):
            yield text_frame(table, names, wanted), reasons


def _jsonl(path: Path, rows: int, columns: Collection[str] | None) -> Iterator[Told]:
    from imr_ml.tables.json_lines import frame_of, keys, row_chunks

    names = keys(path)
    wanted = [names[place] for place in _places(names, columns)]
    for chunk in row_chunks(path, rows):
        yield frame_of(chunk, wanted), {place: row for place, row in enumerate(chunk) if isinstance(row, str)}


def _parquet(path: Path, rows: int, columns: Collection[str] | None) -> Iterator[Told]:
    from imr_ml.tables.gathering import gathered
    from imr_ml.tables.parquet_files import batches, frame_of

    for table, reasons in gathered(batches(path, rows, columns), rows):
        yield frame_of(table), reasons


def _places(names: tuple[str, ...], columns: Collection[str] | None) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(names) if columns is None or name in columns)


@contextmanager
def _locate_errors(path: Path, rows_before: Callable[[], int] = int) -> Iterator[None]:
    """A library's complaint as one line, without what it complains of."""
    import pyarrow as pa

    try:
        yield
    except (SchemaError, FileNotFoundError):
        raise
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException) as error:
        done = rows_before()
        where = f" after row {done}" if done else ""
        raise SchemaError(f"{path}: can't be read{where} ({type(error).__name__}); check the file") from error
