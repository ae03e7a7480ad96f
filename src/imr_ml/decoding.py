"""Decode the bytes of a text file, whatever program wrote it.

A byte order mark decides; else zeros tell UTF-16 and UTF-32; else the text is UTF-8 where it is sound UTF-8, but for a
few broken bytes; else it is in the code page in which its accents and quotation marks make most sense.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Which bytes of each four of Western text are zero.
_ZEROS = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
_MOST, _FEW = 0.7, 0.1
_HEAD_BYTES = 1 << 16
_CODE_PAGES = ("cp1252", "mac_roman", "cp850")
_LIKELY = "áéíóúüñàâçèêëîïôùûäößãõ‘’“”–—…•°±µ½¼¾²³®©™§×·\xa0"
_LESS_LIKELY = "ÁÉÍÓÚÜÑÀÂÇÈÊËÎÏÔÙÛÄÖ¿¡÷¶´"
_WEIGHTS = dict.fromkeys(_LIKELY, 1.0) | dict.fromkeys(_LESS_LIKELY, 0.5)
_ASCII = bytes(range(128))
# A text of which at least so many characters beyond ASCII are sound UTF-8 to each broken byte is UTF-8 with flaws.
_SOUND_TO_BROKEN = 10


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec, and what is done with bytes that it has no character for."""

    codec: str
    errors: Literal["strict", "replace"] = "strict"


@dataclass(slots=True)
class _Census:
    """What the bytes beyond ASCII are."""

    sound: int = 0
    broken: int = 0
    beyond: Counter[int] = field(default_factory=Counter)


def decode_text(content: bytes) -> str:
    r"""The text of a file's content, without its byte order mark.

    Examples
    --------
    >>> decode_text("Peña’s".encode("utf-16")), decode_text("Peña’s".encode("cp1252"))
    ('Peña’s', 'Peña’s')
    """
    encoding = detect_encoding([content])
    return content.decode(encoding.codec, encoding.errors).removeprefix("\ufeff")


def detect_encoding(blocks: Iterable[bytes]) -> Encoding:
    """The encoding of a text from its bytes, in blocks of any size, all of which are read."""
    rest = iter(blocks)
    head = next(rest, b"")
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), None) or _wide(head[:_HEAD_BYTES])
    if marked:
        return Encoding(marked, "strict" if _decodes(head, rest, marked) else "replace")
    census = _census(head, rest)
    if not census.broken:
        return Encoding("utf-8")
    if census.sound >= _SOUND_TO_BROKEN * census.broken:
        return Encoding("utf-8", "replace")
    return Encoding(max(_CODE_PAGES, key=lambda codec: _likeliness(census.beyond, codec)), "replace")


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark."""
    fours = len(head) // 4
    shares = [head[start::4].count(0) / fours for start in range(4)] if fours else []
    if not all(share > _MOST or share < _FEW for share in shares):
        return None
    return _ZEROS.get(tuple(share > _MOST for share in shares))  # type: ignore[arg-type]


def _decodes(head: bytes, rest: Iterator[bytes], codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        decoder.decode(head)
        for block in rest:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _census(head: bytes, rest: Iterator[bytes]) -> _Census:
    census = _Census()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    _count(decoder.decode(head), head, census)
    for block in rest:
        _count(decoder.decode(block), block, census)
    _count(decoder.decode(b"", final=True), b"", census)
    return census


def _count(text: str, block: bytes, census: _Census) -> None:
    if text.isascii():
        return
    # Lone surrogates stand for what is no UTF-8.
    broken = sum("\udc80" <= character <= "\udcff" for character in text)
    census.broken += broken
    census.sound += sum(character > "\x7f" for character in text) - broken
    census.beyond.update(block.translate(None, _ASCII))


def _likeliness(beyond: Counter[int], codec: str) -> float:
    return sum(times * _WEIGHTS.get(bytes([byte]).decode(codec, "replace"), 0.0) for byte, times in beyond.items())
