"""Tables and folders of letters in, in chunks; CSV, JSON lines and Parquet out.

Knows file formats and chunks. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus import Reject, ingest, letter_files, read_chunks
from imr_ml.corpus.schema import COLUMNS, SchemaError, typed
from imr_ml.files import written_whole

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

OUTPUT_SUFFIXES = (".csv", ".jsonl", ".parquet")
_ROWS_TO_COUNT = 50_000


def read_input(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """A table, or a folder's letters, in chunks of about `rows` rows, indexed from 0 on.

    A letter that can't be read is a row with its file and the reason in ``error``.

    Raises
    ------
    SchemaError
        For a file of no known format or one that breaks its format, or a folder without letters.
    FileNotFoundError
        For a path that does not exist.
    """
    return _numbered(_letter_chunks(path, rows) if path.is_dir() else read_chunks(path, rows))


@contextmanager
def chunk_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that appends chunks; the file appears when the block ends without error.

    Raises
    ------
    SchemaError
        For an output of no known format.
    """
    suffix = path.suffix.lower()
    if suffix not in OUTPUT_SUFFIXES:
        raise SchemaError(f"{path}: can't be written; end its name in {', '.join(OUTPUT_SUFFIXES)}")
    with written_whole(path) as temporary:
        if suffix == ".parquet":
            with _parquet_writer(temporary) as write:
                yield write
        else:
            yield _csv_writer(temporary) if suffix == ".csv" else _jsonl_writer(temporary)


def count_case_rows(path: Path) -> pd.Series | None:
    """Rows of each case number in a table file, None where it holds no case numbers or holds their items already."""
    counts: list[pd.Series] = []
    for chunk in read_chunks(path, _ROWS_TO_COUNT):
        if "case_number" not in chunk or "items_in_case" in chunk:
            return None
        counts.append(chunk["case_number"].astype("string").value_counts())
    total: pd.Series = pd.concat(counts).groupby(level=0).sum()
    return total


def _letter_chunks(folder: Path, rows: int) -> Iterator[pd.DataFrame]:
    files = letter_files([folder])
    if not files:
        raise SchemaError(f"{folder}: holds no letter (.pdf or .txt)")
    for start in range(0, len(files), rows):
        read = ingest(files[start : start + rows])
        yield pd.concat([read.requests, _reject_rows(read.rejects)], ignore_index=True)


def _reject_rows(rejects: tuple[Reject, ...]) -> pd.DataFrame:
    """A row for each letter that is not in the table, in the table's types."""
    told = {
        "file": [reject.file for reject in rejects],
        "error": [": ".join(filter(None, (reject.place, reject.reason))) for reject in rejects],
    }
    columns = [*(column.name for column in COLUMNS), "error"]
    return typed(pd.DataFrame(told).reindex(columns=columns)).astype({"error": "string"})


def _numbered(chunks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    start = 0
    for chunk in chunks:
        yield chunk.set_axis(pd.RangeIndex(start, start + len(chunk)), axis=0)
        start += len(chunk)


def _csv_writer(path: Path) -> Callable[[pd.DataFrame], None]:
    def write(chunk: pd.DataFrame) -> None:
        with path.open("a", encoding="utf-8", newline="") as file:
            chunk.to_csv(file, index=False, header=file.tell() == 0, lineterminator="\n")

    return write


def _jsonl_writer(path: Path) -> Callable[[pd.DataFrame], None]:
    def write(chunk: pd.DataFrame) -> None:
        with path.open("a", encoding="utf-8") as file:
            chunk.to_json(
                file,
                orient="records",
                lines=True,
                date_format="iso",
                date_unit="s",
                force_ascii=False,
                double_precision=15,
            )

    return write


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened: list[ParquetWriter] = []

    def write(chunk: pd.DataFrame) -> None:
        # Whatever a column of mixed values holds in this chunk, it shall have one type in all of them.
        mixed = [name for name, kind in chunk.dtypes.items() if pd.api.types.is_object_dtype(kind)]
        table = pa.Table.from_pandas(chunk.astype(dict.fromkeys(mixed, "string")), preserve_index=False)
        if not opened:
            opened.append(pq.ParquetWriter(path, table.schema, compression="zstd"))
        opened[0].write_table(table.cast(opened[0].schema))

    try:
        yield write
    finally:
        for writer in opened:
            writer.close()
