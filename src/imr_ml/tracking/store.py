"""Where runs go: where `MLFLOW_TRACKING_URI` says, else to a SQLite file in the working directory.

Knows MLflow's stores and what goes wrong with them. Knows nothing of what is recorded. MLflow is imported
inside `connected`, after its telemetry was turned off, which it looks at when imported.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imr_ml.errors import ImrError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_URI = "MLFLOW_TRACKING_URI"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A lock file that happens to lie in the working directory is no part of the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
# The first question to a server that is down shall fail in seconds, a later one in less than a minute: MLflow would go
# on for minutes, and what could not be sent is kept anyway.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
_PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
# Warnings of MLflow and below are for its makers.
_THEIRS = r"(?:alembic|mlflow|pydantic|sqlalchemy)\b"


class TrackingError(ImrError):
    """A store or a registered model that can't be used; the message says which, why and what to do."""


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI` where set, else ``mlflow.db`` in the working directory."""
    return os.environ.get(_URI) or f"{_SQLITE}{Path.cwd() / 'mlflow.db'}"


def is_server(uri: str) -> bool:
    """Whether the URI is that of an MLflow server rather than of a database of our own."""
    return uri.startswith(("http://", "https://"))


def artifact_root(uri: str) -> Path:
    """Folder of the artifacts of a store without a server: ``mlartifacts`` beside the SQLite file."""
    database = _sqlite_file(uri)
    return (database.parent if database else Path.cwd()) / "mlartifacts"


def shown(uri: str) -> str:
    """The URI as it may be shown and logged: without a password.

    Examples
    --------
    >>> shown("postgresql://runs:secret@db/mlflow")
    'postgresql://runs:***@db/mlflow'
    """
    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@") if password else uri


@contextmanager
def connected() -> Iterator[MlflowClient]:
    """MLflow on `tracking_uri`, quiet and without telemetry; what was set before is set again afterwards.

    Yields
    ------
    MlflowClient
        The fluent functions of `mlflow` use the same store inside of the block.

    Raises
    ------
    TrackingError
        For a store that can't be reached or that another version of MLflow made; for what it refuses.
    """
    uri, before = tracking_uri(), os.environ.get(_URI)
    impatient = _unless_set(_IMPATIENT)
    with quiet_environment(), _environment(_unless_set(_PATIENT)), _quiet():
        import mlflow
        from requests import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        mlflow.set_tracking_uri(uri)
        try:
            check_store(uri)
            yield _reached(uri, impatient)
        except (mlflow.MlflowException, SQLAlchemyError, RequestException) as error:
            raise TrackingError(f"{shown(uri)}: {first_line(error)}") from error
        finally:
            mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def quiet_environment() -> AbstractContextManager[None]:
    """What MLflow looks at when imported: no telemetry, no bars, no lines of its own."""
    return _environment(_QUIET)


@contextmanager
def new_store_made() -> Iterator[None]:
    """Let another process make the store, where there is none yet, while the block runs.

    It takes seconds, for MLflow makes its tables by all the migrations that there ever were. What goes wrong is told
    when the store is used.
    """
    database = _sqlite_file(tracking_uri())
    if database is None or database.exists():
        yield
        return
    command = [sys.executable, "-P", "-c", f"from {__name__} import connected\nwith connected(): pass"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Ctrl-C shall not leave it half made.
    with subprocess.Popen(command, start_new_session=True, **quiet):  # type: ignore[call-overload]  # noqa: S603
        yield


def check_store(uri: str) -> None:
    """Look at a SQLite file before MLflow does, which migrates some old stores without asking for a backup.

    Raises
    ------
    TrackingError
        For a file that is no MLflow store of the installed version.
    """
    database = _sqlite_file(uri)
    if database is None or not database.exists() or not database.stat().st_size:
        return
    found = _schema_revision(database)
    if found is None:
        return
    newest, known = _schema_revisions()
    if found == newest:
        return
    if found in known:
        raise TrackingError(f"{database}: was made by an older MLflow; copy it, then run: mlflow db upgrade {uri}")
    raise TrackingError(
        f"{database}: was made by a newer MLflow than {_mlflow_version()}; install that one, or set {_URI}"
    )


def first_line(error: Exception) -> str:
    """An error's first line, cut to a legible length."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]


def _reached(uri: str, impatient: dict[str, str]) -> MlflowClient:
    import mlflow

    client = mlflow.MlflowClient(uri)
    try:
        with _environment(impatient):
            client.search_experiments(max_results=1)
    except mlflow.MlflowException as error:
        if not is_server(uri):
            raise
        raise TrackingError(
            f"{shown(uri)}: no MLflow server answers; start it, or unset {_URI} to use mlflow.db here "
            f"({first_line(error)})"
        ) from error
    return client


def _sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix(_SQLITE)).absolute() if uri.startswith(_SQLITE) else None


def _schema_revision(database: Path) -> str | None:
    """Revision that the store's tables have; None where there are no tables of MLflow."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("select name from sqlite_master")}
            if "alembic_version" not in tables:
                return None
            row = connection.execute("select version_num from alembic_version").fetchone()
    except sqlite3.Error as error:
        raise TrackingError(
            f"{database}: can't be read as a SQLite store ({error}); move it away or set {_URI}"
        ) from error
    return str(row[0]) if row else None


def _schema_revisions() -> tuple[str, frozenset[str]]:
    """Newest revision of the installed MLflow, and all that it knows."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return scripts.get_heads()[0], frozenset(script.revision for script in scripts.walk_revisions())


def _mlflow_version() -> str:
    import mlflow

    return str(mlflow.__version__)


def _unless_set(values: dict[str, str]) -> dict[str, str]:
    return {name: os.environ.get(name, value) for name, value in values.items()}


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Let errors through only, and put back the import path, to which loading a model adds folders."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_THEIRS)
        # It sets the levels of its loggers when imported.
        import mlflow  # noqa: F401

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        path = list(sys.path)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            sys.path[:] = path
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
