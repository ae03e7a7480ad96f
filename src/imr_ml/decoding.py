"""Decode the bytes of a text file, whatever program wrote it, each line on its own.

A byte order mark decides; else zeros tell UTF-16 and UTF-32; else a line is UTF-8 if it is sound UTF-8, and in the code
page in which the accents and quotation marks of all other lines make most sense if not.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

BLOCK_BYTES = 1 << 20
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
_CODE_PAGES = ("cp1252", "mac_roman", "cp850")
_LIKELY = "áéíóúüñàâçèêëîïôùûäößãõ‘’“”–—…•°±µ½¼¾²³®©™§×·\xa0"
_LESS_LIKELY = "ÁÉÍÓÚÜÑÀÂÇÈÊËÎÏÔÙÛÄÖ¿¡÷¶´"
_WEIGHTS = dict.fromkeys(_LIKELY, 1.0) | dict.fromkeys(_LESS_LIKELY, 0.5)
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is encoded.

    Attributes
    ----------
    codec : str
        Of most of it: UTF-8, UTF-16 or UTF-32 in one of their forms, or a code page.
    code_page : str
        Of the lines that are not UTF-8.
    """

    codec: str = "utf-8"
    code_page: str = _CODE_PAGES[0]

    @property
    def is_wide(self) -> bool:
        """Whether a character has two or four bytes."""
        return self.codec.startswith(("utf-16", "utf-32"))


def decode_text(content: bytes) -> str:
    r"""Text of a file's content, without its byte order mark.

    Examples
    --------
    >>> decode_text("Peña’s".encode("utf-16")), decode_text("Peña’s".encode("cp1252"))
    ('Peña’s', 'Peña’s')
    """
    encoding = detect_encoding([content])
    if encoding.is_wide:
        return content.decode(encoding.codec, "replace").removeprefix("\ufeff")
    lines = content.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
    return "".join(decode_line(line, encoding.code_page) for line in lines)


def decode_line(line: bytes, code_page: str) -> str:
    """Text of a line that is UTF-8, perhaps with a few broken bytes, or else in a code page."""
    return line.decode("utf-8", "replace") if _is_utf8(line) else line.decode(code_page, "replace")


def detect_encoding(blocks: Iterable[bytes]) -> Encoding:
    """Encoding of a text.

    Parameters
    ----------
    blocks : iterable of bytes
        The whole text in pieces; pieces but the first must end with a line, as far as lines are short.
    """
    marked: str | None = None
    sound, beyond = 0, Counter[int]()
    for number, block in enumerate(blocks):
        if number == 0:
            marked = next((codec for mark, codec in _MARKS if block.startswith(mark)), None) or _wide(block)
            if marked and marked != "utf-8-sig":
                return Encoding(marked)
        for line in () if block.isascii() else block.splitlines():
            if not line.isascii():
                is_sound = _is_utf8(line)
                sound += is_sound
                beyond.update(b"" if is_sound else line.translate(None, _ASCII))
    if not beyond:
        return Encoding(marked or "utf-8")
    code_page = max(_CODE_PAGES, key=lambda codec: _likeliness(beyond, codec))
    return Encoding(marked or ("utf-8" if sound else code_page), code_page)


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark."""
    fours = len(head) // 4
    shares = [head[start::4].count(0) / fours for start in range(4)] if fours else []
    if not all(share > _MOST or share < _FEW for share in shares):
        return None
    return _ZEROS.get(tuple(share > _MOST for share in shares))  # type: ignore[arg-type]


def _is_utf8(line: bytes) -> bool:
    """Whether more of the characters beyond ASCII are sound UTF-8 than are broken."""
    try:
        line.decode()
    except UnicodeDecodeError:
        # Lone surrogates stand for broken bytes.
        beyond = [character for character in line.decode("utf-8", "surrogateescape") if not character.isascii()]
        broken = sum("\udc80" <= character <= "\udcff" for character in beyond)
        return len(beyond) - broken > broken
    return True


def _likeliness(beyond: Counter[int], codec: str) -> float:
    """How many of the characters beyond ASCII American software would write."""
    return sum(times * _WEIGHTS.get(bytes([byte]).decode(codec, "replace"), 0.0) for byte, times in beyond.items())
