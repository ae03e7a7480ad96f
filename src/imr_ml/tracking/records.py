"""Keep runs in an outbox folder until MLflow has accepted them."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from imr_ml.files import locked
from imr_ml.tracking.uris import TrackingError, redact_uri, tracking_uri

OUTBOX = "mlruns-unsent"
"""Folder in the working directory for records that no store has accepted yet."""
DIGEST_LENGTH = 12
"""Characters of a SHA-256 that serve as a data set's digest in MLflow."""
_FACTS = "record.json"
_ID_LENGTH = 8


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Point(_Data):
    """One value of a metric; `at_ms` is its time in milliseconds since 1970, by default the record's end."""

    name: str
    value: float
    step: int = 0
    at_ms: int | None = None


class RunRecord(_Data):
    """One run; its key is unique in the record and is the name of its artifacts folder."""

    key: str
    name: str
    tags: dict[str, str] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[Point, ...] = ()


class DatasetRecord(_Data):
    """Digest and counts of the table that the runs used; `columns` and `profile` are JSON."""

    name: str
    digest: str
    source: str
    columns: str
    profile: str
    context: str = "training"


class ModelRecord(_Data):
    """Tags and description of the registered version of the model in the record's folder.

    Records of earlier versions of imr-ml have `requirements`.
    """

    requirements: tuple[str, ...] = Field(default=(), exclude=True)
    tags: dict[str, str]
    description: str


class Record(_Data):
    """Related runs; the first is the parent of the others.

    Attributes
    ----------
    id : str
        Stored in a tag of each run.
    destination : str
        Tracking URI of the store that the record is meant for, without a password.
    """

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    experiment: str
    destination: str = Field(default_factory=lambda: redact_uri(tracking_uri()))
    started_ms: int
    ended_ms: int
    runs: tuple[RunRecord, ...]
    dataset: DatasetRecord
    model: ModelRecord | None = None


def save_record(record: Record, write_files: Callable[[Path], object] = lambda _: None) -> Path:
    """Write a record and its files to a folder in the outbox: completely, or not at all if that fails.

    `write_files` writes ``artifacts/<key of a run>/`` and, if there is one, the MLflow model ``model/`` to the folder.
    """
    outbox = Path.cwd() / OUTBOX
    with _create_scratch_folder(outbox) as name:
        scratch = Path(name)
        write_files(scratch)
        (scratch / _FACTS).write_text(record.model_dump_json(indent=2), encoding="utf-8")
        return scratch.rename(outbox / f"{record.started_ms}-{record.id[:_ID_LENGTH]}")


# Another process can remove the empty outbox between the two calls.
@retry(retry=retry_if_exception_type(FileNotFoundError), stop=stop_after_attempt(5), reraise=True)
def _create_scratch_folder(outbox: Path) -> tempfile.TemporaryDirectory[str]:
    outbox.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=".", dir=outbox, ignore_cleanup_errors=True)


def list_unsent() -> list[Path]:
    """Return the folders of unsent records in the working directory, oldest first."""
    return sorted(facts.parent for facts in (Path.cwd() / OUTBOX).glob(f"[!.]*/{_FACTS}"))


def read_record(folder: Path) -> Record:
    """Read a record that `save_record` wrote; raise an error if it is damaged."""
    facts = folder / _FACTS
    try:
        return Record.model_validate_json(facts.read_bytes())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise TrackingError(f"{facts}: is damaged ({reason}); restore it, or move its folder away") from None


def artifacts_folder(folder: Path, key: str) -> Path:
    """Return the folder of a run's artifacts in a record's folder."""
    return folder / "artifacts" / key


@contextmanager
def lock_record(folder: Path) -> Iterator[None]:
    """Lock a record while it is sent; raise an error if another process is sending it. A killed process unlocks it."""
    busy = TrackingError("another process is sending it")
    if not folder.exists():
        raise busy
    with locked(folder / ".lock", busy):
        if not (folder / _FACTS).exists():
            raise busy
        yield


def delete_record(folder: Path) -> None:
    """Delete a record that was sent."""
    # Delete this file first: an interrupted deletion must not leave half a record to send.
    (folder / _FACTS).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
