"""Read the letters of a file, folder, archive, fetch manifest or table of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.mapping import renamed
from imr_ml.corpus.schema import REQUIRED_COLUMNS, SchemaError
from imr_ml.fetch.manifest import letters_of_manifest
from imr_ml.ingest.ingestion import LetterSource, Reject, hash_of
from imr_ml.ingest.paths import Kind, LetterFiles, find_letters, kind_of
from imr_ml.tables.table import Table

NAME, TEXT = "file", "text"
_ROWS_AT_ONCE = 2000
_NAMES_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Source:
    """An input to read.

    Attributes
    ----------
    path : Path
    kind : Kind
    only : tuple of Path, optional
        Read only these letters of a folder or fetch manifest, in this order.
    options : InputOptions
        How to read a table.
    """

    path: Path
    kind: Kind
    only: tuple[Path, ...] | None = None
    options: InputOptions = field(default_factory=InputOptions)


def sources_of(paths: Iterable[Path], options: InputOptions | None = None) -> list[Source]:
    """The paths as sources of letters.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    SchemaError
        For a table that contains neither texts of letters nor determinations.
    """
    options = options or InputOptions()
    return [Source(path, _letter_kind(path, options), options=options) for path in paths]


def table_kind(path: Path, options: InputOptions) -> Kind:
    """Whether the columns of a table are those of letters' texts alone, or of requests."""
    names = _column_names(path, options)
    is_texts = {NAME, TEXT} <= names.keys() and not names.keys() >= set(REQUIRED_COLUMNS)
    return Kind.TEXTS if is_texts else Kind.REQUESTS


def _letter_kind(path: Path, options: InputOptions) -> Kind:
    kind = kind_of(path)
    if kind is not Kind.REQUESTS:
        return kind
    names = _column_names(path, options)
    lacking = [name for name in (NAME, TEXT) if name not in names]
    if not lacking:
        return Kind.TEXTS
    present = ", ".join(list(names)[:_NAMES_SHOWN]) or "none"
    message = f"{path}: lacks column(s) {', '.join(lacking)}; found: {present}; "
    if names.keys() >= set(REQUIRED_COLUMNS):
        raise SchemaError(f"{message}it looks like a requests table, which is ready to train on: --data {path}")
    raise SchemaError(f"{message}a table of letters has the columns {NAME} and {TEXT}")


def _column_names(path: Path, options: InputOptions) -> dict[str, None]:
    columns = Table.open(path, options.sheet).columns
    return dict.fromkeys(renamed(columns, options.mapping.resolve(columns).columns))


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of a source.

    Attributes
    ----------
    letters : iterator of LetterSource or Reject
    total : int
        Number of letters; 0 if unknown.
    other_files : tuple of str
        Files that are not letters.
    """

    letters: Iterator[LetterSource | Reject]
    total: int = 0
    other_files: tuple[str, ...] = ()


def letters_in(source: Source, scratch: Path) -> Letters:
    """The letters of a source other than determinations, in order.

    Parameters
    ----------
    source : Source
    scratch : Path
        An empty folder to unpack a zip into.

    Raises
    ------
    SchemaError
        If it contains no letter.
    """
    path = source.path
    if source.kind is Kind.TEXTS:
        return Letters(_letters_in_table(path, source.options))
    if source.only is not None:
        listing = LetterFiles(list(source.only), [], [])
    elif source.kind is Kind.FETCHED:
        listing = LetterFiles(letters_of_manifest(path), [], [])
    else:
        listing = find_letters(path, source.kind, scratch)
    if not listing.files and not listing.rejects:
        raise SchemaError(f"{path}: contains no letter")
    letters = (
        LetterSource(
            f"{path}/{file.relative_to(scratch).as_posix()}" if source.kind is Kind.ZIP else str(file),
            path=file,
            sha256=hash_of(file),
            ocr=source.options.ocr,
        )
        for file in listing.files
    )
    return Letters(chain(listing.rejects, letters), len(listing.files), tuple(listing.other_files))


def _letters_in_table(table: Path, options: InputOptions) -> Iterator[LetterSource | Reject]:
    """Letters of a table with their text in column ``text`` and their name in column ``file``."""
    opened = Table.open(table, options.sheet)
    columns = [options.mapping.resolve(opened.columns).user_name(name) for name in (NAME, TEXT)]
    for chunk in opened.chunks(_ROWS_AT_ONCE, columns):
        yield from (Reject(str(table), f"line {line.line}", line.reason) for line in chunk.rejects)
        for row, name, text in zip(chunk.frame.index, *(chunk.frame[column] for column in columns), strict=True):
            place = f"row {row + 1}"
            if not (isinstance(text, str) and text.strip()):
                yield Reject(str(table), place, f"has no {TEXT}")
            else:
                named = name if isinstance(name, str) and name.strip() else f"{table.name} {place}"
                sha256 = hashlib.sha256(text.encode(errors="replace")).hexdigest()
                yield LetterSource(named, text=text, sha256=sha256)
