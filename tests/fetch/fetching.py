"""Helpers for tests of fetching: fast calls against the replica, and queries of the manifest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

from fetch.conftest import FIRST_DAY

from imr_ml.fetch.fetching import fetch_letters
from imr_ml.fetch.types import FetchReport, FetchSettings, RequestPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from fetch.replica import Replica

QUICK = {"pause_s": 0.0, "backoff_s": 0.01, "timeout_s": 5.0, "tries": 3}


def fetch(replica: Replica, folder: Path, policy: dict[str, object] | None = None, **settings: object) -> FetchReport:
    """Fetch the decisions from 1 to 3 March 2016 without pauses; `policy` and `settings` override the defaults."""
    if "cases" not in settings:
        settings = {"since": FIRST_DAY, "until": date(2016, 3, 3)} | settings
    fetch_settings = FetchSettings(url=replica.url, policy=RequestPolicy(**QUICK | (policy or {})), **settings)
    return fetch_letters(folder, fetch_settings, lambda description, total: lambda steps: None)


def fetch_few(
    replica: Replica, folder: Path, policy: dict[str, object] | None = None, **settings: object
) -> FetchReport:
    """Fetch the eight letters decided on 2 and 3 March."""
    return fetch(replica, folder, policy, **{"since": date(2016, 3, 2)} | settings)


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    """Query the manifest."""
    with closing(sqlite3.connect(folder / "manifest.sqlite")) as connection:
        return connection.execute(query).fetchall()


def files(folder: Path) -> dict[str, bytes]:
    """List all files in the folder except the manifest and the lock."""
    excluded = ("manifest.sqlite", ".fetch.lock")
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in excluded]
    return {path.name: path.read_bytes() for path in paths}
