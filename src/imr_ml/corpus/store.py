"""Read, write, upgrade and append to the requests table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from imr_ml.corpus.issues import Issue, Reissue, case_versions, issues_of, reissues, with_versions
from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, Role, SchemaError, require_columns, typed, validate_requests
from imr_ml.files import atomic_write
from imr_ml.tables.formats import parquet_files, table_format
from imr_ml.tables.parquet_files import read_schema
from imr_ml.tables.table import Table

SCHEMA_VERSION = 2
METADATA_KEY = b"imr_ml.schema_version"
ROWS_AT_ONCE = 10_000
"""Chunk size for tables that may not fit in memory; about 50 MB of letters."""
_ROWS_OF_A_CHUNK = 50_000
REASONS_SHOWN = 5


def read_requests(path: Path) -> pd.DataFrame:
    """Read a whole table and upgrade its schema; `validate_requests` converts its types.

    Raises
    ------
    SchemaError
        If the file is not a table, has lines that are not rows, or has a newer schema than this version.
    FileNotFoundError
        If the file does not exist.
    """
    version = schema_version(path)
    chunks = list(Table.open(path).chunks(_ROWS_OF_A_CHUNK))
    rejects = [line for chunk in chunks for line in chunk.rejects]
    if rejects:
        details = "; ".join(f"line {line.line} {line.reason}" for line in rejects[:REASONS_SHOWN])
        more = "; ..." if len(rejects) > REASONS_SHOWN else ""
        raise SchemaError(f"{path}: {len(rejects)} line(s) are not rows: {details}{more}; fix or remove them")
    return upgraded(pd.concat([chunk.frame for chunk in chunks], ignore_index=True), version)


def write_requests(requests: pd.DataFrame, path: Path) -> None:
    """Write the requests table as Parquet, with the schema version and the role of each column as metadata."""
    write_parts([requests], pa.Schema.from_pandas(requests, preserve_index=False), path)


def write_parts(parts: Iterable[pd.DataFrame], schema: pa.Schema, path: Path) -> None:
    """Write a requests table from an iterable of parts, holding one part in memory at a time.

    Parameters
    ----------
    parts : iterable of DataFrame
    schema : pyarrow.Schema
        Columns and types of the table; columns that a part lacks are filled with missing values.
    path : Path
    """
    roles = {column.name: column.role for column in COLUMNS}
    fields = [field.with_metadata({"role": roles.get(field.name, Role.REST).value}) for field in schema]
    marked = pa.schema(fields, {**(schema.metadata or {}), METADATA_KEY: str(SCHEMA_VERSION)})
    with atomic_write(path) as temporary, pq.ParquetWriter(temporary, marked, compression="zstd") as writer:
        for part in parts:
            whole = part.reindex(columns=schema.names)
            writer.write_table(pa.Table.from_pandas(whole, schema=schema, preserve_index=False).cast(marked))


def parts_of(path: Path) -> Iterator[pd.DataFrame]:
    """Read a table that `write_parts` wrote, or a folder of such tables, in typed chunks."""
    for chunk in Table.open(path).chunks(ROWS_AT_ONCE):
        yield typed(chunk.frame)


def schema_version(path: Path) -> int:
    """Schema version of a table's file; the oldest one for a folder of Parquet files.

    Raises
    ------
    SchemaError
        If the version is newer than this one or invalid.
    """
    if table_format(path) != "parquet":
        return 1
    return min(_version_of(file) for file in (parquet_files(path) if path.is_dir() else [path]))


def upgraded(requests: pd.DataFrame, version: int) -> pd.DataFrame:
    """Upgrade a table to `SCHEMA_VERSION`; version 2 numbers the issues of each case."""
    is_old = version < 2 and CASE_VERSION not in requests
    if not (is_old and {"case_number", "letter_sha256"} <= set(requests.columns)):
        return requests
    return requests.assign(**{CASE_VERSION: with_versions(typed(requests))[CASE_VERSION]})


def _version_of(file: Path) -> int:
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
        raise SchemaError(f"{file}: its schema has an unknown version; ingest its letters again")
    return version


@dataclass(slots=True)
class GrowingTable:
    """A requests table to which letters are appended.

    Attributes
    ----------
    scratch : Path
        Folder for new parts.
    existing : Path or None
        Existing rows, in the current schema.
    sha256s : set of str
        Checksums of the existing letters.
    contents : dict of bytes to str
        Digest of the content of each existing issue -> its file.
    issues : list of Issue
        All issues, in the order of the rows.
    """

    scratch: Path
    existing: Path | None = None
    sha256s: set[str] = field(default_factory=set)
    contents: dict[bytes, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    _existing_issues: int = 0
    _parts: int = 0

    def add_existing(self, table: Path) -> int | None:
        """Start from the rows of a table on disk.

        Returns
        -------
        int or None
            Its schema version if it is an older one.

        Raises
        ------
        SchemaError
            If the file is not a requests table with checksums of letters, or has a newer schema.
        """
        version = schema_version(table)
        self.existing = table
        if version < SCHEMA_VERSION:
            self.existing = self.scratch / "existing.parquet"
            write_requests(_checked(read_requests(table), table), self.existing)
        chunks = (_checked(chunk.frame, table) for chunk in Table.open(self.existing).chunks(ROWS_AT_ONCE))
        self.issues = list(issues_of(chunks))
        self._existing_issues = len(self.issues)
        self.contents = {issue.content: issue.file for issue in self.issues}
        self.sha256s = {issue.sha256 for issue in self.issues if issue.sha256}
        return version if version < SCHEMA_VERSION else None

    def add(self, requests: pd.DataFrame) -> None:
        """Add the rows of letters that the table does not contain yet."""
        if len(requests):
            write_requests(requests, self.scratch / "parts" / f"{self._parts:06}.parquet")
            self._parts += 1
            self.issues += issues_of([requests])

    @property
    def has_grown(self) -> bool:
        """Whether anything was added."""
        return self._parts > 0

    def write(self, output: Path) -> tuple[Reissue, ...]:
        """Write all rows with their case versions, and return the cases that were reissued."""
        write_parts(self._numbered_parts(), self._schema(), output)
        cases = self._reissued_cases()
        if not cases:
            return ()
        rows = [part[part["case_number"].isin(cases)] for part in parts_of(output)]
        return tuple(reissues(pd.concat(rows, ignore_index=True)))

    def _numbered_parts(self) -> Iterator[pd.DataFrame]:
        versions = np.repeat(
            np.asarray(case_versions(self.issues), dtype=np.float64), [issue.rows for issue in self.issues]
        )
        start = 0
        for path in self._paths():
            for part in parts_of(path):
                yield part.assign(**{CASE_VERSION: versions[start : start + len(part)]})
                start += len(part)

    def _reissued_cases(self) -> set[str]:
        """Numbers of the cases of which a new issue follows an earlier one."""
        seen = {issue.case for issue in self.issues[: self._existing_issues]}
        reissued: set[str] = set()
        for issue in self.issues[self._existing_issues :]:
            if issue.case in seen and issue.case is not None:
                reissued.add(issue.case[1])
            seen.add(issue.case)
        return reissued

    def _paths(self) -> list[Path]:
        existing = [self.existing] if self.existing else []
        return [*existing, self.scratch / "parts"] if self._parts else existing

    def _schema(self) -> pa.Schema:
        """Schema columns in their types and order, then columns that pass through."""
        names = [column.name for column in COLUMNS]
        ours = pa.Schema.from_pandas(typed(pd.DataFrame(columns=names)), preserve_index=False)
        others = [
            pa.schema([field for field in read_schema(path) if field.name not in names]) for path in self._paths()
        ]
        try:
            return pa.unify_schemas([ours.remove_metadata(), *others], promote_options="permissive")
        except pa.ArrowException as error:
            raise SchemaError(
                f"{self.existing}: an extra column has another type than in the new rows; start over with --fresh"
            ) from error


def _checked(requests: pd.DataFrame, table: Path) -> pd.DataFrame:
    require_columns(list(requests.columns), ("letter_sha256",), str(table))
    return validate_requests(requests, str(table))
