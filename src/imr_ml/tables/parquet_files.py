"""Read a Parquet file, or a folder of them as one table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from imr_ml.decoding import Encoding, decode_line
from imr_ml.errors import SchemaError
from imr_ml.tables.formats import parquet_files
from imr_ml.tables.table import CHUNK_BYTES, Rows, Table, check_distinct

_BUFFER_BYTES = 1 << 20


def open_parquet(path: Path) -> Table:
    """Open a Parquet file or folder; see `Table.open`."""
    schema = read_schema(path)

    def read(rows: int, wanted: tuple[str, ...]) -> Iterator[Rows]:
        dataset = _open_dataset(path, schema)
        # Pages are read on demand, as reading ahead would load whole row groups.
        batches = dataset.to_batches(
            columns=list(wanted),
            batch_size=_batch_rows(path, rows),
            batch_readahead=0,
            fragment_readahead=0,
            use_threads=False,
        )
        for batch in _join_batches(batches, rows):
            # Selecting rows is many times faster from a few long pieces than from the file's short ones.
            yield frame_of(batch.combine_chunks()), ()

    return Table(path, "parquet", tuple(schema.names), "Parquet", read)


def read_schema(path: Path) -> pa.Schema:
    """Unify the schemas of all files: columns in the order of first appearance, partitions last.

    Raises
    ------
    SchemaError
        If a column has incompatible types in two files, or a name is duplicated.
    """
    schemas = [_plain_schema(pq.read_schema(file).remove_metadata()) for file in _list_files(path)]
    for schema in schemas:
        check_distinct(schema.names, path)
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException as error:
        name = next(field.name for other in schemas for field in other if _is_contradicted(field, schemas))
        raise SchemaError(
            f"{path}: column {name} has different types in its files; write them with one schema"
        ) from error
    folders = [file.relative_to(path).parts[:-1] for file in _list_files(path)] if path.is_dir() else []
    keys = dict.fromkeys(part.partition("=")[0] for parts in folders for part in parts if "=" in part)
    return pa.schema([*schema, *(pa.field(key, pa.string()) for key in keys if key not in schema.names)])


def frame_of(batch: pa.Table) -> pd.DataFrame:
    """Build a frame with types that do not depend on missing values."""
    numpy_kinds = (pa.types.is_floating, pa.types.is_timestamp, pa.types.is_null)
    kinds = {
        pa.string(): pd.StringDtype(),
        pa.large_string(): pd.StringDtype(),
        pa.bool_(): pd.BooleanDtype(),
        **{getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")() for name in _INTEGERS},
    }

    def pandas_type(arrow_type: pa.DataType) -> object:
        if arrow_type in kinds or any(is_kind(arrow_type) for is_kind in numpy_kinds):
            return kinds.get(arrow_type)
        return pd.ArrowDtype(arrow_type)

    schema = _plain_schema(batch.schema.remove_metadata())
    table = batch.cast(schema)
    for place, field in enumerate(schema):
        if field.type == pa.string():
            table = table.set_column(place, field, _repair_text(table.column(place)))
    frame: pd.DataFrame = table.to_pandas(types_mapper=pandas_type)
    return frame if len(schema) else pd.DataFrame(index=range(len(batch)))


def _repair_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decode text that is not UTF-8 like a line of a text file."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        cells = column.cast(pa.binary()).to_pylist()
        texts = [None if cell is None else decode_line(cell, Encoding().code_page) for cell in cells]
        return pa.chunked_array([texts], pa.string())
    return column


_INTEGERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")


def _open_dataset(path: Path, schema: pa.Schema) -> ds.FileSystemDataset:
    options = ds.ParquetFragmentScanOptions(use_buffered_stream=True, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    keys = pa.schema([field for field in schema if field.type == pa.string()])
    return ds.dataset(
        [str(file) for file in _list_files(path)],
        schema=schema,
        format=ds.ParquetFileFormat(default_fragment_scan_options=options),
        partitioning=ds.HivePartitioning(keys) if path.is_dir() else None,
        partition_base_dir=str(path) if path.is_dir() else None,
    )


def _join_batches(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Join batches to tables of `rows` rows, or fewer if rows are very long."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        table = pa.Table.from_batches(waiting)
        while len(table) >= rows or table.nbytes > CHUNK_BYTES:
            count = min(rows, max(1, len(table) * CHUNK_BYTES // max(1, table.nbytes)))
            yield table.slice(0, count)
            table = table.slice(count)
        waiting = table.to_batches()
    if sum(map(len, waiting)):
        yield pa.Table.from_batches(waiting)


def _batch_rows(path: Path, rows: int) -> int:
    """Number of rows of a batch that fit into `CHUNK_BYTES`, by their average size."""
    files = [pq.read_metadata(file) for file in _list_files(path)]
    size = sum(file.row_group(place).total_byte_size for file in files for place in range(file.num_row_groups))
    average = max(1, size // max(1, sum(file.num_rows for file in files)))
    return int(max(1, min(rows, CHUNK_BYTES // average)))


def _list_files(path: Path) -> list[Path]:
    return parquet_files(path) if path.is_dir() else [path]


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    """Replace all text types by one, and dictionaries by the type of their values."""
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _is_contradicted(field: pa.Field, schemas: list[pa.Schema]) -> bool:
    others = [schema.field(field.name) for schema in schemas if field.name in schema.names]
    try:
        pa.unify_schemas([pa.schema([field]), *(pa.schema([other]) for other in others)], promote_options="permissive")
    except pa.ArrowException:
        return True
    return False
