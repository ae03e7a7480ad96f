"""Tables in chunks: CSV, JSON lines, Parquet and folders of letters in; CSV, JSON lines and Parquet out.

Knows file formats and chunks. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus import ingest, letter_files
from imr_ml.corpus.schema import COLUMNS, SchemaError
from imr_ml.files import written_whole

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

OUTPUT_SUFFIXES = (".csv", ".jsonl", ".parquet")
_LETTERS_AT_ONCE = 200


def read_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """The table in chunks of at most `rows` rows, indexed from 0 on.

    A folder is read as letters; one that can't be read is a row with its file and reason in ``error``.

    Raises
    ------
    SchemaError
        For a file of no known format or one that breaks its format.
    FileNotFoundError
        For a path that does not exist.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if path.is_dir():
        return _numbered(_letter_chunks(path))
    readers = {".csv": _csv_chunks, ".jsonl": _jsonl_chunks, ".parquet": _parquet_chunks}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SchemaError(f"{path}: can't be scored; give a folder of letters or a table ({', '.join(readers)})")
    return _numbered(_told_where(reader(path, rows), path))


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
    for chunk in read_chunks(path, rows=50_000):
        if "case_number" not in chunk or "items_in_case" in chunk:
            return None
        counts.append(chunk["case_number"].astype("string").value_counts())
    return pd.concat(counts).groupby(level=0).sum() if counts else None


def _csv_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    with pd.read_csv(
        path, dtype="string", keep_default_na=False, na_values=[""], encoding="utf-8-sig", chunksize=rows
    ) as chunks:
        yield from chunks


def _jsonl_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    with pd.read_json(path, lines=True, dtype=False, convert_dates=False, chunksize=rows) as chunks:
        yield from chunks


def _parquet_chunks(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch.to_pandas()


def _letter_chunks(folder: Path) -> Iterator[pd.DataFrame]:
    files = letter_files([folder])
    if not files:
        raise SchemaError(f"{folder}: holds no letter (.pdf or .txt)")
    for start in range(0, len(files), _LETTERS_AT_ONCE):
        read = ingest(files[start : start + _LETTERS_AT_ONCE])
        rejects = pd.DataFrame(
            {
                "file": [reject.file for reject in read.rejects],
                "error": [": ".join(filter(None, (reject.place, reject.reason))) for reject in read.rejects],
            },
            dtype="string",
        ).reindex(columns=[*(column.name for column in COLUMNS), "error"])
        yield pd.concat([read.requests.assign(error=pd.NA), rejects.astype(read.requests.dtypes)], ignore_index=True)


def _told_where(chunks: Iterator[pd.DataFrame], path: Path) -> Iterator[pd.DataFrame]:
    """The chunks; what a parser raises is told as one line that names the file and no content."""
    import pyarrow as pa

    done = 0
    try:
        for chunk in chunks:
            done += len(chunk)
            yield chunk
    except (ValueError, pa.ArrowException) as error:
        kind = path.suffix.lstrip(".").upper()
        raise SchemaError(
            f"{path}: is no readable {kind} after row {done} ({type(error).__name__}); check the file"
        ) from error
    if not done:
        raise SchemaError(f"{path}: holds no row")


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
        mixed = chunk.select_dtypes("object").columns
        table = pa.Table.from_pandas(chunk.astype(dict.fromkeys(mixed, "string")), preserve_index=False)
        if not opened:
            opened.append(pq.ParquetWriter(path, table.schema, compression="zstd"))
        opened[0].write_table(table.cast(opened[0].schema))

    try:
        yield write
    finally:
        for writer in opened:
            writer.close()
