"""Find the letters in a file, folder, archive, fetch manifest or table of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import Path

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.mapping import renamed
from imr_ml.corpus.schema import REQUIRED_COLUMNS, SchemaError
from imr_ml.ingest.ingestion import LetterSource, Reject, describe_other_files, hash_of, letter_files, other_files

NAME, TEXT = "file", "text"
_ROWS_AT_ONCE = 2000
_SQLITE_MAGIC = b"SQLite format 3\0"


class Kind(StrEnum):
    """Kind of an input."""

    LETTER = "letter"
    FOLDER = "folder"
    ZIP = "zip"
    FETCHED = "fetch manifest"
    TEXTS = "table of texts"
    DETERMINATIONS = "determinations"
    REQUESTS = "requests table"


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
        How a table is read.
    """

    path: Path
    kind: Kind
    only: tuple[Path, ...] | None = None
    options: InputOptions = field(default_factory=InputOptions)


def sources_of(paths: Iterable[Path], options: InputOptions | None = None) -> list[Source]:
    """The paths with their kinds; see `kind_of`."""
    options = options or InputOptions()
    return [Source(path, kind_of(path, options), options=options) for path in paths]


def kind_of(path: Path, options: InputOptions | None = None) -> Kind:
    """Kind of an input, by its first bytes and its name.

    Parameters
    ----------
    path : Path
    options : InputOptions, optional
        How a table is read.

    Raises
    ------
    FileNotFoundError
        Where there is nothing.
    SchemaError
        For a table that has neither texts of letters nor determinations.
    """
    from imr_ml.ingest.dmhc import is_determinations
    from imr_ml.tables.formats import is_table

    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if is_determinations(path):
        return Kind.DETERMINATIONS
    if is_table(path):
        _check_texts(path, options or InputOptions())
        return Kind.TEXTS
    if path.is_dir():
        return Kind.FOLDER
    with path.open("rb") as file:
        head = file.read(len(_SQLITE_MAGIC))
    if head == _SQLITE_MAGIC or path.suffix.lower() == ".sqlite":
        return Kind.FETCHED
    return Kind.ZIP if path.suffix.lower() == ".zip" or head.startswith(b"PK\x03\x04") else Kind.LETTER


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of a source.

    Attributes
    ----------
    letters : iterator of LetterSource or Reject
        Each with its checksum, which is missing where the file can't be read.
    total : int
        Their number, 0 where it is not known.
    other_files : tuple of str
        Files that are skipped as they are no letters.
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
        Where there is no letter.
    """
    path = source.path
    if source.kind is Kind.TEXTS:
        return Letters(_letters_in_table(path, source.options))
    if source.kind is Kind.ZIP:
        from imr_ml.ingest.archives import letters_of, other_members

        files, rejects = letters_of(path, scratch)
        named = ((f"{path}/{file.relative_to(scratch).as_posix()}", file) for file in files)
        return Letters(chain(rejects, _hashed(named, ocr=source.options.ocr)), len(files), tuple(other_members(path)))
    others: tuple[str, ...] = ()
    if source.only is not None:
        files = list(source.only)
    elif source.kind is Kind.FETCHED:
        from imr_ml.fetch.manifest import letters_of_manifest

        files = letters_of_manifest(path)
    else:
        files, others = letter_files([path]), tuple(str(file.relative_to(path)) for file in other_files(path))
    if not files:
        note = f"; {describe_other_files(others)}" if others else ""
        raise SchemaError(f"{path}: holds no letter (.pdf or .txt){note}")
    return Letters(_hashed(((str(file), file) for file in files), ocr=source.options.ocr), len(files), others)


def _hashed(files: Iterable[tuple[str, Path]], *, ocr: bool) -> Iterator[LetterSource]:
    for name, file in files:
        yield LetterSource(name, path=file, sha256=hash_of(file), ocr=ocr)


def _letters_in_table(table: Path, options: InputOptions) -> Iterator[LetterSource | Reject]:
    """Letters whose text is in a table's column ``text`` and whose name in its column ``file``."""
    from imr_ml.tables.table import Table

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


def _check_texts(table: Path, options: InputOptions) -> None:
    from imr_ml.tables.table import Table

    columns = Table.open(table, options.sheet).columns
    names = renamed(columns, options.mapping.resolve(columns).columns)
    lacking = [name for name in (NAME, TEXT) if name not in names]
    if not lacking:
        return
    present = ", ".join(names[:30]) or "none"
    message = f"{table}: lacks column(s) {', '.join(lacking)}; found: {present}; "
    if set(names) >= set(REQUIRED_COLUMNS):
        raise SchemaError(f"{message}it looks like a requests table, which is ready to train on: --data {table}")
    raise SchemaError(f"{message}a table of letters has the columns {NAME} and {TEXT}")
