"""Detect the format of a table by its first bytes and its name, open its bytes and read its lines."""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

from imr_ml.decoding import BLOCK_BYTES, Encoding, decode_line
from imr_ml.decoding import detect_encoding as detect_in_blocks
from imr_ml.errors import SchemaError

ROW_BYTES = 16 << 20
"""Limit of a row; longer ones are rejected. The longest case summaries have about ten thousand characters."""
Format = Literal["csv", "json", "parquet", "excel"]
_FORMAT_BY_SUFFIX: dict[str, Format] = {
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
TABLE_SUFFIXES = tuple(_FORMAT_BY_SUFFIX)
# Endings of text files that may be letters; they are tables only if the user names them as such.
_PLAIN_TEXT = ("", ".txt", ".dat", ".tab")
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = b"%PDF"
_HEAD_BYTES = 4096
NUL = "contains a NUL character, as broken files do"
TOO_LONG = f"is longer than {ROW_BYTES >> 20} MB"
_BYTES_SHOWN = 1 << 16
# A folder with such files contains letters, and perhaps their scores, but is not a table.
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
    format_by_name = _format_of_name(path)
    if format_by_name in ("parquet", "excel"):
        raise SchemaError(
            f"{path}: can't be read as {format_by_name.capitalize()}: its first bytes are not of this format"
        )
    is_unknown = format_by_name is None and path.suffix.lower() not in _PLAIN_TEXT and _text_format(head) == "csv"
    if is_unknown or head.startswith((_ZIP, _PDF, _GZIP)):
        raise SchemaError(f"{path}: is not a table; name a file ending in {', '.join(TABLE_SUFFIXES)}")
    return format_by_name or _text_format(head)


def is_table(path: Path) -> bool:
    """Whether a path is a table by its name or first bytes, or a folder of Parquet files without documents."""
    if path.is_dir():
        return _is_parquet_folder(path)
    return path.is_file() and (_format_of_name(path) is not None or _binary_format(path, _read_head(path)) is not None)


def parquet_files(folder: Path) -> list[Path]:
    """List the Parquet files in a folder and its subfolders, sorted, without hidden files."""
    files = (file.relative_to(folder) for file in folder.rglob("*.parquet") if file.is_file())
    return sorted(folder / file for file in files if not any(part.startswith((".", "_")) for part in file.parts))


def spool_stream(stream: BinaryIO, folder: Path) -> Path:
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
    return _FORMAT_BY_SUFFIX.get(suffixes[-1]) if suffixes else None


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


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its line end, and the reason if it can't be part of a row."""

    number: int
    text: str
    flaw: str | None = None


def detect_encoding(path: Path) -> Encoding:
    """Detect the encoding of a file; cached until the file changes."""
    state = path.stat()
    return _detect_encoding(path, state.st_size, state.st_mtime_ns)


def read_lines(path: Path) -> Iterator[Line]:
    """Read the lines of a text file, split at any line end and numbered from 1."""
    encoding = detect_encoding(path)
    number = 0
    for piece, is_whole in _complete_lines(_utf8_blocks(path, encoding)):
        if not is_whole:
            number += 1
            yield Line(number, decode_line(piece[:_BYTES_SHOWN], encoding.code_page), TOO_LONG)
            continue
        for line in io.StringIO(_decode_piece(piece, encoding), newline=""):
            number += 1
            yield Line(number, line, NUL if "\0" in line else None)


def read_text(path: Path, max_bytes: int) -> str | None:
    """Read the whole text of a file; return None if it has more bytes."""
    encoding = detect_encoding(path)
    parts, size = [], 0
    for block in _utf8_blocks(path, encoding):
        parts.append(block)
        size += len(block)
        if size > max_bytes:
            return None
    return _decode_piece(b"".join(parts), encoding)


def _decode_piece(piece: bytes, encoding: Encoding) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "".join(decode_line(line, encoding.code_page) for line in piece.splitlines(keepends=True))


def _complete_lines(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield pieces of complete lines, and the starts of lines that are too long."""
    rest, is_skipping = b"", False
    for block in blocks:
        rest += block
        end = rest.rfind(b"\n") + 1 or rest.rfind(b"\r", 0, -1) + 1
        if is_skipping:
            rest = rest[rest.find(b"\n") + 1 :] if end else b""
            is_skipping = not end
            end = rest.rfind(b"\n") + 1
        if end:
            yield from _split_long(rest[:end])
            rest = rest[end:]
        if len(rest) > ROW_BYTES:
            yield rest, False
            rest, is_skipping = b"", True
    if rest:
        yield rest, True


def _split_long(piece: bytes) -> Iterator[tuple[bytes, bool]]:
    if len(piece) <= ROW_BYTES:
        yield piece, True
        return
    for line in piece.splitlines(keepends=True):
        yield line, len(line) <= ROW_BYTES


def _utf8_blocks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """Read the bytes of a file, with UTF-16 and UTF-32 converted to UTF-8."""
    with open_bytes(path) as file:
        if encoding.codec == "utf-8-sig":
            file.read(len(codecs.BOM_UTF8))
        decoder = codecs.getincrementaldecoder(encoding.codec)("replace") if encoding.is_wide else None
        while block := file.read(BLOCK_BYTES):
            yield decoder.decode(block).encode("utf-8", "replace") if decoder else block
        if decoder:
            yield decoder.decode(b"", final=True).encode("utf-8", "replace")


@lru_cache(maxsize=8)
def _detect_encoding(path: Path, _size: int, _modified_ns: int) -> Encoding:
    return detect_in_blocks(piece for piece, _ in _complete_lines(_utf8_blocks(path, Encoding())))
