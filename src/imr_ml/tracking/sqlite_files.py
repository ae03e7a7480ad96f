"""Create and check the SQLite file of a local store, and update its artifact locations after a move."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.files import locked
from imr_ml.tracking.uris import SQLITE, URI, TrackingError, artifact_root, file_path

if TYPE_CHECKING:
    from sqlite3 import Connection

_CREATION_S = 120
# MLflow stores absolute paths; the first group is `artifact_root` at the earlier location of the store.
_LOCATION = re.compile(r"(file:.*/mlartifacts)((?:/.*)?)")
# New runs use the location of their experiment.
_EXPERIMENTS = "experiments"
_LOCATIONS = {
    _EXPERIMENTS: "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def prepare_file(database: Path) -> None:
    """Create a SQLite store if it does not exist; raise an error if it belongs to another version of MLflow."""
    if not database.exists():
        busy = TrackingError(f"{database}: another process has been creating it for {_CREATION_S} s; try again")
        with locked(database.with_name(f".{database.name}.lock"), busy, _CREATION_S):
            if not database.exists():
                _create_file(database)
    newest, *older = _migrations()
    revision = _schema_revision(database)
    if revision in (None, newest):
        return
    if revision in older:
        command = f"mlflow db upgrade {shlex.quote(f'{SQLITE}{database}')}"
        raise TrackingError(f"{database}: was created by an older MLflow; make a copy, then run: {command}")
    raise TrackingError(
        f"{database}: was created by a newer MLflow than {version('mlflow')}; install that version, or set {URI}"
    )


@cache
def _migrations() -> list[str]:
    """Return the schema revisions that MLflow knows, newest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(files("mlflow") / "store" / "db_migrations"))
    return [script.revision for script in scripts.walk_revisions()]


def _create_file(database: Path) -> None:
    """Let MLflow create its tables in a temporary file and rename it, so that an incomplete store never exists.

    Therefore MLflow's hundreds of schema changes do not have to be synced to disk one by one.
    """
    from mlflow import MlflowClient
    from sqlalchemy import Engine, event

    def disable_sync(connection: Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    with tempfile.TemporaryDirectory(prefix=f".{database.name}.", dir=database.parent) as scratch:
        draft = Path(scratch) / database.name
        event.listen(Engine, "connect", disable_sync)
        try:
            MlflowClient(f"{SQLITE}{draft}").search_experiments(max_results=1)
        finally:
            event.remove(Engine, "connect", disable_sync)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(database)


def _schema_revision(database: Path) -> str | None:
    """Return the schema revision of a store; None if it has no MLflow tables."""
    from alembic.migration import MigrationContext
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DatabaseError

    try:
        with create_engine(f"sqlite:///{database}", poolclass=NullPool).connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DatabaseError as error:
        raise TrackingError(
            f"{database}: is not a readable SQLite store ({error.orig}); move it away or set {URI}"
        ) from error


def relocate_artifacts(database: Path) -> None:
    """Update the artifact locations in a SQLite store that was moved or copied.

    New runs use the folder next to the store. Existing artifacts are expected there too, unless they are missing there
    and still at the old location, e.g. if only the database was copied.
    """
    import sqlalchemy as sql

    root = artifact_root(f"{SQLITE}{database}").as_uri()
    engine = sql.create_engine(f"{SQLITE}{database}", poolclass=sql.NullPool)
    with engine.begin() as connection:
        for name, column in _LOCATIONS.items():
            location: sql.ColumnClause[str] = sql.column(column)
            table = sql.table(name, location)
            for old in connection.scalars(sql.select(location).select_from(table).distinct()).all():
                new = _moved(old, root)
                if new and (name == _EXPERIMENTS or _exists(new) or not _exists(old)):
                    connection.execute(sql.update(table).where(location == old).values({column: new}))


def _moved(location: str | None, root: str) -> str | None:
    """Return the corresponding location in the root; None if it is there already, or not in an artifacts folder."""
    parts = _LOCATION.fullmatch(location or "")
    return f"{root}{parts[2]}" if parts and not _is_same_folder(parts[1], root) else None


def _is_same_folder(location: str, other: str) -> bool:
    """Return whether both refer to the same folder, e.g. by a symbolic link."""
    if location == other:
        return True
    paths = file_path(location), file_path(other)
    return _exists(location) and _exists(other) and Path(paths[0] or "").samefile(paths[1] or "")


def _exists(location: str) -> bool:
    # Unlike `Path.exists`, returns False for a folder without permission.
    return os.access(file_path(location) or "", os.F_OK)
