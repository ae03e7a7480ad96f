"""Resolve, check and redact the tracking URI."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from imr_ml.errors import ImrError

URI = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"
_SERVERS = ("http://", "https://")
_DATABASES = re.compile(r"(?:postgresql|mysql|mssql)(?:\+\w+)?://\S")
_DATABRICKS = re.compile(r"databricks(?:://\S+)?")
# Greedy: an unquoted password may hold anything, an @ too.
_PASSWORD = re.compile(r"(://[^:/@\s]*):\S*@")


class TrackingError(ImrError):
    """A store or a registered model that can't be used; the message says which, why and what to do."""


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI` if set, else ``mlflow.db`` in the working directory."""
    return os.environ.get(URI) or f"{SQLITE}{Path.cwd() / 'mlflow.db'}"


def is_server(uri: str) -> bool:
    """Whether the URI is that of an MLflow server."""
    return uri.startswith(_SERVERS)


def is_database(uri: str) -> bool:
    """Whether the URI is that of a database server."""
    return _DATABASES.match(uri) is not None


def sqlite_file(uri: str) -> Path | None:
    """File of a SQLite store; None for any other."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def artifact_root(uri: str) -> Path:
    """Folder of the artifacts of a store without a server: ``mlartifacts`` beside the SQLite file."""
    database = sqlite_file(uri)
    return (database.parent if database else Path.cwd()) / "mlartifacts"


def redact_uri(text: str) -> str:
    """A URI, or a text that contains URIs, without passwords.

    Examples
    --------
    >>> redact_uri("postgresql://runs:secret@db/mlflow")
    'postgresql://runs:***@db/mlflow'
    """
    return _PASSWORD.sub(r"\1:***@", text)


def check_uri(uri: str) -> None:
    """Raise an error for an address that is no store, and for a store that would be gone with the process."""
    try:
        urlsplit(uri)
    except ValueError as error:
        raise TrackingError(
            f"{URI} is {redact_uri(uri)!r}, which can't be read as an address ({error}); write what is special in a "
            f"password with percent signs, as %5B for ["
        ) from None
    is_file = uri.startswith(SQLITE) and uri.removeprefix(SQLITE) not in ("", ":memory:")
    if not (is_file or is_server(uri) or is_database(uri) or _DATABRICKS.fullmatch(uri)):
        raise TrackingError(
            f"{URI} is {redact_uri(uri)!r}, which cannot store runs; set it to http://HOST:PORT, sqlite:///FILE "
            f"or postgresql://USER:PASSWORD@HOST/NAME, or unset it to use mlflow.db here"
        )
