"""Detect the format of a table by its first bytes and its name, and write standard input to a file."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

from imr_ml.errors import SchemaError

Format = Literal["csv", "json", "parquet", "excel"]
_OF_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
}
TABLE_SUFFIXES = tuple(_OF_SUFFIX)
# Text files that may be letters; they are a table only if the user says so.
_PLAIN_TEXT = ("", ".txt", ".dat", ".tab")
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = b"%PDF"
_HEAD_BYTES = 4096
# Scores beside their letters do not make the folder a table.
_DOCUMENTS = (".pdf", ".txt")
_BLANKS = b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"


def table_format(path: Path) -> Format:
    """Detect the format of a table.

    The first bytes decide for Parquet and workbooks, then the ending of the name, with or without ``.gz``; other text
    is JSON if it starts with a brace or bracket, else CSV.

    Raises
    ------
    SchemaError
        If the path is not a table.
    FileNotFoundError
        If the file does not exist.
    """
    if path.is_dir():
        if not _is_parquet_folder(path):
            raise SchemaError(f"{path}: this folder is not a table: it has no .parquet files, or documents beside them")
        return "parquet"
    head = _read_head(path)
    binary = _binary_format(path, head)
    if binary:
        return binary
    named = _format_of_name(path)
    if named in ("parquet", "excel"):
        raise SchemaError(f"{path}: can't be read as {named.capitalize()}: its first bytes are not of this format")
    is_unknown = named is None and path.suffix.lower() not in _PLAIN_TEXT and _text_format(head) == "csv"
    if is_unknown or head.startswith((_ZIP, _PDF, _GZIP)):
        raise SchemaError(f"{path}: is not a table; give one that ends in {', '.join(TABLE_SUFFIXES)}")
    return named or _text_format(head)


def is_table(path: Path) -> bool:
    """Whether a path is a table by its name or first bytes, or a folder of Parquet files without documents."""
    if path.is_dir():
        return _is_parquet_folder(path)
    return path.is_file() and (_format_of_name(path) is not None or _binary_format(path, _read_head(path)) is not None)


def parquet_files(folder: Path) -> list[Path]:
    """List the Parquet files in a folder and its subfolders, sorted, without hidden files."""
    files = (file.relative_to(folder) for file in folder.rglob("*.parquet") if file.is_file())
    return sorted(folder / file for file in files if not any(part.startswith((".", "_")) for part in file.parts))


def spooled(stream: BinaryIO, folder: Path) -> Path:
    """Write standard input to a file in `folder`, with the ending of its format, also ``.zip`` and ``.pdf``."""
    path = folder / "standard-input"
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file)
    head = _read_head(path)
    suffix = ".pdf" if head.startswith(_PDF) else ".zip" if head.startswith(_ZIP) else f".{_text_format(head)}"
    binary = _binary_format(path, head)
    if binary:
        suffix = ".parquet" if binary == "parquet" else ".xls" if head.startswith(OLE_MAGIC) else ".xlsx"
    return path.rename(path.with_name(path.name + suffix))


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked if it is a gzip file."""
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if is_packed else file


def _is_parquet_folder(folder: Path) -> bool:
    return bool(parquet_files(folder)) and not any(file.suffix.lower() in _DOCUMENTS for file in folder.rglob("*"))


def _read_head(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with open_bytes(path) as file:
            return file.read(_HEAD_BYTES)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "broken gzip file"
        raise SchemaError(f"{path}: can't be read ({reason})") from error


def _binary_format(path: Path, head: bytes) -> Format | None:
    if head.startswith(_PARQUET):
        return "parquet"
    return "excel" if head.startswith(OLE_MAGIC) or _is_workbook(path, head) else None


def _format_of_name(path: Path) -> Format | None:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return _OF_SUFFIX.get(suffixes[-1]) if suffixes else None


def _text_format(head: bytes) -> Format:
    return "json" if head.lstrip(_BLANKS)[:1] in (b"{", b"[") else "csv"


def _is_workbook(path: Path, head: bytes) -> bool:
    if not head.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return path.suffix.lower().startswith(".xls")
