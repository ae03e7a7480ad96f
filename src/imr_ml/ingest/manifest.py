"""Read and write the manifest beside a requests table.

A manifest is copied to models and runs, so it has counts and checksums, but no text or name of a letter. Its paths are
relative to its folder, so that a project can be moved.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.schema import OWN_SOURCE, SchemaError, typed
from imr_ml.corpus.store import ROWS_AT_ONCE, SCHEMA_VERSION
from imr_ml.files import atomic_write, sha256_of
from imr_ml.ingest.inputs import Kind
from imr_ml.tables.table import Table

_SUFFIX = ".manifest.json"
RECIPE = "_recipe.json"
"""File in a folder of sample letters; its leading underscore marks it as not a letter."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Data):
    """Git checkout of a command: full commit hash, and whether tracked files were changed."""

    commit: str
    dirty: bool


class Recipe(_Data):
    """Settings to generate sample letters again."""

    letters: int
    seed: int
    pdf: bool = False


class SourceRecord(_Data):
    """A source of a table.

    Attributes
    ----------
    kind : Kind
        ``Kind.REQUESTS`` stands for rows that are older than the manifest.
    sha256 : str or None
        Checksum of the file; None for a folder.
    letter_sha256s : tuple of str
        Checksums of the readable files of a folder or fetch manifest, in the order of reading.
    recipe : Recipe or None
        Settings of sample letters.
    options : InputOptions or None
        How the table was read, if not by default.
    letters, requests, skipped, rejects : int
        New letters or determinations and their requests; letters or determinations that were already in the table;
        those that can't be read or repeat another.
    """

    kind: Kind
    path: str
    sha256: str | None = None
    letter_sha256s: tuple[str, ...] = ()
    recipe: Recipe | None = None
    options: InputOptions | None = None
    letters: int
    requests: int
    skipped: int = 0
    rejects: int = 0


class Step(_Data):
    """One command that added to the table; `at` is the time in UTC."""

    command: str
    at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    imr_ml: str = Field(default_factory=lambda: version("imr-ml"))
    code: Code | None = None
    sources: tuple[SourceRecord, ...]


class TableManifest(_Data):
    """The sources of a requests table.

    Attributes
    ----------
    table, sha256 : str
        Path and checksum of the table.
    issues, requests, overturned : int
        Letters or determinations in the table, their requests and the overturned ones.
    requests_by_source : dict of str to int
        Requests from ``dwc``, ``dmhc``, ``sample``, ``own`` and any other source in the table.
    steps : tuple of Step
        In chronological order.
    """

    format: Literal[1] = 1
    schema_version: int = SCHEMA_VERSION
    table: str
    sha256: str
    issues: int | None = None
    requests: int
    overturned: int
    requests_by_source: dict[str, int]
    steps: tuple[Step, ...]

    @property
    def sources(self) -> tuple[SourceRecord, ...]:
        """Sources of all steps."""
        return tuple(source for step in self.steps for source in step.sources)


def manifest_path(table: Path) -> Path:
    """Path of a table's manifest."""
    return table.with_name(table.stem + _SUFFIX)


def table_manifest(table: Path, name: str, steps: tuple[Step, ...], issues: int | None = None) -> TableManifest:
    """Make the manifest of a table.

    Parameters
    ----------
    table : Path
    name : str
        Path of the table in the manifest.
    steps : tuple of Step
    issues : int, optional
        Number of letters or determinations in the table.
    """
    requests = overturned = 0
    by_source: Counter[str] = Counter()
    for chunk in Table.open(table).chunks(ROWS_AT_ONCE, ("source", "outcome")):
        rows = typed(chunk.frame.reindex(columns=["source", "outcome"]))
        requests += len(rows)
        overturned += int(rows["outcome"].eq("overturned").sum())
        by_source.update(rows["source"].fillna(OWN_SOURCE))
    return TableManifest(
        table=name,
        sha256="" if table.is_dir() else sha256_of(table),
        issues=issues,
        requests=requests,
        overturned=overturned,
        requests_by_source=dict(by_source.most_common()),
        steps=steps,
    )


def write_manifest(manifest: TableManifest, path: Path) -> None:
    """Write the manifest atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> TableManifest:
    """Read a manifest; raise `SchemaError` for another file."""
    try:
        return TableManifest.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise SchemaError(f"{path}: is not a table manifest that this version of imr-ml can read ({reason})") from error


def manifest_of(table: Path) -> TableManifest | None:
    """Read the manifest beside a table; return None if it is missing or the table has changed since."""
    path = manifest_path(table)
    if not (table.is_file() and path.is_file()):
        return None
    manifest = read_manifest(path)
    return manifest if manifest.sha256 == sha256_of(table) else None


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Write the recipe of sample letters into their folder."""
    (folder / RECIPE).write_text(recipe.model_dump_json() + "\n", encoding="utf-8")


def recipe_of(folder: Path) -> Recipe | None:
    """Read the recipe in a folder of sample letters; return None for other folders."""
    try:
        return Recipe.model_validate_json((folder / RECIPE).read_bytes())
    except (OSError, ValidationError):
        return None


def rebase_manifest(manifest: TableManifest, base: Path, new: Path) -> TableManifest:
    """Change the manifest's paths from relative to `base` to relative to `new`."""

    def moved(path: str) -> str:
        return relative_path(base / path, new)

    steps = tuple(
        step.model_copy(
            update={"sources": tuple(source.model_copy(update={"path": moved(source.path)}) for source in step.sources)}
        )
        for step in manifest.steps
    )
    return manifest.model_copy(update={"table": moved(manifest.table), "steps": steps})


def relative_path(path: Path, base: Path) -> str:
    """Express a path relative to a folder, with forward slashes; absolute if it is on another drive."""
    try:
        return Path(os.path.relpath(path, base)).as_posix()
    except ValueError:
        return path.absolute().as_posix()
