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
"""Folder in the working directory with the records that no store has accepted yet."""
DIGEST_LENGTH = 12
"""Characters of a SHA-256 that MLflow keeps as a data set's digest."""
_FACTS = "record.json"
_ID_LENGTH = 8


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Point(_Data):
    """One value of a metric; without a time, in milliseconds since 1970, it has that of the record's end."""

    name: str
    value: float
    step: int = 0
    at_ms: int | None = None


class RunRecord(_Data):
    """One run; its key is unique in the record and names the folder of its artifacts."""

    key: str
    name: str
    tags: dict[str, str] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[Point, ...] = ()


class DatasetRecord(_Data):
    """The table that the runs used, by its digest and counts; `columns` and `profile` are JSON."""

    name: str
    digest: str
    source: str
    columns: str
    profile: str
    context: str = "training"


class ModelRecord(_Data):
    """A model that is saved beside the record; tags and description are those of the registered version.

    Records of earlier versions have `requirements`.
    """

    requirements: tuple[str, ...] = Field(default=(), exclude=True)
    tags: dict[str, str]
    description: str


class Record(_Data):
    """Runs that belong together; the first is the parent of the others.

    Runs in a store carry the record's `id` in a tag. The `destination` is the tracking URI of the store that the record
    is meant for, without a password.
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
    """Write a record and its files to a folder of the outbox: all of it, or nothing if that fails.

    `write_files` writes ``artifacts/<key of a run>/``, and the MLflow model ``model/`` if there is one, to that folder.
    """
    outbox = Path.cwd() / OUTBOX
    with _create_scratch_folder(outbox) as name:
        scratch = Path(name)
        write_files(scratch)
        (scratch / _FACTS).write_text(record.model_dump_json(indent=2), encoding="utf-8")
        return scratch.rename(outbox / f"{record.started_ms}-{record.id[:_ID_LENGTH]}")


# Another process may remove the outbox, if it is empty, just before.
@retry(retry=retry_if_exception_type(FileNotFoundError), stop=stop_after_attempt(5), reraise=True)
def _create_scratch_folder(outbox: Path) -> tempfile.TemporaryDirectory[str]:
    outbox.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=".", dir=outbox, ignore_cleanup_errors=True)


def list_unsent() -> list[Path]:
    """Folders of the unsent records in the working directory, oldest first."""
    return sorted(facts.parent for facts in (Path.cwd() / OUTBOX).glob(f"[!.]*/{_FACTS}"))


def read_record(folder: Path) -> Record:
    """Read the record that `save_record` wrote; refuse one that was damaged since."""
    facts = folder / _FACTS
    try:
        return Record.model_validate_json(facts.read_bytes())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise TrackingError(f"{facts}: is damaged ({reason}); put it back as it was, or move its folder away") from None


def artifacts_folder(folder: Path, key: str) -> Path:
    """Folder of a run's artifacts in a record's folder."""
    return folder / "artifacts" / key


@contextmanager
def lock_record(folder: Path) -> Iterator[None]:
    """Hold a record while it is sent; refuse one that another process is sending. A process that dies releases it."""
    busy = TrackingError("another process is sending it")
    if not folder.exists():
        raise busy
    with locked(folder / ".lock", busy):
        if not (folder / _FACTS).exists():
            raise busy
        yield


def delete_record(folder: Path) -> None:
    """Delete a record that was sent."""
    # First the file that makes it a record: a deletion that is cut short must not leave half a record to be sent.
    (folder / _FACTS).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
