"""Lines and paragraphs of extracted text: tidy lines, and whether a line break was forced or only wrapped.

Knows characters, their printed widths and line ends. Knows nothing of what a letter says.
"""

from __future__ import annotations

import re
from functools import lru_cache

# pdfium writes U+0002 where a hyphen ends a line, and swallows the line end.
_REPLACED = {
    "\x02": "-\n",
    "\x0c": "\n",
    "\u00a0": " ",
    "\u00ad": "",
    "\u200b": "",
    "\ufeff": "",
    "\u2010": "-",
    "\u2011": "-",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
}
_TABLE = str.maketrans(_REPLACED)

# Advance widths of Times, the letters' typeface, in thousandths of the type size.
_WIDTHS = {
    **dict.fromkeys("ijlt/\\:;'|", 278),
    **dict.fromkeys(" .,", 250),
    **dict.fromkeys("frsI()[]-", 333),
    **dict.fromkeys("acezJ?", 444),
    **dict.fromkeys("bdghknopquvxy0123456789$#*_", 500),
    **dict.fromkeys("EFPSZLT", 590),
    **dict.fromkeys("ABCDGHKNOQRUVXY&", 720),
    **dict.fromkeys("mMwW@%", 800),
}
_OTHER_WIDTH = 500
# Margin for the widths being approximate and for text that was wrapped by characters.
_SURELY_FITS = 0.85


def tidy_lines(text: str) -> list[str]:
    r"""Lines that hold something, with white space collapsed and typographic characters made plain.

    Examples
    --------
    >>> tidy_lines("a\u2019s  b \r\n\r\n\x0cc")
    ["a's b", 'c']
    """
    lines = (" ".join(line.split()) for line in text.translate(_TABLE).splitlines())
    return [line for line in lines if line]


def joined(lines: list[str]) -> str:
    """One paragraph from its lines; a word that a line end cuts at its hyphen is put together again.

    Examples
    --------
    >>> joined(["work related", "non-", "certified"])
    'work related non-certified'
    """
    return re.sub(r"(?<=\w-)\n(?=[a-z])", "", "\n".join(lines)).replace("\n", " ")


@lru_cache(maxsize=50_000)
def _word_width(word: str) -> int:
    return sum(_WIDTHS.get(character, _OTHER_WIDTH) for character in word)


def line_width(line: str) -> int:
    """Printed width of a line, in thousandths of the type size."""
    return sum(map(_word_width, line.split(" "))) + 250 * line.count(" ")


def had_room(line: str, following: str, column_width: int) -> bool:
    """Whether the next line's first word would surely have fitted: then its line break was forced, not a wrap."""
    needed = line_width(line) + 250 + _word_width(following.split(" ", 1)[0])
    return needed <= _SURELY_FITS * column_width
