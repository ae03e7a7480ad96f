"""Open a table of any format and read it in chunks of rows."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import Format, table_format

if TYPE_CHECKING:
    import pandas as pd

ROW_BYTES = 16 << 20
"""A longer row is rejected. The longest case summaries run to some ten thousand characters."""
CHUNK_BYTES = 64 << 20
"""A chunk that has grown to this size ends before its number of rows is reached."""
MOST_COLUMNS = 10_000
"""A table with more columns is refused."""
_LONGEST_NAME = 120
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line of a file that is not a row.

    Attributes
    ----------
    line : int
        Number of the line, from 1; of an element, in a JSON array.
    text : str
        The line as written; its beginning where it is very long.
    reason : str
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
        At most as many rows as requested, indexed from where the previous chunk ended. Cells of CSV and Excel are text,
        missing where empty; cells of JSON are Python values, lists and objects as JSON text; cells of Parquet have the
        file's types.
    rejects : tuple of RejectedLine
        Lines that follow the previous chunk's and are not rows.
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
    path : Path
    format : {"csv", "json", "parquet", "excel"}
    columns : tuple of str
    description : str
        How the table is read, e.g. ``"CSV, cp1252, ';'"``.
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
        """Open a table: find its format, encoding and columns.

        Parameters
        ----------
        path : Path
            A file of any format that `table_format` knows, or a folder of Parquet files.
        sheet : str, optional
            Sheet of a workbook; default: the first visible one.

        Raises
        ------
        SchemaError
            For what is not a table or cannot be read; the message contains no cell.
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
            Rows of a chunk; very long rows make smaller chunks.
        columns : collection of str, optional
            Read only these columns; those that the table lacks are ignored.

        Raises
        ------
        SchemaError
            If reading fails or the table has no row.
        """
        import pandas as pd

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
    """Group records, each given with its size in bytes, into chunks."""
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
    """Rows of text cells as a frame; an empty cell is missing.

    Parameters
    ----------
    cells : list[list[str]]
    columns : tuple of str
    wanted : tuple of str
        Columns to read.
    """
    import pandas as pd

    places = {name: columns.index(name) for name in wanted}
    texts = {name: pd.array([row[place] or None for row in cells], dtype="string") for name, place in places.items()}
    return pd.DataFrame(texts, index=range(len(cells)))


def clean_header(cells: Sequence[str], path: Path) -> tuple[str, ...]:
    """Column names from the cells of a header.

    Raises
    ------
    SchemaError
        For no cells, too many, one too long to be a name, and a name that occurs twice.
    """
    names = [" ".join(cell.replace("\0", "").split()) for cell in cells]
    if not any(names):
        raise SchemaError(f"{path}: has no row and no header")
    if len(names) > MOST_COLUMNS:
        raise SchemaError(f"{path}: has {len(names)} columns; the most is {MOST_COLUMNS}")
    longest = max(map(len, names))
    if longest > _LONGEST_NAME:
        raise SchemaError(
            f"{path}: its first line has no column names (one has {longest} characters); put a header above it"
        )
    return check_distinct([name or f"Unnamed: {place}" for place, name in enumerate(names)], path)


def check_distinct(names: Sequence[str], path: Path) -> tuple[str, ...]:
    """Return the names, none of which may occur twice.

    Raises
    ------
    SchemaError
        If one does.
    """
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise SchemaError(f"{path}: column(s) occur twice: {', '.join(twice)}; keep one of each")
    return tuple(names)


@contextmanager
def _locate_errors(path: Path, rows_read: Callable[[], int] = int) -> Iterator[None]:
    """Turn a library's complaint into one line without the cell that it complains about."""
    import pyarrow as pa

    try:
        yield
    except (SchemaError, FileNotFoundError):
        raise
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException) as error:
        where = f" after row {rows_read()}" if rows_read() else ""
        raise SchemaError(f"{path}: can't be read{where} ({type(error).__name__}); check the file") from error
