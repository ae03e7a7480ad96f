"""Connect to the MLflow store, without output and with one-line errors.

MLflow is imported in `connected`, after its telemetry was disabled: it reads that setting when imported.
"""

from __future__ import annotations

import logging
import os
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from tenacity import retry, retry_if_exception, stop_after_attempt

from imr_ml.tracking.sqlite_files import prepare_file, relocate_artifacts
from imr_ml.tracking.uris import (
    URI,
    TrackingError,
    check_uri,
    is_database,
    is_server,
    redact_uri,
    sqlite_file,
    tracking_uri,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A lock file in the working directory is not part of the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
# The first request to a server that is down must fail within seconds, a later one within a minute: MLflow would retry
# for minutes, and unsent records stay in the outbox anyway.
_FIRST_REQUEST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
_LATER_REQUESTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
# Modules whose warnings are for the developers of MLflow.
_SILENCED = r"(?:alembic|mlflow|pydantic|sqlalchemy)\b"
# Lines that SQLAlchemy adds to the reason.
_SQLALCHEMY_LINES = ("(raised as a result of", "(Background on this error")
_MAX_REASON = 300
_Response = TypeVar("_Response")


def _is_bad_request(error: BaseException) -> bool:
    return getattr(error, "error_code", None) == "BAD_REQUEST"


retry_conflicts = retry(retry=retry_if_exception(_is_bad_request), stop=stop_after_attempt(3), reraise=True)
"""Retry a call that a server rejects only while another process makes the same call."""


@contextmanager
def connected() -> Iterator[MlflowClient]:
    """Use MLflow on `tracking_uri` in the block, and restore all settings afterwards.

    The fluent functions of `mlflow` use the same store in the block. Raises `TrackingError` if the store can't be
    reached, another version of MLflow created it, or a call to MLflow in the block fails.
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
                prepare_file(database)
                relocate_artifacts(database)
            with _environment(first_request):
                client = _open_store(uri)
            yield client
        except (mlflow.MlflowException, SQLAlchemyError, CommandError, OSError) as error:
            raise TrackingError(f"{redact_uri(uri)}: {first_line(error)}") from error
        finally:
            mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def require_store() -> None:
    """Raise an error if the store is a SQLite file that does not exist, which connecting would create."""
    database = sqlite_file(tracking_uri())
    if database and not database.exists():
        raise TrackingError(f"{database}: no run was tracked here yet; train a model with 'imr-ml train'")


def quiet_environment() -> AbstractContextManager[None]:
    """Set the variables that MLflow reads when imported: no telemetry, progress bars or printed URLs."""
    return _environment(_QUIET)


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Silence warnings and logs below errors, and restore the import path, which loading a model changes."""
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
    """Import what a SQLite store needs and create it if missing, which takes seconds: call it in idle time.

    Errors are ignored; they are raised again when the store is used.
    """
    if sqlite_file(tracking_uri()):
        with suppress(TrackingError), connected():
            pass


def first_line(error: Exception) -> str:
    """Return the message of an error in one short line without passwords."""
    lines = [line for line in str(error).strip().splitlines() if line and not line.startswith(_SQLALCHEMY_LINES)]
    reason = redact_uri(lines[0] if lines else type(error).__name__)
    return textwrap.shorten(reason, _MAX_REASON, placeholder=" ...")


def or_none(
    request: Callable[[], _Response], *, absent: Sequence[str] = ("RESOURCE_DOES_NOT_EXIST",)
) -> _Response | None:
    """Call MLflow and return the response; None if the call fails with one of the error codes in `absent`."""
    import mlflow

    try:
        return request()
    except mlflow.MlflowException as error:
        if error.error_code not in absent:
            raise
    return None


def _open_store(uri: str) -> MlflowClient:
    import mlflow
    from sqlalchemy import create_engine

    try:
        if is_database(uri):
            # Fails immediately if the database is down; MLflow would retry silently for minutes.
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
            f"{redact_uri(uri)}: needs the Python module {error.name!r}, which is not installed; install it, or use "
            f"another driver, such as postgresql+psycopg2://"
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
