"""Read a page's text from left to right, and its body without the margins.

pdfium orders lines by their position on the displayed page, which is wrong for a page turned on its side.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from imr_ml.letters.stamps import is_letter_text
from imr_ml.letters.types import LetterError

# In points: depth of headers and footers, and the smallest gap between them and the body.
_MARGIN, _CUT_STEP = 56, 4
_GAP = 14
_FEW = 6

# Only some characters are checked, as each angle costs a call: one in every line, and all at both ends of the page,
# where short stamps are.
_STEP, _EDGE = 40, 24
_TILT = 10
"""Degrees by which a scan's text may slant."""
_SLANTED = -1
# A stamp along the margin is shorter.
_STAMP_CHARACTERS, _STAMP_SHARE = 60, 0.1


class Page(NamedTuple):
    """One page of a PDF.

    Attributes
    ----------
    whole_text : str
        Text layer, along the direction of the text.
    text : str
        Text layer without the margins.
    is_wide : bool
        Whether the body extends into the margins.
    drawn : float
        Share of the page that its largest picture covers; 1 for any drawing on a page without text, 0 for a page with
        much text.
    """

    whole_text: str
    text: str
    is_wide: bool = False
    drawn: float = 0.0


def read_page(document: Any, index: int, source: str) -> Page:
    """Read the text of a page along its main direction, without stamps in other directions.

    Parameters
    ----------
    document : PdfDocument
    index : int
        Page, from 0.
    source : str
        Name of the input in errors.

    Raises
    ------
    LetterError
        If the text is slanted, or much of it runs in another direction than the rest.
    """
    page = document[index]
    text_page = page.get_textpage()
    try:
        if not page.get_rotation() and not _is_turned(text_page):
            text = str(text_page.get_text_bounded())
            return _with_body(text_page, page.get_bbox(), text)
        directions = Counter(_direction(text_page, character) for character in _printed(text_page))
    finally:
        text_page.close()
        page.close()
    return _turned_text(document, index, directions, f"page {index + 1}", source)


def _is_turned(text_page: Any) -> bool:
    """Whether any sampled character is rotated."""
    count = text_page.count_chars()
    places = chain(range(0, count, _STEP), range(min(_EDGE, count)), range(max(0, count - _EDGE), count))
    return any(map(pdfium.FPDFText_GetCharAngle, repeat(text_page.raw), places))


def _direction(text_page: Any, index: int) -> int:
    """Clockwise quarter turns of a character; `_SLANTED` for any other angle."""
    degrees = math.degrees(pdfium.FPDFText_GetCharAngle(text_page.raw, index))
    quarters = round(degrees / 90)
    return quarters % 4 if abs(degrees - 90 * quarters) <= _TILT else _SLANTED


def _printed(text_page: Any) -> Iterable[int]:
    """Indexes of the printed characters, without the spaces and line ends that pdfium adds."""
    return (
        index
        for index in range(text_page.count_chars())
        if not pdfium.FPDFText_IsGenerated(text_page.raw, index)
        and not chr(pdfium.FPDFText_GetUnicode(text_page.raw, index)).isspace()
    )


def _turned_text(document: Any, index: int, directions: Counter[int], place: str, source: str) -> Page:
    if not directions:
        return Page("", "")
    ((direction, most),) = directions.most_common(1)
    others = directions.total() - most
    if direction == _SLANTED:
        raise LetterError(source, "has slanted text; run OCR on it first", place)
    if others > max(_STAMP_CHARACTERS, _STAMP_SHARE * directions.total()):
        raise LetterError(source, "has text in several directions; run OCR on it first", place)
    _turn_upright(document, index, direction)
    page = document[index]
    text_page = page.get_textpage()
    try:
        if others:
            text = _upright_text(text_page)
            return Page(text, text)
        # The page's box may cut off turned text, so ignore it; this call marks hyphenated words by another character.
        text = str(text_page.get_text_range()).replace("\ufffe", "\x02")
        return _with_body(text_page, page.get_bbox(), text)
    finally:
        text_page.close()
        page.close()


def _turn_upright(document: Any, index: int, direction: int) -> None:
    """Rotate a page's content counterclockwise by quarter turns and reset the page's own rotation."""
    page = document[index]
    page.set_rotation(0)
    if direction:
        left, bottom, right, top = page.get_cropbox()
        matrix, box = {
            1: ((0, 1, -1, 0, top, -left), (0, 0, top - bottom, right - left)),
            2: ((-1, 0, 0, -1, right, top), (0, 0, right - left, top - bottom)),
            3: ((0, -1, 1, 0, -bottom, right), (0, 0, top - bottom, right - left)),
        }[direction]
        pdfium.FPDFPage_TransFormWithClip(page.raw, pdfium.FS_MATRIX(*matrix), None)
        page.set_mediabox(*box)
        page.set_cropbox(*box)
    # pdfium computes the geometry when it loads a page, so the page must be loaded again.
    page.close()


def _upright_text(text_page: Any) -> str:
    """Text of the upright characters."""
    stamped = {index for index in _printed(text_page) if _direction(text_page, index)}
    upright = (index for index in range(text_page.count_chars()) if index not in stamped)
    return "".join(chr(pdfium.FPDFText_GetUnicode(text_page.raw, index)) for index in upright)


def _with_body(text_page: Any, box: tuple[float, float, float, float], text: str) -> Page:
    """Build a page from the text of an upright page, with and without the margins."""
    _, bottom, _, top = box
    if not any(_is_outside(text_page, place, bottom, top) for place in _ends(text_page)):
        return Page(text, text)
    if _between(text_page, bottom, top) != text.strip():
        # The page's box does not match its text, so its margins are unknown.
        return Page(text, text)
    lowest, highest = _cut(text_page, bottom, 1), _cut(text_page, top, -1)
    if lowest is None or highest is None:
        return Page(text, text, is_wide=True)
    return Page(text, str(text_page.get_text_bounded(bottom=lowest, top=highest)))


def _ends(text_page: Any) -> list[int]:
    """Indexes of the first and last printed characters; headers and footers are drawn before or after the body."""
    count = text_page.count_chars()
    sides = (range(min(_FEW, count)), range(count - 1, max(-1, count - 1 - _FEW), -1))
    is_printed = (
        [place for place in side if not chr(pdfium.FPDFText_GetUnicode(text_page.raw, place)).isspace()]
        for side in sides
    )
    return [places[0] for places in is_printed if places]


def _is_outside(text_page: Any, place: int, bottom: float, top: float) -> bool:
    _, low, _, high = text_page.get_charbox(place)
    return bool(high > top - _MARGIN or low < bottom + _MARGIN)


def _cut(text_page: Any, edge: float, step: int) -> float | None:
    """End of the margin at an edge, in points; None if the body extends into it."""
    outer = _between(text_page, edge, edge + step * _MARGIN)
    if not outer:
        return edge
    if any(map(is_letter_text, outer.splitlines())):
        return None
    for distance in range(_GAP, _MARGIN + 1, _CUT_STEP):
        cut = edge + step * distance
        is_below = _between(text_page, edge, cut) == outer
        if is_below and not _between(text_page, cut, cut + step * _GAP):
            return cut
    return None


def _between(text_page: Any, edge: float, end: float) -> str:
    return str(text_page.get_text_bounded(bottom=min(edge, end), top=max(edge, end))).strip()
