"""Decode the bytes of a text file of any origin, line by line.

A byte order mark decides, then the zeros of UTF-16 and UTF-32. Otherwise each line is UTF-8 if it is valid, else in the
code page that gives the likeliest characters in all such lines.
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
# Zero bytes among each four bytes of Western text.
_ZEROS = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
_MOSTLY, _RARELY = 0.7, 0.1
_CODE_PAGES = ("cp1252", "mac_roman", "cp850")
_LIKELY = "áéíóúüñàâçèêëîïôùûäößãõ‘’“”–—…•°±µ½¼¾²³®©™§×·\xa0"
_LESS_LIKELY = "ÁÉÍÓÚÜÑÀÂÇÈÊËÎÏÔÙÛÄÖ¿¡÷¶´"
_WEIGHTS = dict.fromkeys(_LIKELY, 1.0) | dict.fromkeys(_LESS_LIKELY, 0.5)
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Encoding:
    """Encoding of a file.

    Attributes
    ----------
    codec : str
        A form of UTF-8, UTF-16 or UTF-32, or a code page.
    code_page : str
        Code page of the lines that are not UTF-8.
    """

    codec: str = "utf-8"
    code_page: str = _CODE_PAGES[0]

    @property
    def is_wide(self) -> bool:
        """Whether a character has two or four bytes."""
        return self.codec.startswith(("utf-16", "utf-32"))


def decode_text(content: bytes) -> str:
    r"""Decode the content of a file, without its byte order mark.

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
    """Decode a line as UTF-8, even with a few broken bytes, else in a code page."""
    return line.decode("utf-8", "replace") if _is_utf8(line) else line.decode(code_page, "replace")


def detect_encoding(blocks: Iterable[bytes]) -> Encoding:
    """Detect the encoding of a text from blocks, which should end with a line."""
    marked: str | None = None
    valid, others = 0, Counter[int]()
    for number, block in enumerate(blocks):
        if number == 0:
            marked = next((codec for mark, codec in _MARKS if block.startswith(mark)), None) or _wide_codec(block)
            if marked and marked != "utf-8-sig":
                return Encoding(marked)
        for line in () if block.isascii() else block.splitlines():
            if not line.isascii():
                is_valid = _is_utf8(line)
                valid += is_valid
                others.update(b"" if is_valid else line.translate(None, _ASCII))
    if not others:
        return Encoding(marked or "utf-8")
    code_page = max(_CODE_PAGES, key=lambda codec: _likelihood(others, codec))
    return Encoding(marked or ("utf-8" if valid else code_page), code_page)


def _wide_codec(head: bytes) -> str | None:
    """Codec of UTF-16 or UTF-32 without a byte order mark."""
    fours = len(head) // 4
    shares = [head[start::4].count(0) / fours for start in range(4)] if fours else []
    if not all(share > _MOSTLY or share < _RARELY for share in shares):
        return None
    return _ZEROS.get(tuple(share > _MOSTLY for share in shares))  # type: ignore[arg-type]


def _is_utf8(line: bytes) -> bool:
    """Whether more of the characters outside ASCII are valid UTF-8 than broken."""
    try:
        line.decode()
    except UnicodeDecodeError:
        # Lone surrogates represent broken bytes.
        others = [character for character in line.decode("utf-8", "surrogateescape") if not character.isascii()]
        broken = sum("\udc80" <= character <= "\udcff" for character in others)
        return len(others) - broken > broken
    return True


def _likelihood(others: Counter[int], codec: str) -> float:
    """Weighted count of characters that American software writes."""
    return sum(times * _WEIGHTS.get(bytes([byte]).decode(codec, "replace"), 0.0) for byte, times in others.items())
