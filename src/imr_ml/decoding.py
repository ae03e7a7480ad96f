"""Detect the encoding of a text file and decode it.

A byte order mark or the zero bytes of UTF-16 and UTF-32 determine the encoding. Otherwise each line is UTF-8 if that is
valid, else in the code page that gives the likeliest characters over all such lines.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

BLOCK_BYTES = 1 << 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Positions of zero bytes among four bytes of Western text.
_ZERO_POSITIONS = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
_MIN_SHARE_ZERO, _MAX_SHARE_NONZERO = 0.7, 0.1
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
        UTF-8, UTF-16 or UTF-32, with or without a byte order mark, or a code page.
    code_page : str
        Code page for lines that are not UTF-8.
    """

    codec: str = "utf-8"
    code_page: str = _CODE_PAGES[0]

    @property
    def is_wide(self) -> bool:
        """Whether the encoding is UTF-16 or UTF-32."""
        return self.codec.startswith(("utf-16", "utf-32"))


def decode_text(content: bytes) -> str:
    """Decode the content of a file and remove its byte order mark.

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
    """Decode a line as UTF-8, even if a few bytes are invalid, else in the code page."""
    return line.decode("utf-8", "replace") if _is_utf8(line) else line.decode(code_page, "replace")


def detect_encoding(blocks: Iterable[bytes]) -> Encoding:
    """Detect the encoding from blocks of a file; each block should end at a line end."""
    codec: str | None = None
    valid_lines, high_bytes = 0, Counter[int]()
    for number, block in enumerate(blocks):
        if number == 0:
            codec = next((name for mark, name in _BYTE_ORDER_MARKS if block.startswith(mark)), None) or _wide_codec(
                block
            )
            if codec and codec != "utf-8-sig":
                return Encoding(codec)
        for line in () if block.isascii() else block.splitlines():
            if not line.isascii():
                is_valid = _is_utf8(line)
                valid_lines += is_valid
                high_bytes.update(b"" if is_valid else line.translate(None, _ASCII))
    if not high_bytes:
        return Encoding(codec or "utf-8")
    code_page = max(_CODE_PAGES, key=lambda name: _likelihood(high_bytes, name))
    return Encoding(codec or ("utf-8" if valid_lines else code_page), code_page)


def _wide_codec(head: bytes) -> str | None:
    """Return the codec of UTF-16 or UTF-32 without a byte order mark, or None."""
    groups = len(head) // 4
    shares = [head[start::4].count(0) / groups for start in range(4)] if groups else []
    if not all(share > _MIN_SHARE_ZERO or share < _MAX_SHARE_NONZERO for share in shares):
        return None
    return _ZERO_POSITIONS.get(tuple(share > _MIN_SHARE_ZERO for share in shares))  # type: ignore[arg-type]


def _is_utf8(line: bytes) -> bool:
    """Whether more of the non-ASCII characters are valid UTF-8 than invalid."""
    try:
        line.decode()
    except UnicodeDecodeError:
        # Lone surrogates represent invalid bytes.
        characters = [character for character in line.decode("utf-8", "surrogateescape") if not character.isascii()]
        invalid = sum("\udc80" <= character <= "\udcff" for character in characters)
        return len(characters) - invalid > invalid
    return True


def _likelihood(high_bytes: Counter[int], codec: str) -> float:
    """Return the weighted count of characters that are common in American documents."""
    return sum(times * _WEIGHTS.get(bytes([byte]).decode(codec, "replace"), 0.0) for byte, times in high_bytes.items())
