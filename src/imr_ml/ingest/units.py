"""Resolve files, archives and tables of texts to letters.

Of a table, some rows are held at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import REQUIRED_COLUMNS, SchemaError
from imr_ml.ingest.ingestion import LetterSource, Reject, hash_of, letter_files

if TYPE_CHECKING:
    from imr_ml.tables.types import Chunk

NAME, TEXT = "file", "text"
_ROWS_AT_ONCE = 2000
_SQLITE_MAGIC = b"SQLite format 3\0"


class Kind(StrEnum):
    """What a path that holds letters or decided cases is."""

    LETTER = "letter"
    FOLDER = "folder"
    ZIP = "zip"
    FETCHED = "fetch manifest"
    TEXTS = "table of texts"
    DETERMINATIONS = "determinations"
    REQUESTS = "requests table"


@dataclass(frozen=True, slots=True)
class Source:
    """What to read.

    Attributes
    ----------
    path : Path
    kind : Kind
    only : tuple of Path, optional
        Of a folder's or a fetch manifest's letters these alone, in this order.
    """

    path: Path
    kind: Kind
    only: tuple[Path, ...] | None = None


def sources_of(paths: Iterable[Path]) -> list[Source]:
    """The paths with their kinds; see `kind_of`."""
    return [Source(path, kind_of(path)) for path in paths]


def kind_of(path: Path) -> Kind:
    """What a path is, by its first bytes and its name.

    Raises
    ------
    FileNotFoundError
        Where there is nothing.
    SchemaError
        For a table that is neither of letters' texts nor of determinations.
    """
    from imr_ml.ingest.dmhc import is_determinations
    from imr_ml.tables.formats import is_table

    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if is_determinations(path):
        return Kind.DETERMINATIONS
    if is_table(path):
        _check_texts(path)
        return Kind.TEXTS
    if path.is_dir():
        return Kind.FOLDER
    with path.open("rb") as file:
        head = file.read(len(_SQLITE_MAGIC))
    if head == _SQLITE_MAGIC or path.suffix.lower() == ".sqlite":
        return Kind.FETCHED
    return Kind.ZIP if path.suffix.lower() == ".zip" or head.startswith(b"PK\x03\x04") else Kind.LETTER


def files_of(source: Source, scratch: Path) -> tuple[list[Path], list[Reject]]:
    """The letters' files that a source stands for, in order, and what in it can't be had; none of a table.

    Parameters
    ----------
    source : Source
    scratch : Path
        An empty folder that a zip's letters are put into.

    Raises
    ------
    SchemaError
        Where there is no letter.
    """
    path = source.path
    if source.kind is Kind.ZIP:
        from imr_ml.ingest.archives import letters_of

        return letters_of(path, scratch)
    if source.only is not None:
        return list(source.only), []
    if source.kind is Kind.FETCHED:
        from imr_ml.fetch.manifest import letters_of_manifest

        files = letters_of_manifest(path)
    else:
        files = letter_files([path])
    if not files:
        raise SchemaError(f"{path}: holds no letter (.pdf or .txt)")
    return files, []


def units_of_files(files: Iterable[Path], names: Callable[[Path], str] = str) -> Iterator[LetterSource]:
    """Letters in files, each with its checksum, which is missing where the file can't be read."""
    for file in files:
        yield LetterSource(names(file), path=file, sha256=hash_of(file))


def units_of_texts(table: Path) -> Iterator[LetterSource | Reject]:
    """Letters whose text is in a table's column ``text`` and whose name in its column ``file``."""
    from imr_ml.tables.reading import read_chunks

    for chunk in read_chunks(table, _ROWS_AT_ONCE, (NAME, TEXT)):
        yield from _units_of_rows(table, chunk)


def _units_of_rows(table: Path, chunk: Chunk) -> Iterator[LetterSource | Reject]:
    rows = zip(chunk.frame.index, chunk.frame[NAME], chunk.frame[TEXT], strict=True)
    for row, name, text in rows:
        place = f"row {row + 1}"
        if row in chunk.reasons:
            yield Reject(str(table), place, chunk.reasons[row])
        elif not (isinstance(text, str) and text.strip()):
            yield Reject(str(table), place, f"has no {TEXT}")
        else:
            named = name if isinstance(name, str) and name.strip() else f"{table.name} {place}"
            content = text.encode(errors="replace")
            yield LetterSource(named, text=text, sha256=hashlib.sha256(content).hexdigest())


def _check_texts(table: Path) -> None:
    from imr_ml.tables.reading import column_names

    names = column_names(table)
    lacking = [name for name in (NAME, TEXT) if name not in names]
    if not lacking:
        return
    found = ", ".join(names[:30]) or "none"
    message = f"{table}: lacks column(s) {', '.join(lacking)}; found: {found}; "
    if set(names) >= set(REQUIRED_COLUMNS):
        raise SchemaError(f"{message}it looks like a requests table, which is ready to train on: --data {table}")
    raise SchemaError(f"{message}a table of letters has the columns {NAME} and {TEXT}")
