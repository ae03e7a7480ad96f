"""Connect to the MLflow store, without output and with errors of one line.

MLflow is imported inside `connected`, after its telemetry was turned off: it reads that setting when imported.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tenacity import retry, retry_if_exception, stop_after_attempt

from imr_ml.files import locked
from imr_ml.tracking.uris import (
    SQLITE,
    URI,
    TrackingError,
    check_uri,
    is_database,
    is_server,
    redact_uri,
    relocate_artifacts,
    sqlite_file,
    tracking_uri,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

    from mlflow import MlflowClient

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A lock file that happens to lie in the working directory is no part of the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
# The first request to a server that is down must fail in seconds, a later one in less than a minute: MLflow would go
# on for minutes, and what could not be sent stays in the outbox anyway.
_FIRST_REQUEST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
_LATER_REQUESTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
# Their warnings are for the developers of MLflow.
_SILENCED = r"(?:alembic|mlflow|pydantic|sqlalchemy)\b"
# Lines that SQLAlchemy adds around the reason.
_AROUND_REASON = ("(raised as a result of", "(Background on this error")
_LONGEST_REASON = 300
_CREATION_S = 120
_Answer = TypeVar("_Answer")


def _is_bad_request(error: BaseException) -> bool:
    return getattr(error, "error_code", None) == "BAD_REQUEST"


retry_conflicts = retry(retry=retry_if_exception(_is_bad_request), stop=stop_after_attempt(3), reraise=True)
"""Repeat what a server refuses if another process does the same at that moment, but not thereafter."""


@contextmanager
def connected() -> Iterator[MlflowClient]:
    """Use MLflow on `tracking_uri` in the block; all settings are restored afterwards.

    The fluent functions of `mlflow` use the same store in the block. Raises `TrackingError` if the store can't be
    reached, another version of MLflow created it, or MLflow refuses something in the block.
    """
    uri, before = tracking_uri(), os.environ.get(URI)
    check_uri(uri)
    first_request = _unless_set(_FIRST_REQUEST)
    with quiet_mlflow(), _environment(_unless_set(_LATER_REQUESTS)):
        import mlflow
        from alembic.util import CommandError
        from sqlalchemy.exc import SQLAlchemyError

        mlflow.set_tracking_uri(uri)
        try:
            if database := sqlite_file(uri):
                _prepare_file(database)
                relocate_artifacts(database)
            with _environment(first_request):
                client = _open_store(uri)
            yield client
        except (mlflow.MlflowException, SQLAlchemyError, CommandError, OSError) as error:
            raise TrackingError(f"{redact_uri(uri)}: {first_line(error)}") from error
        finally:
            mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def require_store() -> None:
    """Refuse to look for runs in a SQLite file that does not exist, which connecting would create."""
    database = sqlite_file(tracking_uri())
    if database and not database.exists():
        raise TrackingError(f"{database}: no run was tracked here yet; train a model with 'imr-ml train'")


def quiet_environment() -> AbstractContextManager[None]:
    """Set what MLflow reads when imported: no telemetry, no progress bars, no lines of its own."""
    return _environment(_QUIET)


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Silence warnings and logs below errors; restore the import path, to which loading a model adds folders."""
    disabled, path = logging.root.manager.disable, list(sys.path)
    with quiet_environment(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_SILENCED)
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(disabled)
            sys.path[:] = path


def create_own_store() -> None:
    """Import what a SQLite store needs and create it if it does not exist, which takes seconds: for idle time.

    An error is reported when the store is used.
    """
    if sqlite_file(tracking_uri()):
        with suppress(TrackingError), connected():
            pass


@contextmanager
def store_created_meanwhile() -> Iterator[None]:
    """Create a SQLite store in another process during the block, if it does not exist.

    An error is reported when the store is used.
    """
    database = sqlite_file(tracking_uri())
    if database is None or database.exists():
        yield
        return
    code = f"from {__name__} import create_own_store; create_own_store()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):  # noqa: S603
        yield


def first_line(error: Exception) -> str:
    """The reason that an error gives, in one line of legible length and without passwords."""
    lines = [line for line in str(error).strip().splitlines() if line and not line.startswith(_AROUND_REASON)]
    reason = redact_uri(lines[0] if lines else type(error).__name__)
    return textwrap.shorten(reason, _LONGEST_REASON, placeholder=" ...")


def or_none(request: Callable[[], _Answer], *, absent: Sequence[str] = ("RESOURCE_DOES_NOT_EXIST",)) -> _Answer | None:
    """Answer of MLflow; None if it says, by one of these error codes, that there is no such thing."""
    import mlflow

    try:
        return request()
    except mlflow.MlflowException as error:
        if error.error_code not in absent:
            raise
    return None


def _prepare_file(database: Path) -> None:
    """Create a SQLite store if it does not exist; refuse one of another MLflow version, which MLflow may migrate."""
    if not database.exists():
        busy = TrackingError(f"{database}: another process has been making it for {_CREATION_S} s; try again")
        with locked(database.with_name(f".{database.name}.lock"), busy, _CREATION_S):
            if not database.exists():
                _create_file(database)
    newest, *older = _migrations()
    revision = _schema_revision(database)
    if revision in (None, newest):
        return
    if revision in older:
        command = f"mlflow db upgrade {shlex.quote(f'{SQLITE}{database}')}"
        raise TrackingError(f"{database}: was made by an older MLflow; copy it, then run: {command}")
    raise TrackingError(
        f"{database}: was made by a newer MLflow than {version('mlflow')}; install that one, or set {URI}"
    )


@cache
def _migrations() -> list[str]:
    """Revisions of the tables of a store, newest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(files("mlflow") / "store" / "db_migrations"))
    return [script.revision for script in scripts.walk_revisions()]


def _create_file(database: Path) -> None:
    """Let MLflow create its tables in a file beside, and rename that: a store is there whole or not at all.

    So the hundreds of changes by which MLflow creates them need not wait for the disk one by one.
    """
    from mlflow import MlflowClient
    from sqlalchemy import Engine, event

    def sync_nothing(connection: Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    with tempfile.TemporaryDirectory(prefix=f".{database.name}.", dir=database.parent) as scratch:
        draft = Path(scratch) / database.name
        event.listen(Engine, "connect", sync_nothing)
        try:
            MlflowClient(f"{SQLITE}{draft}").search_experiments(max_results=1)
        finally:
            event.remove(Engine, "connect", sync_nothing)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(database)


def _schema_revision(database: Path) -> str | None:
    """Revision of a store's tables; None if there are no tables of MLflow."""
    from alembic.migration import MigrationContext
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DatabaseError

    try:
        with create_engine(f"sqlite:///{database}", poolclass=NullPool).connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DatabaseError as error:
        raise TrackingError(
            f"{database}: can't be read as a SQLite store ({error.orig}); move it away or set {URI}"
        ) from error


def _open_store(uri: str) -> MlflowClient:
    import mlflow
    from sqlalchemy import create_engine

    try:
        if is_database(uri):
            # Fails at once if the database is down: MLflow would try for minutes without a word.
            create_engine(uri).connect().close()
        client = mlflow.MlflowClient(uri)
        client.search_experiments(max_results=1)
    except mlflow.MlflowException as error:
        if not is_server(uri):
            raise
        raise TrackingError(
            f"{redact_uri(uri)}: no MLflow server answers; start it, or unset {URI} to use mlflow.db here "
            f"({first_line(error)})"
        ) from error
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{redact_uri(uri)}: needs the Python module {error.name!r}, which is not installed; install it, or name "
            f"another driver, as in postgresql+psycopg2://"
        ) from error
    return client


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
