"""Add parts to a growing table and write it at the end.

One part is held at a time; of all issues their digests are.
"""

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
from imr_ml.tables.reading import read_chunks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(slots=True)
class GrowingTable:
    """A requests table that is added to.

    Attributes
    ----------
    scratch : Path
        Folder of the new parts.
    known : Path or None
        The rows it had, in the present schema.
    sha256s : set of str
        Of the letters it had.
    contents : dict of bytes to str
        Digest of an issue's content -> its file.
    issues : list of Issue
        In the order of the rows.
    """

    scratch: Path
    known: Path | None = None
    sha256s: set[str] = field(default_factory=set)
    contents: dict[bytes, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    _known_issues: int = 0
    _parts: int = 0

    def add_known(self, table: Path) -> int | None:
        """Take over a table's rows.

        Returns
        -------
        int or None
            Version of its schema, where it is an older one.

        Raises
        ------
        SchemaError
            For what is no requests table with the letters' checksums, or one of a newer schema.
        """
        version = schema_version(table)
        self.known = table
        if version < SCHEMA_VERSION:
            self.known = self.scratch / "known.parquet"
            write_requests(_checked(read_requests(table), table), self.known)
        chunks = (_checked(chunk.frame, table) for chunk in read_chunks(self.known, ROWS_AT_ONCE))
        self.issues = list(issues_of(chunks))
        self._known_issues = len(self.issues)
        self.contents = {issue.content: issue.file for issue in self.issues}
        self.sha256s = {issue.sha256 for issue in self.issues if issue.sha256}
        return version if version < SCHEMA_VERSION else None

    def add(self, requests: pd.DataFrame) -> None:
        """Add rows, which hold whole letters that the table lacks."""
        if len(requests):
            folder = self.scratch / "parts"
            write_requests(requests, folder / f"{self._parts:06}.parquet")
            self._parts += 1
            self.issues += issues_of([requests])

    @property
    def has_grown(self) -> bool:
        """Whether anything was added."""
        return self._parts > 0

    def write(self, output: Path) -> tuple[Reissue, ...]:
        """Write the rows of old and the new ones, and tell which cases were reissued."""
        import numpy as np
        import pandas as pd

        rows = [issue.rows for issue in self.issues]
        versions = np.repeat(np.asarray(case_versions(self.issues), dtype=np.float64), rows)
        new, old = self.issues[self._known_issues :], self.issues[: self._known_issues]
        again = _issued_again(old, new)
        kept: list[pd.DataFrame] = []
        write_parts(_numbered(self._frames(), versions, again, kept), self._schema(), output)
        return tuple(reissues(pd.concat(kept, ignore_index=True))) if kept else ()

    def _frames(self) -> Iterator[pd.DataFrame]:
        for path in self._paths():
            yield from parts_of(path)

    def _paths(self) -> list[Path]:
        known = [self.known] if self.known else []
        return [*known, self.scratch / "parts"] if self._parts else known

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
                f"{self.known}: a column of its own has another type than in what is added; start anew with --fresh"
            ) from error


def _checked(requests: pd.DataFrame, table: Path) -> pd.DataFrame:
    require_columns(requests, ("letter_sha256",), str(table))
    return validate_requests(requests, str(table))


def _issued_again(old: list[Issue], new: list[Issue]) -> set[str]:
    """Numbers of cases of which there is an issue before one of the new ones."""
    seen = {issue.case for issue in old}
    again: set[str] = set()
    for issue in new:
        if issue.case in seen and issue.case is not None:
            again.add(issue.case[1])
        seen.add(issue.case)
    return again


def _numbered(
    frames: Iterator[pd.DataFrame], versions: NDArray[np.float64], again: set[str], kept: list[pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """The frames with their rows' versions; the rows of the cases in `again` are put into `kept`."""
    done = 0
    for frame in frames:
        numbered = frame.assign(**{CASE_VERSION: versions[done : done + len(frame)]})
        done += len(frame)
        if again:
            kept.append(numbered[numbered["case_number"].isin(again)])
        yield numbered
