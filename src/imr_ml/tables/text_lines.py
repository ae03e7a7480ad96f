"""Read the lines of a text file in any encoding, in bounded memory."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from imr_ml.decoding import BLOCK_BYTES, Encoding, decode_line
from imr_ml.decoding import detect_encoding as detect_in_blocks
from imr_ml.tables.formats import open_bytes
from imr_ml.tables.table import ROW_BYTES

NUL = "contains a NUL character, as broken files do"
TOO_LONG = f"is longer than {ROW_BYTES >> 20} MB"
_BYTES_SHOWN = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end, and the reason why it can't be part of a row."""

    number: int
    text: str
    flaw: str | None = None


def detect_encoding(path: Path) -> Encoding:
    """Detect the encoding of a file, once while the file does not change."""
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
    """Pieces that end with a line, and the starts of lines that are too long."""
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
    """Bytes of a file, with UTF-16 and UTF-32 converted to UTF-8."""
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
