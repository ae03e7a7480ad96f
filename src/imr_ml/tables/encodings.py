"""Bytes of a text file -> its encoding, and its text as UTF-8 in blocks.

The whole file is looked at before the first row is read, as one byte late in it may decide.
"""

from __future__ import annotations

import codecs
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from imr_ml.tables.types import BLOCK_BYTES

if TYPE_CHECKING:
    from typing import Literal

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP_MAGIC = b"\x1f\x8b"
_ONE_BYTE = ("cp1252", "mac_roman", "cp850")
_LIKELY = "áéíóúüñàâçèêëîïôùûäößãõ‘’“”–—…•°±µ½¼¾²³®©™§×·\xa0"
_LESS_LIKELY = "ÁÉÍÓÚÜÑÀÂÇÈÊËÎÏÔÙÛÄÖ¿¡÷¶´"
# Below this the text is hardly Spanish or English; nor is it where most accents stand in a row.
_PLAUSIBLE = 0.5
_IN_A_ROW = re.compile(rb"[\x80-\xff]{4,}")
_SAMPLE_BYTES = 1 << 16
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_ASCII = bytes(range(128))
# A file of which at least so many accents are sound UTF-8 to each broken one is UTF-8 with flaws.
_SOUND_TO_BROKEN = 10


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec, and what is done with bytes that it has no character for."""

    codec: str
    errors: Literal["strict", "replace"] = "strict"


@dataclass(slots=True)
class _Census:
    """What a file's bytes beyond ASCII are."""

    sound: int = 0
    broken: int = 0
    beyond: Counter[int] = field(default_factory=Counter)
    sample: bytearray = field(default_factory=bytearray)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where it is a gzip file."""
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield file


def utf8_blocks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """The text of a file as UTF-8, without its byte order mark, in blocks that may end within a character."""
    with opened(path) as file:
        if encoding == Encoding("utf-8"):
            while block := file.read(BLOCK_BYTES):
                yield block
            return
        decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
        while block := file.read(BLOCK_BYTES):
            yield decoder.decode(block).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file.

    A byte order mark decides; else UTF-8 where the whole file is (but for a few broken bytes); else, of what American
    software writes, the code page in which its accents and quotation marks make most sense; else what
    charset-normalizer takes it for.
    """
    with opened(path) as file:
        head = file.read(BLOCK_BYTES)
        marked = next((codec for mark, codec in _BOMS if head.startswith(mark)), None) or _wide(head)
        if marked:
            return Encoding(marked, "strict" if _decodes(_and_rest(head, file), marked) else "replace")
        census = _census(_and_rest(head, file))
    if not census.broken:
        return Encoding("utf-8")
    if census.sound >= _SOUND_TO_BROKEN * census.broken:
        return Encoding("utf-8", "replace")
    return Encoding(_code_page(census), "replace")


def _decodes(blocks: Iterator[bytes], codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _and_rest(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    while head:
        yield head
        head = file.read(BLOCK_BYTES)


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark, in which every second byte of Western text is zero."""
    pairs = len(head) // 2
    for start, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[start::2].count(0)
        if pairs and zeros > 0.7 * pairs and head[1 - start :: 2].count(0) < 0.1 * pairs:
            return codec
    return None


def _census(blocks: Iterator[bytes]) -> _Census:
    census = _Census()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for block in blocks:
        if block.isascii() and not decoder.getstate()[0]:
            continue
        _count(decoder.decode(block), block, census)
    _count(decoder.decode(b"", final=True), b"", census)
    return census


def _count(text: str, block: bytes, census: _Census) -> None:
    # Lone surrogates stand for what is no UTF-8, and are the only thing that can't be encoded again.
    try:
        text.encode()
    except UnicodeEncodeError:
        census.broken += sum("\udc80" <= character <= "\udcff" for character in text)
        if len(census.sample) < _SAMPLE_BYTES:
            lines = [line for line in block.splitlines(keepends=True) if not line.isascii()]
            census.sample += b"".join(lines)[:_SAMPLE_BYTES]
    census.sound += len(_MULTIBYTE.findall(block))
    census.beyond.update(block.translate(None, _ASCII))


def _code_page(census: _Census) -> str:
    likeliness = {codec: _likeliness(census.beyond, codec) for codec in _ONE_BYTE}
    best = max(_ONE_BYTE, key=lambda codec: likeliness[codec])
    in_a_row = sum(map(len, _IN_A_ROW.findall(census.sample)))
    if likeliness[best] >= _PLAUSIBLE and 2 * in_a_row < len(census.sample.translate(None, _ASCII)):
        return best
    from charset_normalizer import from_bytes

    found = from_bytes(bytes(census.sample)).best()
    return found.encoding if found else best


def _likeliness(beyond: Counter[int], codec: str) -> float:
    """How much of the text beyond ASCII is what one expects, between 0 and 1."""
    weights = dict.fromkeys(_LIKELY, 1.0) | dict.fromkeys(_LESS_LIKELY, 0.5)
    expected = sum(times * weights.get(bytes([byte]).decode(codec, "replace"), 0.0) for byte, times in beyond.items())
    return expected / max(1, beyond.total())
