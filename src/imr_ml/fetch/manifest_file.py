"""Open the manifest's SQLite file and read it during a fetch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from imr_ml.fetch.types import FetchError

MANIFEST = "manifest.sqlite"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x494D524D
"""Marks the file as one of ours in its header ("IMRM")."""
TABLES = """
CREATE TABLE cases (
    case_number TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('found', 'fetched', 'failed')),
    case_outcome TEXT,
    decision_date TEXT,
    date_of_injury TEXT,
    application_received TEXT,
    specialty TEXT,
    listed_at TEXT NOT NULL,
    tried_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    http_status INTEGER,
    reason TEXT,
    PRIMARY KEY (case_number, url)
) STRICT;
CREATE INDEX cases_by_decision ON cases (decision_date, case_number);
CREATE TABLE requests (
    case_number TEXT NOT NULL,
    url TEXT NOT NULL,
    place INTEGER NOT NULL,
    category TEXT,
    subcategory TEXT,
    outcome TEXT,
    PRIMARY KEY (case_number, url, place),
    FOREIGN KEY (case_number, url) REFERENCES cases
) STRICT;
CREATE TABLE letters (
    case_number TEXT NOT NULL,
    version INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    http_status INTEGER,
    fetched_at TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (case_number, version),
    UNIQUE (case_number, sha256),
    FOREIGN KEY (case_number, url) REFERENCES cases
) STRICT;
CREATE TABLE walks (
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    cases INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    walked_at TEXT NOT NULL,
    PRIMARY KEY (first_day, last_day)
) STRICT;
"""


def letters_of_manifest(path: Path) -> list[Path]:
    """Files of the letters that a manifest tells of as fetched, all versions, in the order of case and version.

    Parameters
    ----------
    path : Path
        A manifest (``manifest.sqlite``); the files stand beside it.

    Raises
    ------
    FetchError
        For what is no manifest of this tool or one of another schema version, and where a file is gone.
    FileNotFoundError
        Where there is no such manifest.
    """
    with reading(path) as connection:
        rows = connection.execute("SELECT file FROM letters ORDER BY case_number, version").fetchall()
    files = [path.parent / file for (file,) in rows]
    gone = [file for file in files if not file.is_file()]
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise FetchError(f"{path}: {gone[0]}{more} is gone; put it back, or fetch into another folder")
    return files


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The manifest, to be read only; a fetch may be at work on it meanwhile.

    Raises
    ------
    FetchError, FileNotFoundError
        As `letters_of_manifest`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such manifest")
    # Not read-only: what a kill left half written is rolled back by whoever opens the file next.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        check_version(connection, path)
        yield connection


def is_empty(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file has no table yet."""
    try:
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise _no_manifest(path) from error
    return bool(objects == 0)


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no manifest, or one of another version; raises `FetchError`."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise _no_manifest(path) from error
    if application != APPLICATION_ID:
        raise _no_manifest(path)
    if version != SCHEMA_VERSION:
        raise FetchError(
            f"{path}: is a manifest of schema version {version}, this version of imr-ml reads {SCHEMA_VERSION}; "
            "fetch into another folder, or use the version that wrote it"
        )


def _no_manifest(path: Path) -> FetchError:
    return FetchError(f"{path}: is no manifest of 'imr-ml fetch'; name the {MANIFEST} that it wrote")
