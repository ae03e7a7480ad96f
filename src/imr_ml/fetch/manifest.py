"""Record what was listed, downloaded and failed, in a SQLite manifest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from imr_ml.fetch.manifest_file import APPLICATION_ID, SCHEMA_VERSION, TABLES, check_version, is_empty
from imr_ml.fetch.types import AnswerError, FetchError, IndexedCase

_INDEXED = ("case_outcome", "decision_date", "date_of_injury", "application_received", "specialty")
_ONE = "case_number = ? AND url = ?"
_FIELDS = f"SELECT {', '.join(_INDEXED)} FROM cases WHERE {_ONE}"  # noqa: S608
_REQUESTS = f"SELECT category, subcategory, outcome FROM requests WHERE {_ONE} ORDER BY place"  # noqa: S608
_TAKE = (
    f"INSERT INTO cases (case_number, url, {', '.join(_INDEXED)}, state, listed_at) "  # noqa: S608
    f"VALUES (?, ?{', ?' * len(_INDEXED)}, 'found', ?) ON CONFLICT DO UPDATE SET state = 'found', attempts = 0, "
    f"{', '.join(f'{name} = excluded.{name}' for name in _INDEXED)}, listed_at = excluded.listed_at"
)
_OPEN = "SELECT case_number, url FROM cases WHERE state != 'fetched' AND attempts < ? AND "
_IN_ORDER = " ORDER BY decision_date, case_number, listed_at, rowid"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter that is to be fetched; `versions` are the contents had already of its case, as SHA-256."""

    case_number: str
    url: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter's file; `file` is relative to the manifest's folder, `note` says why it can't be read whole."""

    case_number: str
    url: str
    file: str
    sha256: str
    bytes: int
    http_status: int | None
    note: str | None = None


