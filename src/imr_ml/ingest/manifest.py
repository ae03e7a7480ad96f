"""Read and write the manifest beside a requests table.

Holds counts and checksums, and neither text nor name of a letter, as it goes with models and runs. Paths are relative
to the manifest's folder, so that a project can be moved as a whole.
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
"""File in a folder of sample letters; the leading underscore marks it as no letter."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Data):
    """The checkout that a command ran in.

    Attributes
    ----------
    commit : str
        Full hash.
    dirty : bool
        Whether a tracked file differed from it.
    """

    commit: str
    dirty: bool


class Recipe(_Data):
    """What sample letters can be generated again from."""

    letters: int
    seed: int
    pdf: bool = False


class SourceRecord(_Data):
    """One source of a table.

    Attributes
    ----------
    kind : Kind
        A requests table for rows that stood in the table when its manifest was begun.
    path : str
    sha256 : str or None
        Of the file; None of a folder.
    letter_sha256s : tuple of str
        Of the files of a folder or a fetch manifest that could be opened, in the order in which they were read.
    recipe : Recipe or None
        Of sample letters.
    options : InputOptions or None
        How a table was read, if not under the names of the requests table.
    letters, requests, skipped, rejects : int
        Letters, or determinations, read into the table and their requests; those that were in it already; those that
        can't be read or say the same as another.
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
    """One command that added to the table.

    Attributes
    ----------
    at : str
        When, in UTC.
    """

    command: str
    at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    imr_ml: str = Field(default_factory=lambda: version("imr-ml"))
    code: Code | None = None
    sources: tuple[SourceRecord, ...]


class TableManifest(_Data):
    """The sources of a requests table.

    Attributes
    ----------
    table : str
        Path of the table.
    sha256 : str
        Of its file.
    issues, requests, overturned : int
        Letters or determinations in the table, their requests, and how many of these were overturned.
    requests_by_source : dict of str to int
        Of ``dwc``, ``dmhc``, ``sample``, ``own`` and whatever else the table names.
    steps : tuple of Step
        In the order in which they were done.
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
        """Of all steps."""
        return tuple(source for step in self.steps for source in step.sources)


def manifest_path(table: Path) -> Path:
    """Where a table's manifest is."""
    return table.with_name(table.stem + _SUFFIX)


def table_manifest(table: Path, name: str, steps: tuple[Step, ...], issues: int | None = None) -> TableManifest:
    """Manifest of a table as it is now.

    Parameters
    ----------
    table : Path
    name : str
        Path of the table that the manifest gives.
    steps : tuple of Step
    issues : int, optional
        Letters and determinations in it.
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
    """Write the manifest, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> TableManifest:
    """Read a manifest.

    Raises
    ------
    SchemaError
        For a file that is none.
    """
    try:
        return TableManifest.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise SchemaError(f"{path}: is no manifest of a table that this imr-ml reads ({reason})") from error


def manifest_of(table: Path) -> TableManifest | None:
    """The manifest beside a table; None where there is none or where the table was changed since."""
    path = manifest_path(table)
    if not (table.is_file() and path.is_file()):
        return None
    manifest = read_manifest(path)
    return manifest if manifest.sha256 == sha256_of(table) else None


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Write beside sample letters what they can be generated again from."""
    (folder / RECIPE).write_text(recipe.model_dump_json() + "\n", encoding="utf-8")


def recipe_of(folder: Path) -> Recipe | None:
    """What the sample letters of a folder can be generated again from; None for other folders."""
    try:
        return Recipe.model_validate_json((folder / RECIPE).read_bytes())
    except (OSError, ValidationError):
        return None


def rebased(manifest: TableManifest, base: Path, new: Path) -> TableManifest:
    """The manifest with its paths, which are relative to `base`, made relative to `new`.

    Parameters
    ----------
    manifest : TableManifest
    base : Path
    new : Path
    """

    def moved(path: str) -> str:
        return relative(base / path, new)

    steps = tuple(
        step.model_copy(
            update={"sources": tuple(source.model_copy(update={"path": moved(source.path)}) for source in step.sources)}
        )
        for step in manifest.steps
    )
    return manifest.model_copy(update={"table": moved(manifest.table), "steps": steps})


def relative(path: Path, base: Path) -> str:
    """A path from a folder, with forward slashes; the path itself where no way leads there, as from another drive."""
    try:
        return Path(os.path.relpath(path, base)).as_posix()
    except ValueError:
        return path.absolute().as_posix()
