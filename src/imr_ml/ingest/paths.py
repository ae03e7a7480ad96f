"""Decide what a path is, and list the letters in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from imr_ml.errors import SchemaError
from imr_ml.ingest.archives import unpack_letters
from imr_ml.ingest.dmhc import is_determinations
from imr_ml.ingest.ingestion import LETTER_SUFFIXES, Reject, is_letter_name, is_other_name
from imr_ml.tables.formats import is_table

_SQLITE_MAGIC = b"SQLite format 3\0"
_ZIP_MAGIC = b"PK\x03\x04"
_NAMES_SHOWN = 5


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
    """Kind of an input, by its first bytes and its name.

    Any table but the DMHC's is a requests table here; `imr_ml.ingest.inputs.table_kind` looks at its columns.

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


@dataclass(frozen=True, slots=True)
class LetterFiles:
    """Letters in a file, folder or zip.

    Attributes
    ----------
    files : list of Path
    rejects : list of Reject
        Members of a zip that are not unpacked.
    other_files : list of str
        Paths of the files that are not letters.
    """

    files: list[Path]
    rejects: list[Reject]
    other_files: list[str]


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
        letters = LetterFiles(*unpack_letters(path, scratch))
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
    """Count the files that are not letters, and name the first.

    Examples
    --------
    >>> describe_other_files(["a.tif", "b.docx"])
    '2 other file(s) skipped: a.tif, b.docx'
    """
    shown = ", ".join([*names[:_NAMES_SHOWN], "..."] if len(names) > _NAMES_SHOWN else names)
    printable = "".join(character if character.isprintable() else "?" for character in shown)
    return f"{len(names)} other file(s) skipped: {printable}"