class Manifest:
    """The manifest of a folder, made where missing.

    A case has a row for each address that the search linked for it, so a reissued letter may be a row of its own.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            if is_empty(self._connection, path):
                self._make()
            check_version(self._connection, path)
            self._connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _make(self) -> None:
        """Tables and marks in one transaction, so that a kill leaves all of them or none."""
        with self._changing():
            for statement in TABLES.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
        except sqlite3.OperationalError as error:
            raise FetchError(f"{self._path}: can't be written ({error})") from error

    def record_search(self, first_day: date | None, last_day: date | None, cases: list[IndexedCase]) -> None:
        """Record what the search listed, and for a query by days, that these days are done."""
        with self._changing() as connection:
            for case in cases:
                self._take_case(case)
            if first_day and last_day:
                requests = sum(len(case.requests) for case in cases)
                walk = (first_day.isoformat(), last_day.isoformat(), len(cases), requests, _now())
                connection.execute("INSERT OR REPLACE INTO walks VALUES (?, ?, ?, ?, ?)", walk)

    def _take_case(self, case: IndexedCase) -> None:
        """Add a case; where its entry changed, its letter is wanted again, as it may have been reissued."""
        key = (case.case_number, case.url)
        fields = tuple(_cell(getattr(case, name)) for name in _INDEXED)
        requests = [(each.category, each.subcategory, each.outcome) for each in case.requests]
        known = self._connection.execute(_FIELDS, key).fetchone()
        if known == fields and self._connection.execute(_REQUESTS, key).fetchall() == requests:
            return
        self._connection.execute(_TAKE, (*key, *fields, _now()))
        self._connection.execute(f"DELETE FROM requests WHERE {_ONE}", key)  # noqa: S608
        rows = [(*key, place, *each) for place, each in enumerate(requests, start=1)]
        self._connection.executemany("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)", rows)

    def walked_at(self, first_day: date, last_day: date) -> datetime | None:
        """When these days were walked last; None where they were not, or not to the end."""
        days = (first_day.isoformat(), last_day.isoformat())
        row = self._connection.execute(
            "SELECT walked_at FROM walks WHERE first_day = ? AND last_day = ?", days
        ).fetchone()
        return datetime.fromisoformat(row[0]) if row else None

    def first_day(self) -> date | None:
        """The first day that was ever walked."""
        (day,) = self._connection.execute("SELECT min(first_day) FROM walks").fetchone()
        return date.fromisoformat(day) if day else None

    def wanted(self, first_day: date, last_day: date, calls: int) -> list[Wanted]:
        """Letters decided in these days that are not stored and were requested in fewer than so many calls."""
        days = (first_day.isoformat(), last_day.isoformat())
        return self._wanted("decision_date BETWEEN ? AND ?", (calls, *days))

    def wanted_of(self, cases: tuple[str, ...], calls: int) -> list[Wanted]:
        """The same of cases by number."""
        return [each for case in dict.fromkeys(cases) for each in self._wanted("case_number = ?", (calls, case))]

    def _wanted(self, which: str, values: tuple[object, ...]) -> list[Wanted]:
        rows = self._connection.execute(_OPEN + which + _IN_ORDER, values).fetchall()
        return [Wanted(case, url, self._versions(case)) for case, url in rows]

    def _versions(self, case_number: str) -> tuple[str, ...]:
        rows = self._connection.execute(
            "SELECT sha256 FROM letters WHERE case_number = ? ORDER BY version", (case_number,)
        )
        return tuple(sha256 for (sha256,) in rows)

    def want_again(self, first_day: date, last_day: date) -> None:
        """Want the letters decided in these days once more, as they may have been reissued unannounced."""
        with self._changing() as connection:
            connection.execute(
                "UPDATE cases SET state = 'found', attempts = 0 WHERE decision_date BETWEEN ? AND ?",
                (first_day.isoformat(), last_day.isoformat()),
            )

    def want_cases_again(self, cases: tuple[str, ...]) -> None:
        """The same for cases by number."""
        with self._changing() as connection:
            connection.executemany(
                "UPDATE cases SET state = 'found', attempts = 0 WHERE case_number = ?", [(case,) for case in cases]
            )

    def take_letter(self, kept: StoredLetter) -> bool:
        """Remember a letter as fetched; False where its content was had already."""
        versions = self._versions(kept.case_number)
        with self._changing() as connection:
            connection.execute(
                "UPDATE cases SET state = 'fetched', tried_at = ?, attempts = attempts + 1, http_status = ?, "  # noqa: S608
                f"reason = NULL WHERE {_ONE}",
                (_now(), kept.http_status, kept.case_number, kept.url),
            )
            if kept.sha256 in versions:
                return False
            letter = (kept.case_number, len(versions) + 1, kept.file, kept.url, kept.sha256, kept.bytes)
            connection.execute(
                "INSERT INTO letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*letter, kept.http_status, _now(), kept.note),
            )
            return True

    def take_failure(self, wanted: Wanted, error: AnswerError) -> None:
        """Remember why a letter can't be got; a failure that tells of the site's state does not count as a try."""
        with self._changing() as connection:
            connection.execute(
                "UPDATE cases SET state = 'failed', tried_at = ?, attempts = attempts + ?, http_status = ?, "  # noqa: S608
                f"reason = ? WHERE {_ONE}",
                (_now(), int(not error.is_site_down), error.http_status, str(error), wanted.case_number, wanted.url),
            )

    def counts(self, calls: int) -> tuple[int, int, int]:
        """Cases, files, and letters that were given up after so many calls."""
        (cases,) = self._connection.execute("SELECT count(DISTINCT case_number) FROM cases").fetchone()
        (letters,) = self._connection.execute("SELECT count(*) FROM letters").fetchone()
        (given_up,) = self._connection.execute(
            "SELECT count(*) FROM cases WHERE state != 'fetched' AND attempts >= ?", (calls,)
        ).fetchone()
        return cases, letters, given_up


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cell(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
