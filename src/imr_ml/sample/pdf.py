"""Write a letter as a PDF laid out like the published ones.

The bytes depend on the parts and on fpdf2's version alone: the creation date is the decision date, and streams are
not compressed.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from imr_ml.sample.formats import MARK, header_rows, paragraphs
from imr_ml.sample.typeface import COLUMN_POINTS, SIZE_POINTS, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fpdf import FPDF

    from imr_ml.sample.formats import Parts

_LEFT, _TOP, _BOTTOM = 72.0, 84.0, 724.0
_COLUMNS = (72.0, 180.0, 330.0, 428.4)
_LINE = 13.8


def render_pdf(parts: Parts) -> bytes:
    """Render the letter as PDF, as many pages as it takes."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format="Letter")
    pdf.set_compression(False)
    pdf.set_creation_date(datetime.combine(parts.facts.dates.decision, time(12), UTC))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_font("Times", size=SIZE_POINTS)
    _write_flow(pdf, parts, _write_header(pdf, parts))
    return bytes(pdf.output())


def _write_header(pdf: FPDF, parts: Parts) -> float:
    """Write the mark and the header; the height at which the letter goes on."""
    pdf.text(_LEFT, _TOP, MARK)
    if not header_rows(parts):
        return _TOP + _LINE
    for row, cells in enumerate(_in_drawing_order(parts)):
        for x, y_shift, words in cells:
            pdf.text(x, _TOP + _LINE * (row + 1 + y_shift), words)
    return _TOP + 7 * _LINE


def _in_drawing_order(parts: Parts) -> Iterator[list[tuple[float, int, str]]]:
    """Header cells as (x, rows below, words); readers of PDFs see the two-line label before its value."""
    *plain, priority, received = header_rows(parts)
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


def _write_flow(pdf: FPDF, parts: Parts, y: float) -> None:
    """Write the rest; wrapped lines keep the space they break at, as in published PDFs."""
    for style, words in paragraphs(parts):
        y += _LINE if style != "line" else 0
        lines = wrapped(words)
        for line in (*(f"{line} " for line in lines[:-1]), lines[-1]):
            if y > _BOTTOM:
                pdf.add_page()
                y = _TOP
            x = _LEFT + (COLUMN_POINTS - width(line)) / 2 if style == "heading" else _LEFT
            pdf.text(x, y, line)
            y += _LINE
