"""Tables on disk: CSV, JSON lines and Parquet in, Parquet out.

Knows file formats. What a table must hold, `schema` knows.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, Role, SchemaError
from imr_ml.files import written_whole

if TYPE_CHECKING:
    import pandas as pd

TABLE_SUFFIXES = (".csv", ".jsonl", ".parquet")
_ROWS_AT_ONCE = 50_000


def read_requests(path: Path) -> pd.DataFrame:
    """A whole table as it stands in the file; see `read_chunks`, and `validate_requests` for its types."""
    import pandas as pd

    return pd.concat(list(read_chunks(path, rows=_ROWS_AT_ONCE)), ignore_index=True)


def read_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """A table as it stands in the file, every CSV cell as text, in chunks of at most `rows` rows.

    Raises
    ------
    SchemaError
        For a file that is not a table of a known format, or an empty one; the message holds nothing of its content.
    FileNotFoundError
        Where there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    readers = {".csv": _csv_chunks, ".jsonl": _jsonl_chunks, ".parquet": _parquet_chunks}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SchemaError(f"{path}: is not a table; give one that ends in {', '.join(TABLE_SUFFIXES)}")
    return _told_where(reader(path, rows), path)


def write_requests(requests: pd.DataFrame, path: Path) -> None:
    """Write the requests table as Parquet, each known column marked with its role in the field's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    roles = {column.name: column.role for column in COLUMNS}
    table = pa.Table.from_pandas(requests, preserve_index=False)
    fields = [field.with_metadata({"role": roles.get(field.name, Role.REST).value}) for field in table.schema]
    marked = table.cast(pa.schema(fields, metadata=table.schema.metadata))
    with written_whole(path) as temporary:
        pq.write_table(marked, temporary, compression="zstd")


def _told_where(chunks: Iterator[pd.DataFrame], path: Path) -> Iterator[pd.DataFrame]:
    """The chunks that hold rows; a parser's complaint is told as one line without what it complains of."""
    import pandas as pd

    done = 0
    try:
        for chunk in chunks:
            if len(chunk):
                yield chunk
            done += len(chunk)
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: is not UTF-8 text; save it anew with that encoding") from error
    except (ValueError, OSError, pd.errors.ParserWarning) as error:
        where = f" after row {done}" if done else ""
        kind = path.suffix.lstrip(".").upper()
        raise SchemaError(f"{path}: can't be read as {kind}{where} ({type(error).__name__}); check the file") from error
    if not done:
        raise SchemaError(f"{path}: holds no row")


def _csv_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with warnings.catch_warnings():
        # pandas only warns of a row with more cells than the header, and drops what is too much.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        with pd.read_csv(
            path,
            dtype="string",
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            index_col=False,
            chunksize=rows,
        ) as chunks:
            yield from chunks


def _jsonl_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with path.open(encoding="utf-8-sig") as lines:
        filled = (line for line in lines if line.strip())
        while some := [json.loads(line) for line in islice(filled, rows)]:
            if not all(isinstance(row, dict) for row in some):
                raise ValueError("a line that is not an object")
            # As written: what type a column has must not depend on which of its values fell into this chunk.
            yield pd.DataFrame(some, dtype="object")


def _parquet_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch.to_pandas()
