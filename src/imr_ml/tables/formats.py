"""Which format a table has, by its name, else by its first bytes; and standard input put into a file."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import BinaryIO

from imr_ml.errors import SchemaError
from imr_ml.tables.encodings import GZIP_MAGIC, opened
from imr_ml.tables.types import BLOCK_BYTES, Format

_OF_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
}
TABLE_SUFFIXES = tuple(_OF_SUFFIX)
# Text that is a table only where the user says so: letters may end so too.
_PLAIN_TEXT = ("", ".txt", ".dat", ".tab")
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = b"%PDF"
_HEAD_BYTES = 4096
# Scores written beside what they were made of don't make a table of its folder.
_DOCUMENTS = (".pdf", ".txt")
_BLANKS = b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"


def table_format(path: Path) -> Format:
    """The format of a table.

    The first bytes of Parquet files, workbooks and PDFs decide whatever the name says; else the name's ending, with or
    without ``.gz``; else text that begins with a brace or bracket is JSON lines, and other text whose name tells
    nothing CSV.

    Raises
    ------
    SchemaError
        For what is no table.
    FileNotFoundError
        Where there is nothing.
    """
    if path.is_dir():
        if not _is_parquet_folder(path):
            raise SchemaError(f"{path}: this folder is no table: it holds no .parquet files, or documents beside them")
        return "parquet"
    head = _head(path)
    binary = _binary_format(path, head)
    if binary:
        return binary
    named = _of_name(path)
    if named in ("parquet", "excel"):
        raise SchemaError(f"{path}: can't be read as {named.capitalize()}: it does not begin as such a file does")
    if named is None and path.suffix.lower() not in _PLAIN_TEXT and _text_format(head) == "csv":
        raise SchemaError(f"{path}: is not a table; {_known()}")
    return named or _text_format(head)


def is_table(path: Path) -> bool:
    """Whether a path is a table by its name or first bytes, or a folder of Parquet files and no documents."""
    if path.is_dir():
        return _is_parquet_folder(path)
    if not path.is_file():
        return False
    head = _head(path)
    return _of_name(path) is not None or head.startswith((_PARQUET, OLE_MAGIC)) or _is_workbook(path, head)


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and those below it, in the order of their paths; hidden ones are left out."""
    found = (file for file in folder.rglob("*.parquet") if file.is_file())
    return sorted(
        file for file in found if not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    )


def spooled(stream: BinaryIO, folder: Path) -> Path:
    """Write standard input into a file in `folder` that is named for its format.

    Returns
    -------
    Path
        ``standard-input.csv`` and the like; ``.zip`` and ``.pdf`` for an archive and for a letter.
    """
    head = stream.read(_HEAD_BYTES)
    path = folder / "standard-input"
    with path.open("wb") as file:
        file.write(head)
        shutil.copyfileobj(stream, file, BLOCK_BYTES)
    return path.rename(path.with_name(path.name + _suffix(path)))


def _is_parquet_folder(folder: Path) -> bool:
    return bool(parquet_files(folder)) and not any(file.suffix.lower() in _DOCUMENTS for file in folder.rglob("*"))


def _suffix(path: Path) -> str:
    head = _head(path)
    if head.startswith(_PDF):
        return ".pdf"
    if head.startswith(_ZIP):
        return ".xlsx" if _is_workbook(path, head) else ".zip"
    if head.startswith(OLE_MAGIC):
        return ".xls"
    return ".parquet" if head.startswith(_PARQUET) else f".{_text_format(head)}"


def _head(path: Path) -> bytes:
    """The first bytes of a file, unpacked where it is a gzip file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with opened(path) as file:
            return file.read(_HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise SchemaError(
            f"{path}: can't be read ({getattr(error, 'strerror', None) or 'broken gzip file'})"
        ) from error


def _binary_format(path: Path, head: bytes) -> Format | None:
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(OLE_MAGIC) or _is_workbook(path, head):
        return "excel"
    if head.startswith((_ZIP, _PDF, GZIP_MAGIC)):
        raise SchemaError(f"{path}: is not a table; {_known()}")
    return None


def _of_name(path: Path) -> Format | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    return _OF_SUFFIX.get(suffixes[-1]) if suffixes else None


def _text_format(head: bytes) -> Format:
    return "jsonl" if head.lstrip(_BLANKS)[:1] in (b"{", b"[") else "csv"


def _is_workbook(path: Path, head: bytes) -> bool:
    if not head.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return path.suffix.lower().startswith(".xls")


def _known() -> str:
    return f"give one that ends in {', '.join(TABLE_SUFFIXES)}"
