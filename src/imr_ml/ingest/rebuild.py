"""Rebuild a table from its manifest.

Letters are identified by checksum, so they may have been renamed; new letters are ignored. Missing sample letters are
generated again from their seed.
"""

from __future__ import annotations

from pathlib import Path

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.schema import SchemaError
from imr_ml.files import sha256_of
from imr_ml.ingest.growing import Provenance, grow_table
from imr_ml.ingest.ingestion import hash_of
from imr_ml.ingest.inputs import Kind, Source, letter_files
from imr_ml.ingest.manifest import SourceRecord, TableManifest
from imr_ml.progress import StartProgress
from imr_ml.sample.writing import write_samples

_CHECKSUMS_SHOWN = 5
_DIGITS_SHOWN = 12


class _LostError(Exception):
    """Reason why a source can't be read again."""


def rebuild_table(manifest: TableManifest, base: Path, scratch: Path, start: StartProgress) -> Path:
    """Rebuild the table of a manifest.

    Parameters
    ----------
    manifest : TableManifest
    base : Path
        Folder that the manifest's paths are relative to.
    scratch : Path
        An empty folder for the table and for sample letters.
    start : callable
        Starts the progress bar of a long step.

    Returns
    -------
    Path
        The rebuilt table, or the user's table if it was not read from letters.

    Raises
    ------
    SchemaError
        If sources are missing or have changed; the message lists them.
    """
    if len(manifest.steps) == 1 and manifest.sources[0].kind is Kind.REQUESTS:
        return unchanged_table(manifest, base)
    sources: list[list[Source]] = []
    lost: list[str] = []
    for number, step in enumerate(manifest.steps):
        sources.append([])
        for place, record in enumerate(step.sources):
            try:
                sources[-1].append(_source_of(record, base, scratch / f"sample-{number}-{place}"))
            except _LostError as error:
                lost.append(f"{record.path}: {error}")
    if lost:
        raise SchemaError("the table can't be rebuilt: " + "; ".join(lost))
    table = scratch / "requests.parquet"
    for step, step_sources in zip(manifest.steps, sources, strict=True):
        grow_table(step_sources, table, start, provenance=Provenance(step.command, step.code))
    return table


def unchanged_table(manifest: TableManifest, base: Path) -> Path:
    """Return the path of a manifest's table; raise `SchemaError` if it is missing or has changed."""
    table = base / manifest.table
    if not table.exists():
        raise SchemaError(f"{manifest.table}: the table that was trained on is missing")
    if table.is_dir() or sha256_of(table) != manifest.sha256:
        raise SchemaError(f"{manifest.table}: the table that was trained on has changed since, or is a folder")
    return table


def _source_of(record: SourceRecord, base: Path, scratch: Path) -> Source:
    if record.kind is Kind.REQUESTS:
        raise _LostError("its first rows come from a table without a manifest, so their sources are unknown")
    kind, path = record.kind, base / record.path
    if kind in (Kind.FOLDER, Kind.FETCHED):
        try:
            if not path.exists():
                raise _LostError("is missing")
            return Source(path, kind, _find_letters(record, path if kind is Kind.FOLDER else path.parent))
        except _LostError:
            if record.recipe is None:
                raise

        write_samples(scratch, record.recipe.letters, record.recipe.seed, record.recipe.pdf)
        return Source(scratch, kind, _find_letters(record, scratch))
    if not path.is_file():
        raise _LostError("is missing")
    if sha256_of(path) != record.sha256:
        raise _LostError("has changed")
    return Source(path, kind, options=record.options or InputOptions())


def _find_letters(record: SourceRecord, folder: Path) -> tuple[Path, ...]:
    """Find the recorded letters in a folder, in the recorded order."""
    present: dict[str | None, Path] = {}
    for file in letter_files([folder]):
        present.setdefault(hash_of(file), file)
    lost = [sha256[:_DIGITS_SHOWN] for sha256 in record.letter_sha256s if sha256 not in present]
    if lost:
        shown = ", ".join(lost[:_CHECKSUMS_SHOWN]) + (", ..." if len(lost) > _CHECKSUMS_SHOWN else "")
        raise _LostError(
            f"{len(lost)} of {len(record.letter_sha256s)} letters are missing or have changed (SHA-256 {shown}; "
            f"see the table's column letter_sha256)"
        )
    return tuple(present[sha256] for sha256 in record.letter_sha256s)
