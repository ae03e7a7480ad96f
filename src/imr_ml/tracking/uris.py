"""Resolve, check and redact the tracking URI."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from imr_ml.errors import ImrError

URI = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"
_SERVERS = ("http://", "https://")
_DATABASES = re.compile(r"(?:postgresql|mysql|mssql)(?:\+\w+)?://\S")
_DATABRICKS = re.compile(r"databricks(?:://\S+)?")
# Greedy: an unquoted password can contain any character, even @.
_PASSWORD = re.compile(r"(://[^:/@\s]*):\S*@")


class TrackingError(ImrError):
    """A store or registered model can't be used; the message states which, the reason and what to do."""


def tracking_uri() -> str:
    """Return `MLFLOW_TRACKING_URI` if set, else the URI of ``mlflow.db`` in the working directory."""
    return os.environ.get(URI) or f"{SQLITE}{Path.cwd() / 'mlflow.db'}"


def is_server(uri: str) -> bool:
    """Return whether the URI is that of an MLflow server."""
    return uri.startswith(_SERVERS)


def is_database(uri: str) -> bool:
    """Return whether the URI is that of a database server."""
    return _DATABASES.match(uri) is not None


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store; None for other stores."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]).absolute() if uri.startswith(SQLITE) else None


def artifact_root(uri: str) -> Path:
    """Return the artifacts folder of a store without a server: ``mlartifacts`` next to the SQLite file."""
    database = sqlite_file(uri)
    return (database.parent if database else Path.cwd()) / "mlartifacts"


def redact_uri(text: str) -> str:
    """Replace the passwords in a URI, or in a text with URIs.

    Examples
    --------
    >>> redact_uri("postgresql://runs:secret@db/mlflow")
    'postgresql://runs:***@db/mlflow'
    """
    return _PASSWORD.sub(r"\1:***@", text)


def check_uri(uri: str) -> None:
    """Raise an error for a URI that is not a store, or is a store in memory."""
    try:
        urlsplit(uri)
    except ValueError as error:
        raise TrackingError(
            f"{URI} is {redact_uri(uri)!r}, which is not a valid URI ({error}); percent-encode special characters in "
            f"the password, e.g. %5B for ["
        ) from None
    is_file = uri.startswith(SQLITE) and uri.removeprefix(SQLITE) not in ("", ":memory:")
    if not (is_file or is_server(uri) or is_database(uri) or _DATABRICKS.fullmatch(uri)):
        raise TrackingError(
            f"{URI} is {redact_uri(uri)!r}, which can't store runs; set it to http://HOST:PORT, sqlite:///FILE "
            f"or postgresql://USER:PASSWORD@HOST/NAME, or unset it to use mlflow.db here"
        )


def file_path(location: str) -> Path | None:
    """Return the path of a location on this machine; None for other locations."""
    parts = urlsplit(location)
    return Path(url2pathname(parts.path)) if parts.scheme in ("", "file") else None
