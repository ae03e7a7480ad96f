"""Detect the kind of an input, and list the letters in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import Path

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.mapping import renamed
from imr_ml.corpus.schema import REQUIRED_COLUMNS, SchemaError
from imr_ml.fetch.manifest import letters_of_manifest
from imr_ml.ingest.archives import LetterFiles, unpack_letters
from imr_ml.ingest.dmhc import is_determinations
from imr_ml.ingest.ingestion import LETTER_SUFFIXES, LetterSource, Reject, hash_of, is_letter_name, is_other_name
from imr_ml.tables.formats import is_table
from imr_ml.tables.table import Table

_SQLITE_MAGIC = b"SQLite format 3\0"
_ZIP_MAGIC = b"PK\x03\x04"
_FILES_SHOWN, _NAMES_SHOWN = 5, 30
NAME, TEXT = "file", "text"
_ROWS_AT_ONCE = 2000


class Kind(StrEnum):
    """Kind of an input."""

    LETTER = "letter"
    FOLDER = "folder"
    ZIP = "zip"
    FETCHED = "fetch manifest"
    TEXTS = "table of texts"
    DETERMINATIONS = "determinations"
    REQUESTS = "requests table"


def kind_of(path: Path) -> Kind:
    """Detect the kind of an input by its first bytes and its name.

    Any table other than the DMHC's counts as a requests table; `input_kind` also checks its columns.

    Raises
    ------
    FileNotFoundError
        If the path does not exist.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if is_determinations(path):
        return Kind.DETERMINATIONS
    if is_table(path):
        return Kind.REQUESTS
    if path.is_dir():
        return Kind.FOLDER
    with path.open("rb") as file:
        head = file.read(len(_SQLITE_MAGIC))
    suffix = path.suffix.lower()
    if head == _SQLITE_MAGIC or suffix == ".sqlite":
        return Kind.FETCHED
    return Kind.ZIP if suffix == ".zip" or head.startswith(_ZIP_MAGIC) else Kind.LETTER


def find_letters(path: Path, kind: Kind, scratch: Path) -> LetterFiles:
    """List the letters in a letter, folder or zip.

    Parameters
    ----------
    path : Path
    kind : Kind
    scratch : Path
        An empty folder to unpack a zip into.

    Raises
    ------
    SchemaError
        If it contains no letter.
    """
    if kind is Kind.ZIP:
        letters = unpack_letters(path, scratch)
    else:
        letters = LetterFiles(letter_files([path]), [], [str(file.relative_to(path)) for file in other_files(path)])
    if not letters.files and not letters.rejects:
        note = f"; {describe_other_files(letters.other_files)}" if letters.other_files else ""
        raise SchemaError(f"{path}: contains no letter ({' or '.join(LETTER_SUFFIXES)}){note}")
    return letters


def letter_files(paths: Iterable[Path]) -> list[Path]:
    """List the PDF and text files among the paths and in their folders, sorted.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += [file for file in path.rglob("*") if is_letter_name(file.name)]
        elif path.is_file():
            files.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return sorted(set(files))


def other_files(folder: Path) -> list[Path]:
    """List the files in a folder that are neither letters nor hidden, sorted."""
    return sorted(path for path in folder.rglob("*") if is_other_name(path.relative_to(folder)) and path.is_file())


def describe_other_files(names: Sequence[str]) -> str:
    """Describe the number and first names of files that are not letters.

    Examples
    --------
    >>> describe_other_files(["a.tif", "b.docx"])
    '2 other file(s) skipped: a.tif, b.docx'
    """
    shown = ", ".join([*names[:_FILES_SHOWN], "..."] if len(names) > _FILES_SHOWN else names)
    printable = "".join(character if character.isprintable() else "?" for character in shown)
    return f"{len(names)} other file(s) skipped: {printable}"


@dataclass(frozen=True, slots=True)
class Source:
    """An input to read.

    Attributes
    ----------
    only : tuple of Path, optional
        Read only these letters of a folder or fetch manifest, in this order.
    options : InputOptions
        How to read a table.
    """

    path: Path
    kind: Kind
    only: tuple[Path, ...] | None = None
    options: InputOptions = field(default_factory=InputOptions)


def make_sources(paths: Iterable[Path], options: InputOptions | None = None) -> list[Source]:
    """Make sources of letters from paths.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    SchemaError
        For a table that contains neither texts of letters nor determinations.
    """
    options = options or InputOptions()
    return [Source(path, _letter_kind(path, options), options=options) for path in paths]


def input_kind(path: Path, options: InputOptions) -> Kind:
    """Detect the kind of an input to train on; a table contains texts or requests, depending on its columns.

    See `kind_of` for errors.
    """
    kind = kind_of(path)
    if kind is not Kind.REQUESTS:
        return kind
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


def list_letters(source: Source, scratch: Path) -> tuple[Iterator[LetterSource | Reject], int, tuple[str, ...]]:
    """List the letters of a source other than determinations, in order.

    Parameters
    ----------
    source : Source
    scratch : Path
        An empty folder to unpack a zip into.

    Returns
    -------
    letters : iterator of LetterSource or Reject
    total : int
        Number of letters; 0 if unknown.
    other_files : tuple of str
        Files that are not letters.

    Raises
    ------
    SchemaError
        If it contains no letter.
    """
    path = source.path
    if source.kind is Kind.TEXTS:
        return _read_letters_in_table(path, source.options), 0, ()
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
    return chain(listing.rejects, letters), len(listing.files), tuple(listing.other_files)


def _read_letters_in_table(table: Path, options: InputOptions) -> Iterator[LetterSource | Reject]:
    """Read letters from a table with their text in the column ``text`` and their name in the column ``file``."""
    opened = Table.open(table, options.sheet)
    columns = [options.mapping.resolve(opened.columns).user_name(name) for name in (NAME, TEXT)]
    for chunk in opened.chunks(_ROWS_AT_ONCE, columns):
        yield from (Reject(str(table), f"line {line.line}", line.reason) for line in chunk.rejects)
        for row, name, text in zip(chunk.frame.index, *(chunk.frame[column] for column in columns), strict=True):
            place = f"row {row + 1}"
            if not (isinstance(text, str) and text.strip()):
                yield Reject(str(table), place, f"has no {TEXT}")
            else:
                file_name = name if isinstance(name, str) and name.strip() else f"{table.name} {place}"
                sha256 = hashlib.sha256(text.encode(errors="replace")).hexdigest()
                yield LetterSource(file_name, text=text, sha256=sha256)
