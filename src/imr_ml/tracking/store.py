"""Connect to the MLflow store quietly, with one-line errors.

MLflow is imported inside `connected`, after its telemetry was turned off, which it looks at when imported.
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

from imr_ml.files import locked
from imr_ml.tracking.schema import check_store, is_current
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
    # A lock file that happens to lie in the working directory is no part of the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
# The first question to a server that is down shall fail in seconds, a later one in less than a minute: MLflow would go
# on for minutes, and what could not be sent is kept anyway.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
_PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
# Warnings of MLflow and below are for its makers.
_THEIRS = r"(?:alembic|mlflow|pydantic|sqlalchemy)\b"
# What SQLAlchemy says around the reason.
_AROUND = ("(raised as a result of", "(Background on this error")
_LONGEST_REASON = 300
_Answer = TypeVar("_Answer")
_MIGRATION_S = 120


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
    uri, before = tracking_uri(), os.environ.get(URI)
    check_uri(uri)
    impatient = _unless_set(_IMPATIENT)
    with quiet_environment(), _environment(_unless_set(_PATIENT)), _quiet():
        import mlflow
        from alembic.util import CommandError
        from sqlalchemy.exc import SQLAlchemyError

        mlflow.set_tracking_uri(uri)
        try:
            with _ready_to_open(uri):
                client = _reached(uri, impatient)
            yield client
        except (mlflow.MlflowException, SQLAlchemyError, CommandError, OSError) as error:
            raise TrackingError(f"{redact_uri(uri)}: {first_line(error)}") from error
        finally:
            mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def quiet_environment() -> AbstractContextManager[None]:
    """What MLflow looks at when imported: no telemetry, no bars, no lines of its own."""
    return _environment(_QUIET)


def open_own_store() -> None:
    """Import what a SQLite store needs, and make one that is not there yet, which takes seconds: to use a pause.

    What goes wrong is told when the store is used.
    """
    if sqlite_file(tracking_uri()):
        with suppress(TrackingError), connected():
            pass


def first_line(error: Exception) -> str:
    """The reason that an error tells, in a line of legible length and without passwords."""
    lines = [line for line in str(error).strip().splitlines() if line and not line.startswith(_AROUND)]
    return textwrap.shorten(
        redact_uri(lines[0] if lines else type(error).__name__), _LONGEST_REASON, placeholder=" ..."
    )


def or_none(ask: Callable[[], _Answer], *, absent: Sequence[str] = ("RESOURCE_DOES_NOT_EXIST",)) -> _Answer | None:
    """What MLflow answers; None where it says, by one of these error codes, that there is no such thing."""
    import mlflow

    try:
        return ask()
    except mlflow.MlflowException as error:
        if error.error_code not in absent:
            raise
    return None


@contextmanager
def _ready_to_open(uri: str) -> Iterator[None]:
    """While a store is made, others wait: a second one that looks at it would take it for an old one."""
    database = sqlite_file(uri)
    if database is None or is_current(uri):
        yield
        return
    taken = TrackingError(f"{database}: another process has been making it for {_MIGRATION_S} s; try again")
    with locked(database.with_name(f".{database.name}.lock"), taken, _MIGRATION_S):
        check_store(uri)
        yield


def _reached(uri: str, impatient: dict[str, str]) -> MlflowClient:
    import mlflow

    if is_database(uri):
        _ask_database(uri)
    client = mlflow.MlflowClient(uri)
    try:
        with _environment(impatient):
            client.search_experiments(max_results=1)
    except mlflow.MlflowException as error:
        if not is_server(uri):
            raise
        raise TrackingError(
            f"{redact_uri(uri)}: no MLflow server answers; start it, or unset {URI} to use mlflow.db here "
            f"({first_line(error)})"
        ) from error
    return client


def _ask_database(uri: str) -> None:
    """Connect once: MLflow would try for minutes without a word."""
    from sqlalchemy import create_engine

    try:
        with create_engine(uri).connect():
            pass
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{redact_uri(uri)}: needs the Python module {error.name!r}, which is not installed; install it, or name "
            f"another driver, as in postgresql+psycopg2://"
        ) from error


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
