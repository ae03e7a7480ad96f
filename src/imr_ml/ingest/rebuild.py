"""Rebuild a table from its manifest.

Letters are identified by their checksum, whatever their names are now, and new ones are ignored. Sample letters that no
longer exist are generated again from their seed.
"""

from __future__ import annotations

from pathlib import Path

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.schema import SchemaError
from imr_ml.files import sha256_of
from imr_ml.ingest.growing import Provenance, grow_table
from imr_ml.ingest.ingestion import hash_of, letter_files
from imr_ml.ingest.inputs import Kind, Source
from imr_ml.ingest.manifest import Recipe, SourceRecord, TableManifest
from imr_ml.progress import StartProgress

_SHOWN = 5
_DIGITS = 12


class _LostError(Exception):
    """Why a source can't be read again."""


def replayed(manifest: TableManifest, base: Path, scratch: Path, start: StartProgress) -> Path:
    """Rebuild the table of a manifest.

    Parameters
    ----------
    manifest : TableManifest
    base : Path
        Folder that its paths are relative to.
    scratch : Path
        An empty folder for the table, and for sample letters.
    start : callable
        Starts the progress bar of a long step.

    Returns
    -------
    Path
        The table; the user's own table where it was not made of letters.

    Raises
    ------
    SchemaError
        For sources that are not there any more or have changed, each with what became of it.
    """
    steps = manifest.steps
    if len(steps) == 1 and steps[0].sources[0].kind is Kind.REQUESTS:
        return unchanged_table(manifest, base)
    sources: list[list[Source]] = []
    lost: list[str] = []
    for number, step in enumerate(steps):
        sources.append([])
        for place, record in enumerate(step.sources):
            try:
                sources[-1].append(_source_of(record, base, scratch / f"sample-{number}-{place}"))
            except _LostError as error:
                lost.append(f"{record.path}: {error}")
    if lost:
        raise SchemaError("the table can't be made anew: " + "; ".join(lost))
    table = scratch / "requests.parquet"
    for step, of_step in zip(steps, sources, strict=True):
        grow_table(of_step, table, start, provenance=Provenance(step.command, step.code))
    return table


def unchanged_table(manifest: TableManifest, base: Path) -> Path:
    """The table itself.

    Raises
    ------
    SchemaError
        Where it is not there any more or has changed.
    """
    table = base / manifest.table
    if not table.exists():
        raise SchemaError(f"{manifest.table}: the table that was trained on is not there")
    if table.is_dir() or sha256_of(table) != manifest.sha256:
        raise SchemaError(f"{manifest.table}: the table that was trained on has changed since, or is a folder")
    return table


def _source_of(record: SourceRecord, base: Path, scratch: Path) -> Source:
    if record.kind is Kind.REQUESTS:
        raise _LostError("its first rows stood in a table without a manifest, so nothing tells their sources")
    kind, path = record.kind, base / record.path
    if kind in (Kind.FOLDER, Kind.FETCHED):
        try:
            return Source(path, kind, _letters(record, _folder(path, kind)))
        except _LostError:
            if record.recipe is None:
                raise
        return Source(scratch, kind, _letters(record, _made_anew(record.recipe, scratch)))
    if not path.is_file():
        raise _LostError("is not there")
    if sha256_of(path) != record.sha256:
        raise _LostError("has changed")
    return Source(path, kind, options=record.options or InputOptions())


def _folder(path: Path, kind: Kind) -> Path:
    if not path.exists():
        raise _LostError("is not there")
    return path if kind is Kind.FOLDER else path.parent


def _letters(record: SourceRecord, folder: Path) -> tuple[Path, ...]:
    """Files of a folder that were read, in the same order."""
    there: dict[str | None, Path] = {}
    for file in letter_files([folder]):
        there.setdefault(hash_of(file), file)
    lost = [sha256 for sha256 in record.letter_sha256s if sha256 not in there]
    if lost:
        shown = ", ".join(sha256[:_DIGITS] for sha256 in lost[:_SHOWN]) + (", ..." if len(lost) > _SHOWN else "")
        raise _LostError(
            f"{len(lost)} of {len(record.letter_sha256s)} letters are not there or have changed (SHA-256 {shown}; the "
            f"table's column letter_sha256 tells which they are)"
        )
    return tuple(there[sha256] for sha256 in record.letter_sha256s)


def _made_anew(recipe: Recipe, folder: Path) -> Path:
    from imr_ml.sample.writing import write_samples

    write_samples(folder, recipe.letters, recipe.seed, recipe.pdf)
    return folder
