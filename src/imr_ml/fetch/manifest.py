"""Record searches, downloads and failures in a SQLite manifest, which can be read during a fetch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

from imr_ml.fetch.types import AnswerError, FetchError, IndexedCase, Query

MANIFEST = "manifest.sqlite"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x494D524D
"""Identifies a manifest in the file's header ("IMRM")."""
_SCHEMA = "manifest.sql"
_INDEXED = ("case_outcome", "decision_date", "date_of_injury", "application_received", "specialty")
_THIS_LETTER = "case_number = ? AND url = ?"
_FIELDS = f"SELECT {', '.join(_INDEXED)} FROM cases WHERE {_THIS_LETTER}"  # noqa: S608
_REQUESTS = f"SELECT category, subcategory, outcome FROM requests WHERE {_THIS_LETTER} ORDER BY place"  # noqa: S608
_RECORD_CASE = (
    f"INSERT INTO cases (case_number, url, {', '.join(_INDEXED)}, state, listed_at) "  # noqa: S608
    f"VALUES (?, ?{', ?' * len(_INDEXED)}, 'found', ?) ON CONFLICT DO UPDATE SET state = 'found', attempts = 0, "
    f"{', '.join(f'{name} = excluded.{name}' for name in _INDEXED)}, listed_at = excluded.listed_at"
)
_RECORD_ATTEMPT = (
    "UPDATE cases SET state = ?, tried_at = ?, attempts = attempts + ?, http_status = ?, reason = ? "  # noqa: S608
    f"WHERE {_THIS_LETTER}"
)
_PENDING = "SELECT case_number, url FROM cases WHERE state != 'fetched' AND attempts < ? AND "
_IN_ORDER = " ORDER BY decision_date, case_number, listed_at, rowid"
_COUNTS = (
    "SELECT count(DISTINCT case_number), (SELECT count(*) FROM letters), "
    "(SELECT count(*) FROM cases WHERE state != 'fetched' AND attempts >= ?) FROM cases"
)
_RESET = "UPDATE cases SET state = 'found', attempts = 0 WHERE "


