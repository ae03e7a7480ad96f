"""A Parquet file, or a folder of them -> batches of rows with one schema.

Reads pages as they are needed, not whole row groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import parquet_files
from imr_ml.tables.headers import distinct
from imr_ml.tables.types import BLOCK_BYTES, CHUNK_BYTES, NUL, ROW_BYTES, TOO_LONG

if TYPE_CHECKING:
    import pandas as pd

# Holds the number of rows where no column is wanted.
_NO_COLUMN = "\0"
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def schema_of(path: Path) -> pa.Schema:
    """One schema for all files: columns in the order of their first appearance, partitions last.

    Raises
    ------
    SchemaError
        Where a column has types in two files that have none in common.
    """
    found = [_schema(pq.read_schema(file)) for file in _files(path)]
    for schema in found:
        distinct(schema.names, path)
    try:
        schema = pa.unify_schemas(found, promote_options="permissive")
    except pa.ArrowException as error:
        raise SchemaError(f"{path}: a column has different types in its files; write them with one schema") from error
    keys = dict.fromkeys(key for file in _files(path) for key, _ in _partition(file, path))
    return pa.schema([*schema, *(pa.field(key, pa.string()) for key in keys if key not in schema.names)])


def batches(path: Path, rows: int, columns: Collection[str] | None) -> Iterator[tuple[pa.Table, dict[int, str]]]:
    """The rows of all files in the order of their paths, with the reasons of bad rows by their place."""
    schema = schema_of(path)
    if columns is not None:
        schema = pa.schema([field for field in schema if field.name in columns])
    for file in _files(path):
        # Pages are read as they come: buffering ahead would hold a whole row group.
        with pq.ParquetFile(file, buffer_size=BLOCK_BYTES, pre_buffer=False) as opened:
            names = [name for name in opened.schema_arrow.names if name in schema.names]
            fixed = dict(_partition(file, path))
            for batch in opened.iter_batches(_batch_rows(opened, rows), columns=names, use_threads=False):
                yield _table(batch, schema, fixed)


def conformed(batch: pa.RecordBatch) -> tuple[pa.Table, dict[int, str]]:
    """Rows from another reader in the types that `batches` gives, with the reasons of bad rows by their place."""
    return _table(batch, _schema(batch.schema), {})


def frame_of(table: pa.Table) -> pd.DataFrame:
    """The rows as a frame, whose types don't depend on whether a value is missing among them."""
    import pandas as pd

    kinds = {
        pa.string(): pd.StringDtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
    }
    frame: pd.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return frame.drop(columns=_NO_COLUMN, errors="ignore")


def _files(path: Path) -> list[Path]:
    return parquet_files(path) if path.is_dir() else [path]


def _partition(file: Path, root: Path) -> list[tuple[str, str | None]]:
    """Columns that the names of the folders above a file tell."""
    parts = [part.partition("=") for part in file.relative_to(root).parts[:-1] if "=" in part]
    return [(unquote(key), None if value == _NO_PARTITION else unquote(value)) for key, _, value in parts]


def _schema(written: pa.Schema) -> pa.Schema:
    """The types that columns are read as: one type of text, whatever a file calls it."""
    return pa.schema([pa.field(field.name, _kind(field.type)) for field in written])


def _kind(written: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(written):
        return _kind(written.value_type)
    texts = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary, pa.types.is_large_binary)
    if any(is_kind(written) for is_kind in texts) or pa.types.is_nested(written):
        return pa.string()
    return written


def _batch_rows(file: pq.ParquetFile, rows: int) -> int:
    """Rows that fit in memory, by the size of rows on average."""
    metadata = file.metadata
    sizes = [metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups)]
    average = max(1, sum(sizes) // max(1, metadata.num_rows))
    return max(1, min(rows, int(CHUNK_BYTES // average)))


def _table(batch: pa.RecordBatch, schema: pa.Schema, fixed: dict[str, str | None]) -> tuple[pa.Table, dict[int, str]]:
    columns: list[pa.Array] = []
    reasons: dict[int, str] = {}
    for field in schema:
        if field.name in batch.schema.names:
            column, told = _column(batch.column(field.name), field.type)
            reasons = told | reasons
        else:
            column = pa.array([fixed.get(field.name)], field.type).take(pa.array([0] * len(batch)))
        columns.append(column)
    if not columns:
        return pa.table({_NO_COLUMN: pa.nulls(len(batch))}), reasons
    return pa.Table.from_arrays(columns, schema=schema), reasons


def _column(column: pa.Array, kind: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """The column in its type, and the rows whose cell can't be had."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_nested(column.type):
        column = _as_json(column)
    reasons: dict[int, str] = {}
    if _holds_bytes(column.type):
        column, reasons = _without(column, pc.greater(pc.binary_length(column), ROW_BYTES), TOO_LONG)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column, told = _decoded(column)
        reasons |= told
    column = column.cast(kind)
    if pa.types.is_string(kind):
        nul = pc.fill_null(pc.match_substring(column, "\0"), fill_value=False)
        reasons = dict.fromkeys(pc.indices_nonzero(nul).to_pylist(), NUL) | reasons
    return column, reasons


def _holds_bytes(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )


def _without(column: pa.Array, bad: pa.BooleanArray, reason: str) -> tuple[pa.Array, dict[int, str]]:
    bad = pc.fill_null(bad, fill_value=False)
    places = pc.indices_nonzero(bad).to_pylist()
    if not places:
        return column, {}
    return pc.if_else(bad, pa.scalar(None, column.type), column), dict.fromkeys(places, reason)


def _decoded(column: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Bytes as the UTF-8 text that older writers mean by them."""
    try:
        return column.cast(pa.large_string()), {}
    except pa.ArrowInvalid:
        texts = [None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()]
        told = {
            place: "holds bytes that are not utf-8" for place, text in enumerate(texts) if text and "\ufffd" in text
        }
        return pa.array(texts, pa.large_string()), told


def _as_json(column: pa.Array) -> pa.Array:
    import json

    texts = [
        None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in column.to_pylist()
    ]
    return pa.array(texts, pa.string())
