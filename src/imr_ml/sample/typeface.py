"""Measure text widths in Times and wrap lines."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate

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
_SPACE = _WIDTHS[0]
_CHARACTERS = 1 << 24


def width(words: str) -> float:
    """Measure words in points."""
    return (_extent(words) // _CHARACTERS - _SPACE) * SIZE_POINTS / 1000


@lru_cache(maxsize=1 << 16)
def _extent(word: str) -> int:
    """Width of a word and the space after it, in thousandths of the type size, and their length below it."""
    codes = (ord(character) - 32 for character in word)
    thousandths = sum(_WIDTHS[code] if 0 <= code < len(_WIDTHS) else _OTHER_WIDTH for code in codes)
    return (thousandths + _SPACE) * _CHARACTERS + len(word) + 1


# Letters share their fixed paragraphs.
@lru_cache(maxsize=64)
def wrapped(words: str, column: float = COLUMN_POINTS) -> tuple[str, ...]:
    """Break text at spaces into lines of at most ``column`` points; a wider word has a line of its own."""
    # Widths and lengths are summed in one number each, as this is where most of a letter's time goes.
    ends = list(accumulate(map(_extent, words.split(" "))))
    # A line's last space hangs over the column.
    room = int(column * 1000 / SIZE_POINTS) + _SPACE
    lines, word, used, start = [], 0, 0, 0
    while word < len(ends):
        word = max(bisect_left(ends, (used + room + 1) * _CHARACTERS, word), word + 1)
        used, end = divmod(ends[word - 1], _CHARACTERS)
        lines.append(words[start : end - 1])
        start = end
    return tuple(lines)
