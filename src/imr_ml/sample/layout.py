"""The letter's parts -> its text: head, sections and items in the letter's format, wrapped to the published column.

Knows lines and columns. What a format prints, `formats` knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.sample.formats import header_rows, paragraphs
from imr_ml.sample.typeface import wrapped

if TYPE_CHECKING:
    from imr_ml.sample.formats import Parts, Row

MARK = "SAMPLE LETTER - synthetic, not a decided case"
LINE_CHARACTERS = 95


def lay_out(parts: Parts) -> str:
    """Write the letter as plain text, marked as a sample on its first line."""
    rows = header_rows(parts)
    lines = [MARK, *(_in_columns(rows) if parts.facts.in_columns else _side_by_side(rows))]
    for style, words in paragraphs(parts):
        if style == "heading":
            lines += ["", words.center(LINE_CHARACTERS).rstrip()]
        else:
            lines += wrapped(words) if style == "line" else ("", *wrapped(words))
    return "\n".join(lines) + "\n"


def _side_by_side(rows: tuple[Row, ...]) -> list[str]:
    return [f"{a:<22}{b:<32}{c:<21}{d}".rstrip() for a, b, c, d in rows]


def _in_columns(rows: tuple[Row, ...]) -> list[str]:
    """All labels of a column, then all its values, as some readers of PDFs give them."""
    left = [row[0] for row in rows if row[0]], [row[1] for row in rows if row[1]]
    right = " ".join(row[2] for row in rows[3:]), [row[3] for row in rows if row[3]]
    return [*left[0], *left[1], *(row[2] for row in rows[1:3]), right[0], *right[1]]
