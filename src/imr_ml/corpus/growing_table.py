"""Add parts to a requests table on disk; one part at a time is held in memory, and a digest of each letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.issues import Issue, Reissue, case_versions, issues_of, reissues
from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, SchemaError, require_columns, typed, validate_requests
from imr_ml.corpus.store import (
    ROWS_AT_ONCE,
    SCHEMA_VERSION,
    parts_of,
    read_requests,
    schema_version,
    write_parts,
    write_requests,
)
from imr_ml.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(slots=True)
class GrowingTable:
    """A requests table that is added to.

    Attributes
    ----------
    scratch : Path
        Folder of the new parts.
    existing : Path or None
        The rows it had, in the present schema.
    sha256s : set of str
        Checksums of the letters it had.
    contents : dict of bytes to str
        Digest of the content of each issue -> its file.
    issues : list of Issue
        In the order of the rows.
    """

    scratch: Path
    existing: Path | None = None
    sha256s: set[str] = field(default_factory=set)
    contents: dict[bytes, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    _existing_issues: int = 0
    _parts: int = 0

    def add_existing(self, table: Path) -> int | None:
        """Add the rows of a table on disk.

        Returns
        -------
        int or None
            Version of its schema, where it is an older one.

        Raises
        ------
        SchemaError
            For a file that is no requests table with the letters' checksums, or has a newer schema.
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
        """Add rows, which hold whole letters that the table lacks."""
        if len(requests):
            write_requests(requests, self.scratch / "parts" / f"{self._parts:06}.parquet")
            self._parts += 1
            self.issues += issues_of([requests])

    @property
    def has_grown(self) -> bool:
        """Whether anything was added."""
        return self._parts > 0

    def write(self, output: Path) -> tuple[Reissue, ...]:
        """Write all rows with their case versions; returns the cases that were reissued."""
        import pandas as pd

        write_parts(self._numbered_parts(), self._schema(), output)
        cases = self._reissued_cases()
        if not cases:
            return ()
        rows = [part[part["case_number"].isin(cases)] for part in parts_of(output)]
        return tuple(reissues(pd.concat(rows, ignore_index=True)))

    def _numbered_parts(self) -> Iterator[pd.DataFrame]:
        import numpy as np

        versions = np.repeat(
            np.asarray(case_versions(self.issues), dtype=np.float64), [issue.rows for issue in self.issues]
        )
        start = 0
        for path in self._paths():
            for part in parts_of(path):
                yield part.assign(**{CASE_VERSION: versions[start : start + len(part)]})
                start += len(part)

    def _reissued_cases(self) -> set[str]:
        """Numbers of the cases of which a new issue follows another."""
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
        """Our columns in our types and order, then those that passed through."""
        import pandas as pd
        import pyarrow as pa

        from imr_ml.tables.parquet_files import read_schema

        names = [column.name for column in COLUMNS]
        ours = pa.Schema.from_pandas(typed(pd.DataFrame(columns=names)), preserve_index=False)
        others = [
            pa.schema([field for field in read_schema(path) if field.name not in names]) for path in self._paths()
        ]
        try:
            return pa.unify_schemas([ours.remove_metadata(), *others], promote_options="permissive")
        except pa.ArrowException as error:
            raise SchemaError(
                f"{self.existing}: a column of its own has another type than in what is added; start anew with --fresh"
            ) from error


def _checked(requests: pd.DataFrame, table: Path) -> pd.DataFrame:
    require_columns(list(requests.columns), ("letter_sha256",), str(table))
    return validate_requests(requests, str(table))
