"""Open a table of any format and read it in chunks of rows."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import Format, table_format

CHUNK_BYTES = 64 << 20
"""Size at which a chunk ends, regardless of its number of rows."""
MAX_COLUMNS = 10_000
"""Tables with more columns are refused."""
_LONGEST_NAME = 120
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line of a file that is not a row.

    Attributes
    ----------
    line : int
        Number of the line, or of the element of a JSON array, from 1.
    text : str
        The line; the start of a very long one.
    """

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a table.

    Attributes
    ----------
    frame : DataFrame
        At most the requested number of rows, with the index continuing from the previous chunk. CSV and Excel cells are
        text, missing if empty; JSON cells are Python values, with lists and objects as JSON text; Parquet cells have
        the types of the file.
    rejects : tuple of RejectedLine
        Lines after the previous chunk that are not rows.
    """

    frame: pd.DataFrame
    rejects: tuple[RejectedLine, ...] = ()


Rows = tuple["pd.DataFrame", Sequence[RejectedLine]]
Reader = Callable[[int, tuple[str, ...]], Iterator[Rows]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table on disk.

    Attributes
    ----------
    description : str
        Format and dialect, e.g. ``"CSV, cp1252, ';'"``.
    read : callable
        (rows of a chunk, columns) -> frames and rejected lines.
    """

    path: Path
    format: Format
    columns: tuple[str, ...]
    description: str
    read: Reader

    @staticmethod
    def open(path: Path, sheet: str | None = None) -> Table:
        """Open a table and detect its format, encoding and columns.

        Parameters
        ----------
        path : Path
            A file of any format that `table_format` detects, or a folder of Parquet files.
        sheet : str, optional
            Sheet of a workbook; default: the first visible one.

        Raises
        ------
        SchemaError
            If the path is not a table or can't be read; the message contains no cell.
        FileNotFoundError
            If the file does not exist.
        """
        kind = table_format(path)
        if sheet is not None and kind != "excel":
            raise SchemaError(f"{path}: has no sheets; leave out --sheet")
        with _locate_errors(path):
            if kind == "excel":
                from imr_ml.tables.workbooks import open_workbook

                return open_workbook(path, sheet)
            if kind == "parquet":
                from imr_ml.tables.parquet_files import open_parquet

                return open_parquet(path)
            if kind == "json":
                from imr_ml.tables.json_files import open_json

                return open_json(path)
            from imr_ml.tables.csv_files import open_csv

            return open_csv(path)

    def chunks(self, rows: int, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        """Read the rows in order.

        Parameters
        ----------
        rows : int
            Maximum number of rows of a chunk.
        columns : collection of str, optional
            Read only these columns; names that the table lacks are ignored.

        Raises
        ------
        SchemaError
            If reading fails or the table has no row.
        """
        names = tuple(name for name in self.columns if columns is None or name in columns)
        count, first_reject = 0, None
        with _locate_errors(self.path, lambda: count):
            for frame, rejects in self.read(rows, names):
                frame.index = pd.RangeIndex(count, count + len(frame))
                count += len(frame)
                first_reject = first_reject or next(iter(rejects), None)
                yield Chunk(frame, tuple(rejects))
        if not count:
            reason = f": line {first_reject.line} {first_reject.reason}" if first_reject else ""
            raise SchemaError(f"{self.path}: has no row{reason}")


def batch_records(
    records: Iterable[tuple[Record | RejectedLine, int]], rows: int
) -> Iterator[tuple[list[Record], list[RejectedLine]]]:
    """Group pairs of a record and its size in bytes into chunks, each with its rejected lines."""
    batch: list[Record] = []
    rejects: list[RejectedLine] = []
    size = 0
    for record, record_bytes in records:
        if isinstance(record, RejectedLine):
            rejects.append(record)
            continue
        batch.append(record)
        size += record_bytes
        if len(batch) >= rows or size >= CHUNK_BYTES:
            yield batch, rejects
            batch, rejects, size = [], [], 0
    if batch or rejects:
        yield batch, rejects


def text_frame(cells: list[list[str]], columns: tuple[str, ...], wanted: tuple[str, ...]) -> pd.DataFrame:
    """Build a frame of the `wanted` columns from rows of text cells; an empty cell is missing."""
    places = {name: columns.index(name) for name in wanted}
    texts = {name: pd.array([row[place] or None for row in cells], dtype="string") for name, place in places.items()}
    return pd.DataFrame(texts, index=range(len(cells)))


def clean_header(cells: Sequence[str], path: Path) -> tuple[str, ...]:
    """Clean the column names of a header; raise `SchemaError` for none, too many, too long or duplicate names."""
    names = [" ".join(cell.replace("\0", "").split()) for cell in cells]
    if not any(names):
        raise SchemaError(f"{path}: has no row and no header")
    if len(names) > MAX_COLUMNS:
        raise SchemaError(f"{path}: has {len(names)} columns; at most {MAX_COLUMNS} can be read")
    longest = max(map(len, names))
    if longest > _LONGEST_NAME:
        raise SchemaError(
            f"{path}: its first line has no column names (one has {longest} characters); put a header above it"
        )
    return check_distinct([name or f"Unnamed: {place}" for place, name in enumerate(names)], path)


def check_distinct(names: Sequence[str], path: Path) -> tuple[str, ...]:
    """Return the names as a tuple; raise `SchemaError` for duplicates."""
    duplicates = sorted(name for name, times in Counter(names).items() if times > 1)
    if duplicates:
        raise SchemaError(f"{path}: duplicate column(s): {', '.join(duplicates)}; remove or rename the copies")
    return tuple(names)


@contextmanager
def _locate_errors(path: Path, rows_read: Callable[[], int] = int) -> Iterator[None]:
    """Replace library errors by one line without cell content."""
    try:
        yield
    except (SchemaError, FileNotFoundError):
        raise
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException) as error:
        where = f" after row {rows_read()}" if rows_read() else ""
        raise SchemaError(f"{path}: can't be read{where} ({type(error).__name__}); check the file") from error
