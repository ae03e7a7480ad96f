"""Store what is to be recorded in an outbox folder until MLflow has it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imr_ml.files import locked
from imr_ml.tracking.uris import TrackingError

UNSENT = "mlruns-unsent"
"""Folder in the working directory that holds what no store has taken yet."""
_FACTS = "record.json"
_ID_LENGTH = 8
_TRIES = 5


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Point(_Data):
    """One value of a metric.

    Attributes
    ----------
    step : int
        Number of the fold for values by fold; else 0.
    at_ms : int, optional
        Milliseconds since 1970; that of the record where not given.
    """

    name: str
    value: float
    step: int = 0
    at_ms: int | None = None


class RunRecord(_Data):
    """One run: able to stand alone beside the others.

    Attributes
    ----------
    key : str
        Unique in its record; names the folder of its artifacts.
    name : str
    tags, params : dict of str
    metrics : tuple of Point
    """

    key: str
    name: str
    tags: dict[str, str] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[Point, ...] = ()


class DatasetRecord(_Data):
    """A table that runs used, by its digest and counts."""

    name: str
    digest: str
    source: str
    columns: str
    profile: str
    context: str = "training"


class ModelRecord(_Data):
    """What is told of a model whose files lie beside the record.

    Attributes
    ----------
    requirements : tuple of str
        Pinned when it was trained.
    tags, description
        Of the registered version.
    """

    requirements: tuple[str, ...]
    tags: dict[str, str]
    description: str


class Record(_Data):
    """Runs that belong together; the first is the parent of the others.

    Attributes
    ----------
    id : str
        Unique; by it a store is asked what it already holds.
    destination : str
        Store it is meant for, without a password.
    started_ms, ended_ms : int
        Milliseconds since 1970.
    """

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    experiment: str
    destination: str
    started_ms: int
    ended_ms: int
    runs: tuple[RunRecord, ...]
    dataset: DatasetRecord
    model: ModelRecord | None = None

    @property
    def name(self) -> str:
        """Name of the parent run."""
        return self.runs[0].name


def save_record(record: Record, files: Path, root: Path | None = None) -> Path:
    """Put a record and its files, which are moved, into `UNSENT`: whole or not at all.

    Parameters
    ----------
    record : Record
    files : Path
        Holds ``artifacts/<key of a run>/``, and ``model/`` and ``code/`` where there is a model.
    root : Path, optional
        The working directory by default.
    """
    (files / _FACTS).write_text(record.model_dump_json(indent=2), encoding="utf-8")
    folder = (root or Path.cwd()) / UNSENT / f"{record.started_ms}-{record.id[:_ID_LENGTH]}"
    files.rename(folder)
    return folder


@contextmanager
def scratch(root: Path | None = None) -> Iterator[Path]:
    """A folder beside the kept records to make a new one in; removed with the block unless it was kept."""
    folder = _made((root or Path.cwd()) / UNSENT)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def list_unsent(root: Path | None = None) -> list[Path]:
    """Folders of the kept records, oldest first."""
    unsent = (root or Path.cwd()) / UNSENT
    return sorted(folder.parent for folder in unsent.glob(f"[!.]*/{_FACTS}"))


def read_record(folder: Path) -> Record:
    """The record in a folder that `save_record` made.

    Raises
    ------
    TrackingError
        For one that was damaged since.
    """
    facts = folder / _FACTS
    try:
        return Record.model_validate_json(facts.read_bytes())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise TrackingError(f"{facts}: is damaged ({reason}); put it back as it was, or move its folder away") from None


def artifacts_of(folder: Path, key: str) -> Path:
    """Folder with the artifacts of a run."""
    return folder / "artifacts" / key


@contextmanager
def lock_record(folder: Path) -> Iterator[bool]:
    """Whether the record is ours to send; another process may be sending it. A process that dies lets go of it."""
    if not folder.exists():
        yield False
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / ".lock", BlockingIOError()))
        except BlockingIOError:
            yield False
        else:
            yield (folder / _FACTS).exists()


def delete_record(folder: Path) -> None:
    """Remove a record that was sent."""
    # First what makes it a record: a removal that is cut short must not leave half a record to be sent again.
    (folder / _FACTS).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


def _made(unsent: Path) -> Path:
    """A new folder in `unsent`, which another process may remove as empty just before."""
    for _ in range(_TRIES):
        unsent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return Path(tempfile.mkdtemp(prefix=".", dir=unsent))
    raise FileNotFoundError(f"{unsent}: a folder can't be made in it")
