"""Scored rows out: CSV, JSON lines and Parquet, chunk by chunk.

Knows file formats. Knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from imr_ml.corpus.schema import SchemaError
from imr_ml.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow.parquet import ParquetWriter

OUTPUT_SUFFIXES = (".csv", ".jsonl", ".parquet")
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection); a plain number is none.
_FORMULA = r"^(?=[=+\-@\t\r])(?![+-]?\d+(?:[.,]\d+)*$)"


def check_output(path: Path) -> None:
    """Check that an output's name tells a format that can be written.

    Raises
    ------
    SchemaError
        Where it tells none.
    """
    if path.suffix.lower() not in OUTPUT_SUFFIXES:
        raise SchemaError(f"{path}: can't be written; end its name in {', '.join(OUTPUT_SUFFIXES)}")


@contextmanager
def chunk_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that appends chunks; the file appears when the block ends without error.

    A CSV's text cell that a spreadsheet would run as a formula gets an apostrophe before it. JSON lines and Parquet
    hold every value exactly.

    Raises
    ------
    SchemaError
        For an output of no known format.
    """
    check_output(path)
    suffix = path.suffix.lower()
    with atomic_write(path) as temporary:
        if suffix == ".parquet":
            with _parquet_writer(temporary) as write:
                yield write
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                yield _text_writer(file, _csv if suffix == ".csv" else _jsonl)


def _text_writer(file: TextIO, text_of: Callable[[pd.DataFrame, bool], str]) -> Callable[[pd.DataFrame], None]:
    def write(chunk: pd.DataFrame) -> None:
        file.write(text_of(chunk, not file.tell()))

    return write


def safe_cells(chunk: pd.DataFrame) -> pd.DataFrame:
    """The chunk with an apostrophe before every text that a spreadsheet would run as a formula."""
    import pandas as pd

    texts = {
        str(name): values.astype("string").str.replace(_FORMULA, "'", regex=True).where(values.notna(), values)
        for name, values in chunk.items()
        if pd.api.types.is_string_dtype(values) or pd.api.types.is_object_dtype(values)
    }
    return chunk.assign(**texts).rename(columns=lambda name: f"'{name}" if str(name)[:1] in tuple("=+-@") else name)


def _csv(chunk: pd.DataFrame, first: bool) -> str:
    text: str = safe_cells(chunk).to_csv(index=False, header=first, lineterminator="\n")
    return text


def _jsonl(chunk: pd.DataFrame, first: bool) -> str:
    del first
    rows = chunk.astype("object").where(chunk.notna(), None).to_dict("records")
    return "".join(f"{json.dumps(row, ensure_ascii=False, default=_plain)}\n" for row in rows)


def _plain(value: object) -> object:
    """A value of a type that JSON lacks: a date as ISO 8601, a NumPy number as Python's own."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else str(value)


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    import pandas as pd
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
