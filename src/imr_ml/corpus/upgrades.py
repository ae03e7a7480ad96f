"""Versions of the requests table's schema: which one a file has, and the steps from an older one to this one's.

Knows Parquet's metadata. A step is a pure function from a table of its version to one of the next. A file that says
nothing, as no file of version 1 does and none that other programs write, is of version 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.issues import with_versions
from imr_ml.corpus.schema import CASE_VERSION, SchemaError, typed
from imr_ml.tables.formats import table_format

if TYPE_CHECKING:
    import pandas as pd

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
        told = (pq.read_schema(file).metadata or {}).get(METADATA_KEY, b"1").decode("ascii", "replace")
    except (OSError, pa.ArrowException) as error:
        raise SchemaError(f"{file}: can't be read ({type(error).__name__}); check the file") from error
    version = int(told) if told.isdecimal() else 0
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
