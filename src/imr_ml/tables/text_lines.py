"""Read the lines of a text file in any encoding, each line decoded on its own."""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from imr_ml.tables.formats import open_bytes
from imr_ml.tables.table import ROW_BYTES

BLOCK_BYTES = 1 << 20
NUL = "contains a NUL character, as broken files do"
TOO_LONG = f"is longer than {ROW_BYTES >> 20} MB"
_BYTES_SHOWN = 1 << 16
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ONE_BYTE = ("cp1252", "mac_roman", "cp850")
_LIKELY = "áéíóúüñàâçèêëîïôùûäößãõ‘’“”–—…•°±µ½¼¾²³®©™§×·\xa0"
_LESS_LIKELY = "ÁÉÍÓÚÜÑÀÂÇÈÊËÎÏÔÙÛÄÖ¿¡÷¶´"
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end, and why it cannot be part of a row."""

    number: int
    text: str
    flaw: str | None = None


def detect_encoding(path: Path) -> str:
    """Return the encoding of a file: that of its byte order mark, UTF-16 without one, UTF-8, or a code page.

    A file is UTF-8 if most of its lines beyond ASCII are; `read_lines` reads the other lines in the code page in which
    their accents and quotation marks make most sense.
    """
    state = path.stat()
    return _detect(path, state.st_size, state.st_mtime_ns)[0]


def read_lines(path: Path) -> Iterator[Line]:
    """Lines of a text file, split at any line end, numbered from 1."""
    state = path.stat()
    encoding, code_page = _detect(path, state.st_size, state.st_mtime_ns)
    number = 0
    for piece, is_whole in _complete_lines(_utf8_blocks(path, encoding)):
        if not is_whole:
            number += 1
            yield Line(number, _decode(piece[:_BYTES_SHOWN], code_page), TOO_LONG)
            continue
        try:
            text = piece.decode()
        except UnicodeDecodeError:
            text = "".join(_decode(line, code_page) for line in piece.splitlines(keepends=True))
        for line in io.StringIO(text, newline=""):
            number += 1
            yield Line(number, line, NUL if "\0" in line else None)


def read_text(path: Path, most_bytes: int) -> str | None:
    """The whole text of a file; None if it has more bytes."""
    state = path.stat()
    encoding, code_page = _detect(path, state.st_size, state.st_mtime_ns)
    parts, size = [], 0
    for block in _utf8_blocks(path, encoding):
        parts.append(block)
        size += len(block)
        if size > most_bytes:
            return None
    return "".join(_decode(line, code_page) for line in b"".join(parts).splitlines(keepends=True))


def _complete_lines(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Pieces that end at a line end, and the beginnings of lines that are too long."""
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


def _utf8_blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """A file's bytes; those of UTF-16 and UTF-32 as UTF-8."""
    with open_bytes(path) as file:
        if encoding.startswith(("utf-16", "utf-32")):
            decoder = codecs.getincrementaldecoder(encoding)("replace")
            while block := file.read(BLOCK_BYTES):
                yield decoder.decode(block).encode("utf-8", "replace")
            yield decoder.decode(b"", final=True).encode("utf-8", "replace")
            return
        if encoding == "utf-8-sig":
            file.read(len(codecs.BOM_UTF8))
        while block := file.read(BLOCK_BYTES):
            yield block


@lru_cache(maxsize=8)
def _detect(path: Path, _size: int, _modified_ns: int) -> tuple[str, str]:
    """Encoding of a file, and the code page of its lines that are not UTF-8."""
    with open_bytes(path) as file:
        head = file.read(BLOCK_BYTES)
    wide = next((codec for mark, codec in _BOMS if head.startswith(mark)), None) or _wide(head)
    if wide and wide != "utf-8-sig":
        return wide, _ONE_BYTE[0]
    sound, beyond = 0, Counter[int]()
    for piece, _ in _complete_lines(_utf8_blocks(path, "utf-8")):
        if not piece.isascii():
            for line in piece.splitlines():
                if not line.isascii():
                    is_sound = _is_utf8(line)
                    sound += is_sound
                    beyond.update(b"" if is_sound else line.translate(None, _ASCII))
    if not beyond:
        return wide or "utf-8", _ONE_BYTE[0]
    code_page = max(_ONE_BYTE, key=lambda codec: _likeliness(beyond, codec))
    return wide or ("utf-8" if sound else code_page), code_page


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark, in which every second byte of Western text is zero."""
    pairs = len(head) // 2
    for start, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[start::2].count(0)
        if pairs and zeros > 0.7 * pairs and head[1 - start :: 2].count(0) < 0.1 * pairs:
            return codec
    return None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(line: bytes, code_page: str) -> str:
    return line.decode() if _is_utf8(line) else line.decode(code_page, "replace")


def _likeliness(beyond: Counter[int], codec: str) -> float:
    """How many of the characters beyond ASCII American software would write."""
    weights = dict.fromkeys(_LIKELY, 1.0) | dict.fromkeys(_LESS_LIKELY, 0.5)
    return sum(times * weights.get(bytes([byte]).decode(codec, "replace"), 0.0) for byte, times in beyond.items())
