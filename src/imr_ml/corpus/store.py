"""Read and write the requests table, with its schema version and upgrades."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.issues import with_versions
from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, Role, SchemaError, typed
from imr_ml.files import atomic_write
from imr_ml.tables.formats import table_format
from imr_ml.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


ROWS_AT_ONCE = 10_000
"""Of a table that is not to be held as a whole: some 50 MB of letters."""
_ROWS_OF_A_CHUNK = 50_000
REASONS_SHOWN = 5


def read_requests(path: Path) -> pd.DataFrame:
    """A whole table as it stands in the file, upgraded; see `Table`, and `validate_requests` for its types.

    Raises
    ------
    SchemaError
        For what is not a table, one with rows that can't be read, whose first are named, and one whose schema is newer
        than ours.
    FileNotFoundError
        Where there is nothing.
    """
    import pandas as pd

    version = schema_version(path)
    chunks = list(Table.open(path).chunks(_ROWS_OF_A_CHUNK))
    rejects = [line for chunk in chunks for line in chunk.rejects]
    if rejects:
        details = "; ".join(f"line {one.line} {one.reason}" for one in rejects[:REASONS_SHOWN])
        more = "; ..." if len(rejects) > REASONS_SHOWN else ""
        raise SchemaError(f"{path}: {len(rejects)} line(s) are not rows: {details}{more}; mend or remove them")
    return upgraded(pd.concat([chunk.frame for chunk in chunks], ignore_index=True), version)


def write_requests(requests: pd.DataFrame, path: Path) -> None:
    """Write the requests table as Parquet, with the version of its schema and each known column's role as metadata."""
    import pyarrow as pa

    write_parts([requests], pa.Schema.from_pandas(requests, preserve_index=False), path)


def write_parts(parts: Iterable[pd.DataFrame], schema: pa.Schema, path: Path) -> None:
    """Write a requests table that comes in parts, of which one at a time is held.

    Parameters
    ----------
    parts : iterable of DataFrame
    schema : pyarrow.Schema
        Columns of the table and their types; those that a part lacks are missing in it.
    path : Path
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    roles = {column.name: column.role for column in COLUMNS}
    fields = [field.with_metadata({"role": roles.get(field.name, Role.REST).value}) for field in schema]
    marked = pa.schema(fields, {**(schema.metadata or {}), METADATA_KEY: str(SCHEMA_VERSION)})
    with atomic_write(path) as temporary, pq.ParquetWriter(temporary, marked, compression="zstd") as writer:
        for part in parts:
            whole = part.reindex(columns=schema.names)
            writer.write_table(pa.Table.from_pandas(whole, schema=schema, preserve_index=False).cast(marked))


def parts_of(path: Path) -> Iterator[pd.DataFrame]:
    """The rows of a table that `write_parts` wrote, or of a folder of such, in their types, some at a time."""
    for chunk in Table.open(path).chunks(ROWS_AT_ONCE):
        yield typed(chunk.frame)


SCHEMA_VERSION = 2
METADATA_KEY = b"imr_ml.schema_version"


def schema_version(path: Path) -> int:
    """Version that a table's file has; of a folder of Parquet files the oldest.

    Raises
    ------
    SchemaError
        For a version that is newer than this one, or none.
    """
    if table_format(path) != "parquet":
        return 1
    from imr_ml.tables.formats import parquet_files

    return min(_version_of(file) for file in (parquet_files(path) if path.is_dir() else [path]))


def upgraded(requests: pd.DataFrame, version: int) -> pd.DataFrame:
    """A table of an older version as one of `SCHEMA_VERSION`."""
    for step in range(version, SCHEMA_VERSION):
        requests = _STEPS[step](requests)
    return requests


def _version_of(file: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        recorded = (pq.read_schema(file).metadata or {}).get(METADATA_KEY, b"1").decode("ascii", "replace")
    except (OSError, pa.ArrowException) as error:
        raise SchemaError(f"{file}: can't be read ({type(error).__name__}); check the file") from error
    version = int(recorded) if recorded.isdecimal() else 0
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"{file}: its schema has version {version}, this imr-ml reads up to {SCHEMA_VERSION}; "
            f"install the imr-ml that wrote it, or a newer one"
        )
    if version < 1:
        raise SchemaError(f"{file}: its schema has an unknown version; ingest its letters anew")
    return version


def _count_case_versions(requests: pd.DataFrame) -> pd.DataFrame:
    """From 1 to 2: which issue of its case a row is of, where letters tell issues apart."""
    if CASE_VERSION in requests or not {"case_number", "letter_sha256"} <= set(requests.columns):
        return requests
    return requests.assign(**{CASE_VERSION: with_versions(typed(requests))[CASE_VERSION]})


_STEPS: Mapping[int, Callable[[pd.DataFrame], pd.DataFrame]] = {1: _count_case_versions}
