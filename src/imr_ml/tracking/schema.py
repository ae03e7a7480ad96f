"""Check whether a SQLite file is a store of the installed MLflow version.

MLflow migrates some old stores without asking for a backup.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
from contextlib import closing
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from imr_ml.tracking.uris import URI, TrackingError, sqlite_file

_REVISION = re.compile(r"""^(down_)?revision\s*(?::[^=\n]*)?=\s*["'](\w+)["']""", re.MULTILINE)


def is_current(uri: str) -> bool:
    """Whether there is nothing to be made or migrated; what is not a SQLite file is left to MLflow.

    Raises
    ------
    TrackingError
        For a file that is no SQLite store.
    """
    database = sqlite_file(uri)
    return database is None or _schema_revision(database) == _schema_revisions()[0]


def check_store(uri: str) -> None:
    """Refuse a SQLite file that another version of MLflow made; a file that is not there yet is none.

    Raises
    ------
    TrackingError
    """
    database = sqlite_file(uri)
    found = _schema_revision(database) if database else None
    if database is None or found is None:
        return
    newest, known = _schema_revisions()
    if found == newest or newest is None:
        return
    if found in known:
        command = f"mlflow db upgrade {shlex.quote(uri)}"
        raise TrackingError(f"{database}: was made by an older MLflow; copy it, then run: {command}")
    raise TrackingError(
        f"{database}: was made by a newer MLflow than {version('mlflow')}; install that one, or set {URI}"
    )


def _schema_revision(database: Path) -> str | None:
    """Revision that the store's tables have; None where there are no tables of MLflow."""
    if not database.exists() or not database.stat().st_size:
        return None
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("select name from sqlite_master")}
            if "alembic_version" not in tables:
                return None
            row = connection.execute("select version_num from alembic_version").fetchone()
    except sqlite3.Error as error:
        raise TrackingError(
            f"{database}: can't be read as a SQLite store ({error}); move it away or set {URI}"
        ) from error
    return str(row[0]) if row else None


@cache
def _schema_revisions() -> tuple[str | None, frozenset[str]]:
    """Newest revision of the installed MLflow and all that it knows, read off its migrations.

    Alembic would tell the same after running all of them, which takes most of a second. No newest one means that they
    are written in another way by now: then MLflow is left to judge.
    """
    scripts = Path(str(files("mlflow"))) / "store" / "db_migrations" / "versions"
    revisions = [line for path in scripts.glob("*.py") for line in _REVISION.findall(path.read_text("utf-8"))]
    known = {revision for is_older, revision in revisions if not is_older}
    newest = known - {revision for is_older, revision in revisions if is_older}
    return newest.pop() if len(newest) == 1 else None, frozenset(known)