@dataclass(frozen=True, slots=True)
class PendingLetter:
    """A letter to download; `versions` are the SHA-256 of its case's stored letters."""

    case_number: str
    url: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A stored letter; `file` is relative to the manifest's folder, `note` states why it can't be read completely."""

    case_number: str
    url: str
    file: str
    sha256: str
    bytes: int
    http_status: int | None
    note: str | None = None


class Manifest:
    """The manifest of a folder, created if missing; a case has one row per address of its letter."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            if _check_version(self._connection, path, may_be_empty=True):
                self._create()
            self._connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _create(self) -> None:
        """Create tables and header in one transaction, so that a killed call leaves a valid file."""
        with self._transaction() as connection:
            for statement in files(__package__).joinpath(_SCHEMA).read_text(encoding="utf-8").split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
        except sqlite3.OperationalError as error:
            raise FetchError(f"{self._path}: can't be written ({error})") from error

    def record_search(self, query: Query, cases: list[IndexedCase]) -> None:
        """Record the cases of a search, and that its days were searched completely."""
        with self._transaction() as connection:
            for case in cases:
                self._record_case(case)
            if query.first_day and query.last_day:
                requests = sum(len(case.requests) for case in cases)
                row = (*_days(query), len(cases), requests, _now())
                connection.execute("INSERT OR REPLACE INTO walks VALUES (?, ?, ?, ?, ?)", row)

    def _record_case(self, case: IndexedCase) -> None:
        """Add a case; if its entry changed, its letter becomes pending again, as it may have been reissued."""
        key = (case.case_number, case.url)
        fields = tuple(str(value) if (value := getattr(case, name)) else value for name in _INDEXED)
        requests = [(request.category, request.subcategory, request.outcome) for request in case.requests]
        recorded = self._connection.execute(_FIELDS, key).fetchone()
        if recorded == fields and self._connection.execute(_REQUESTS, key).fetchall() == requests:
            return
        self._connection.execute(_RECORD_CASE, (*key, *fields, _now()))
        self._connection.execute(f"DELETE FROM requests WHERE {_THIS_LETTER}", key)  # noqa: S608
        rows = [(*key, place, *request) for place, request in enumerate(requests, start=1)]
        self._connection.executemany("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)", rows)

    def searched_at(self, query: Query) -> datetime | None:
        """Return the time of the last complete search of the query's days, or None."""
        walks = "SELECT walked_at FROM walks WHERE first_day = ? AND last_day = ?"
        row = self._connection.execute(walks, _days(query)).fetchone()
        return datetime.fromisoformat(row[0]) if row else None

    def first_day(self) -> date | None:
        """Return the first day of all searches, or None."""
        (day,) = self._connection.execute("SELECT min(first_day) FROM walks").fetchone()
        return date.fromisoformat(day) if day else None

    def pending(self, query: Query, max_calls: int) -> list[PendingLetter]:
        """List letters of the query that are not stored and failed in fewer than `max_calls` calls."""
        condition, values = _condition(query)
        rows = self._connection.execute(_PENDING + condition + _IN_ORDER, (max_calls, *values)).fetchall()
        return [PendingLetter(case, url, self._versions(case)) for case, url in rows]

    def _versions(self, case_number: str) -> tuple[str, ...]:
        query = "SELECT sha256 FROM letters WHERE case_number = ? ORDER BY version"
        return tuple(sha256 for (sha256,) in self._connection.execute(query, (case_number,)).fetchall())

    def reset(self, query: Query) -> None:
        """Make the letters of the query pending again, to detect reissues at the same address."""
        condition, values = _condition(query)
        with self._transaction() as connection:
            connection.execute(_RESET + condition, values)

    def record_letter(self, letter: StoredLetter) -> bool:
        """Record a letter as fetched; return False if its content was stored before."""
        versions = self._versions(letter.case_number)
        key, status = (letter.case_number, letter.url), letter.http_status
        with self._transaction() as connection:
            connection.execute(_RECORD_ATTEMPT, ("fetched", _now(), 1, status, None, *key))
            if letter.sha256 in versions:
                return False
            row = (letter.case_number, len(versions) + 1, letter.file, letter.url, letter.sha256, letter.bytes, status)
            connection.execute("INSERT INTO letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, _now(), letter.note))
            return True

    def record_failure(self, letter: PendingLetter, error: AnswerError) -> None:
        """Record why a download failed; it does not count as an attempt if the site is down."""
        attempts, key = int(not error.is_site_down), (letter.case_number, letter.url)
        with self._transaction() as connection:
            connection.execute(_RECORD_ATTEMPT, ("failed", _now(), attempts, error.http_status, str(error), *key))

    def counts(self, max_calls: int) -> tuple[int, int, int]:
        """Count cases, files, and letters given up after `max_calls` calls."""
        cases, letters, given_up = self._connection.execute(_COUNTS, (max_calls,)).fetchone()
        return cases, letters, given_up


@contextmanager
def open_manifest(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a manifest for reading.

    Raises
    ------
    FetchError
        If the file is not a manifest, or has another schema version.
    FileNotFoundError
        If the manifest does not exist.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such manifest")
    # Not read-only: opening the file rolls back an unfinished transaction of a killed call.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        _check_version(connection, path)
        yield connection


def letters_of_manifest(path: Path) -> list[Path]:
    """List the files of a manifest by case and version.

    Raises
    ------
    FetchError
        If a file is missing; also see `open_manifest`.
    """
    with open_manifest(path) as connection:
        rows = connection.execute("SELECT file FROM letters ORDER BY case_number, version").fetchall()
    letters = [path.parent / file for (file,) in rows]
    missing = [file for file in letters if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FetchError(f"{path}: {missing[0]}{more} is missing; put it back, or fetch into another folder")
    return letters


def _check_version(connection: sqlite3.Connection, path: Path, *, may_be_empty: bool = False) -> bool:
    """Raise `FetchError` for another file or schema version; return whether an allowed file is empty."""
    other_file = FetchError(f"{path}: is not a manifest of 'imr-ml fetch'; name its {MANIFEST}")
    queries = ("SELECT count(*) FROM sqlite_master", "PRAGMA application_id", "PRAGMA user_version")
    try:
        tables, application, version = (connection.execute(query).fetchone()[0] for query in queries)
    except sqlite3.DatabaseError as error:
        raise other_file from error
    if may_be_empty and not tables:
        return True
    if application != APPLICATION_ID:
        raise other_file
    if version != SCHEMA_VERSION:
        raise FetchError(
            f"{path}: is a manifest of schema version {version}, but this version of imr-ml reads {SCHEMA_VERSION}; "
            "fetch into another folder, or use the version that wrote it"
        )
    return False


def _condition(query: Query) -> tuple[str, tuple[str, ...]]:
    if query.case_number:
        return "case_number = ?", (query.case_number,)
    return "decision_date BETWEEN ? AND ?", _days(query)


def _days(query: Query) -> tuple[str, str]:
    return str(query.first_day), str(query.last_day)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
