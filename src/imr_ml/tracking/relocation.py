"""Point a moved or copied SQLite store at the artifacts beside it: MLflow stores whole paths."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from imr_ml.tracking.uris import artifact_root

if TYPE_CHECKING:
    from sqlalchemy import Connection

# A folder that `artifact_root` named when the store was elsewhere, and what lies in it.
_LOCATION = re.compile(r"(file:.*/mlartifacts)((?:/.*)?)")
# New runs go to the location of their experiment.
_OF_EXPERIMENTS = ("experiments", "artifact_location")
_OF_FILES = (
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def relocate_artifacts(uri: str, database: Path) -> None:
    """Rewrite the locations in a SQLite store that was moved or copied.

    New runs go to the folder beside the store. What was recorded is looked for there too, unless it is not there and
    still where it was, as after a copy of the database alone.
    """
    from sqlalchemy import NullPool, create_engine

    root = artifact_root(uri).as_uri()
    with create_engine(f"sqlite:///{database}", poolclass=NullPool).begin() as connection:
        for table, column in (_OF_EXPERIMENTS, *_OF_FILES):
            for old, new in _moved(connection, table, column, root):
                if table == _OF_EXPERIMENTS[0] or _exists(new) or not _exists(old):
                    _update(connection, table, column, old, new)


def file_path(location: str) -> Path | None:
    """Path of a location on this machine; None for any other."""
    place = urlsplit(location)
    return Path(url2pathname(place.path)) if place.scheme in ("", "file") else None


def _moved(connection: Connection, table: str, column: str, root: str) -> list[tuple[str, str]]:
    """Locations in another folder of artifacts, each with the same one in the root."""
    import sqlalchemy as sql

    location: sql.ColumnClause[str] = sql.column(column)
    stored = sql.select(location).select_from(sql.table(table)).where(location.like("file:%"))
    parts = [_LOCATION.fullmatch(one) for one in set(connection.scalars(stored))]
    return [
        (one[0], f"{root}{one[2]}") for one in parts if one and one[1] != root and not _is_same_folder(one[1], root)
    ]


def _update(connection: Connection, table: str, column: str, old: str, new: str) -> None:
    import sqlalchemy as sql

    location: sql.ColumnClause[str] = sql.column(column)
    connection.execute(sql.update(sql.table(table, location)).where(location == old).values({column: new}))


def _exists(location: str) -> bool:
    # False, not an error, for a folder of another user.
    return os.access(file_path(location) or "", os.F_OK)


def _is_same_folder(one: str, other: str) -> bool:
    """Whether both name one folder, as by a symbolic link."""
    paths = file_path(one), file_path(other)
    return _exists(one) and _exists(other) and Path(paths[0] or "").samefile(paths[1] or "")
