"""Printed widths in Times, the letters' typeface: where lines break.

Knows the advance widths of Adobe's Times-Roman metrics. Knows nothing of letters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_POINTS = 12
COLUMN_POINTS = 468.0
"""Width of the text: Letter paper with margins of one inch."""

# thousandths of the type size, for the characters from space to tilde
# fmt: off
_WIDTHS = (
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722,
    722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333,
    278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500,
    500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
)
# fmt: on
_OTHER_WIDTH = 500


@lru_cache(maxsize=1 << 16)
def width(words: str) -> float:
    """Measure words in points."""
    codes = (ord(character) - 32 for character in words)
    thousandths = sum(_WIDTHS[code] if 0 <= code < len(_WIDTHS) else _OTHER_WIDTH for code in codes)
    return thousandths * SIZE_POINTS / 1000


def wrapped(words: str, column: float = COLUMN_POINTS) -> Iterator[str]:
    """Break text at spaces into lines of at most ``column`` points; a wider word has a line of its own."""
    line: list[str] = []
    used, space = 0.0, width(" ")
    for word in words.split(" "):
        extent = width(word)
        if line and used + extent > column:
            yield " ".join(line)
            line, used = [], 0.0
        line.append(word)
        used += extent + space
    yield " ".join(line)
