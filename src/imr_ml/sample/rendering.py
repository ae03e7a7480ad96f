"""Render a letter as plain text, or as a PDF in the layout of the published letters.

The bytes of a PDF depend only on the letter and the version of fpdf2: the creation date is the decision date, and
streams are uncompressed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from imr_ml.sample.letters import Row, SampleLetter, header_rows, paragraphs

if TYPE_CHECKING:
    from fpdf import FPDF


MARK = "SAMPLE LETTER - synthetic, not a decided case"
LINE_CHARACTERS = 95
SIZE_POINTS = 12
COLUMN_POINTS = 468.0
"""Width of the text on Letter paper with margins of one inch."""
_LEFT, _TOP, _BOTTOM = 72.0, 84.0, 724.0
_COLUMNS = (72.0, 180.0, 330.0, 428.4)
_LINE = 13.8

# Widths of Times in thousandths of the font size, for the characters from space to tilde.
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


def render_text(letter: SampleLetter) -> str:
    """Render the letter as plain text, with the sample mark on its first line."""
    rows = header_rows(letter)
    side_by_side = [f"{a:<22}{b:<32}{c:<21}{d}".rstrip() for a, b, c, d in rows]
    lines = [MARK, *(_in_columns(rows) if letter.facts.in_columns else side_by_side)]
    for style, words in paragraphs(letter):
        if style == "heading":
            lines += ["", words.center(LINE_CHARACTERS).rstrip()]
        else:
            lines += wrap_words(words) if style == "line" else ("", *wrap_words(words))
    return "\n".join(lines) + "\n"


def _in_columns(rows: Sequence[Row]) -> list[str]:
    """List all labels of a column, then all its values, as some PDF readers extract them."""
    left = [row[0] for row in rows if row[0]], [row[1] for row in rows if row[1]]
    right = " ".join(row[2] for row in rows[3:]), [row[3] for row in rows if row[3]]
    return [*left[0], *left[1], *(row[2] for row in rows[1:3]), right[0], *right[1]]


def render_pdf(letter: SampleLetter) -> bytes:
    """Render the letter as PDF."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format="Letter")
    pdf.set_compression(False)
    pdf.set_creation_date(datetime.combine(letter.facts.dates.decision, time(12), UTC))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_font("Times", size=SIZE_POINTS)
    _write_flow(pdf, letter, _write_header(pdf, letter))
    return bytes(pdf.output())


def _write_header(pdf: FPDF, letter: SampleLetter) -> float:
    """Write the mark and the header; return the height of the next line."""
    pdf.text(_LEFT, _TOP, MARK)
    if not header_rows(letter):
        return _TOP + _LINE
    for row, cells in enumerate(_in_drawing_order(letter)):
        for x, y_shift, words in cells:
            pdf.text(x, _TOP + _LINE * (row + 1 + y_shift), words)
    return _TOP + 7 * _LINE


def _in_drawing_order(letter: SampleLetter) -> Iterator[list[tuple[float, int, str]]]:
    """Yield the header cells of each row as (x, rows below, text); the two-line label comes before its value."""
    *plain, priority, received = header_rows(letter)
    for cells in plain:
        filled = [words for words in cells if words]
        spaced = [f"{words} " for words in filled[:-1]] + filled[-1:]
        yield [(x, 0, words) for x, words in zip(_COLUMNS, spaced, strict=False)]
    (label, value, two_line, application), second_line = priority, received[2]
    yield [
        (_COLUMNS[0], 0, f"{label} "),
        (_COLUMNS[1], 0, f"{value} "),
        (_COLUMNS[2], 0, f"{two_line} "),
        (_COLUMNS[2], 1, f"{second_line} "),
        (_COLUMNS[3], 0, application),
    ]


def _write_flow(pdf: FPDF, letter: SampleLetter, y: float) -> None:
    """Write the blocks below the header; a wrapped line ends with a space, as in published PDFs."""
    for style, words in paragraphs(letter):
        y += _LINE if style != "line" else 0
        lines = wrap_words(words)
        for line in (*(f"{line} " for line in lines[:-1]), lines[-1]):
            if y > _BOTTOM:
                pdf.add_page()
                y = _TOP
            x = _LEFT + (COLUMN_POINTS - text_width(line)) / 2 if style == "heading" else _LEFT
            pdf.text(x, y, line)
            y += _LINE


def text_width(words: str) -> float:
    """Compute the width of a text in points."""
    return (_extent(words) // _CHARACTERS - _SPACE) * SIZE_POINTS / 1000


@lru_cache(maxsize=1 << 16)
def _extent(word: str) -> int:
    """Encode the width of a word and its space, in thousandths of the font size, and their length in one integer."""
    codes = (ord(character) - 32 for character in word)
    thousandths = sum(_WIDTHS[code] if 0 <= code < len(_WIDTHS) else _OTHER_WIDTH for code in codes)
    return (thousandths + _SPACE) * _CHARACTERS + len(word) + 1


# Cached because letters share their fixed paragraphs.
@lru_cache(maxsize=64)
def wrap_words(words: str, column: float = COLUMN_POINTS) -> tuple[str, ...]:
    """Wrap text at spaces into lines of at most `column` points; a wider word is on its own line."""
    # One integer sums both widths and lengths, as wrapping takes most of the time of a letter.
    ends = list(accumulate(map(_extent, words.split(" "))))
    # The last space of a line may exceed the column.
    room = int(column * 1000 / SIZE_POINTS) + _SPACE
    lines, word, used, start = [], 0, 0, 0
    while word < len(ends):
        word = max(bisect_left(ends, (used + room + 1) * _CHARACTERS, word), word + 1)
        used, end = divmod(ends[word - 1], _CHARACTERS)
        lines.append(words[start : end - 1])
        start = end
    return tuple(lines)
