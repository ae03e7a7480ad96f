"""Turn a PDF page so that its text runs from left to right, and read it.

pdfium orders lines by where they stand on the page as displayed, which mixes up those of a page turned on its side.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any

from imr_ml.letters.margins import Margins, read_margins
from imr_ml.letters.types import LetterError

# Each angle costs a call; a line is longer than this, and a short stamp is first or last on its page.
_STEP, _EDGE = 40, 24
_TILT = 10
"""Degrees by which a scan's text may slant."""
_SLANTED = -1
# A stamp along the margin is shorter.
_STAMP_CHARACTERS, _STAMP_SHARE = 60, 0.1


def page_text(document: Any, index: int, source: str) -> tuple[str, Margins]:
    """Text of a page along its main direction, without stamps in other directions; and its body.

    Parameters
    ----------
    document : Any
    index : int
    source : str
        What to call the input in an error.

    Raises
    ------
    LetterError
        Where the text is slanted, or much of it runs in another direction than the rest.
    """
    page = document[index]
    text_page = page.get_textpage()
    try:
        if not page.get_rotation() and not _is_turned(text_page):
            text = str(text_page.get_text_bounded())
            return text, read_margins(text_page, page.get_bbox(), text)
        directions = _directions(text_page)
    finally:
        text_page.close()
        page.close()
    return _turned_text(document, index, directions, f"page {index + 1}", source)


def _is_turned(text_page: Any) -> bool:
    """Whether any sampled character is rotated."""
    import pypdfium2.raw as pdfium

    count = text_page.count_chars()
    places = chain(range(0, count, _STEP), range(min(_EDGE, count)), range(max(0, count - _EDGE), count))
    return any(map(pdfium.FPDFText_GetCharAngle, repeat(text_page.raw), places))


def _direction(text_page: Any, index: int) -> int:
    """Clockwise quarter turns of a character; `_SLANTED` for any other angle."""
    import pypdfium2.raw as pdfium

    degrees = math.degrees(pdfium.FPDFText_GetCharAngle(text_page.raw, index))
    quarters = round(degrees / 90)
    return quarters % 4 if abs(degrees - 90 * quarters) <= _TILT else _SLANTED


def _directions(text_page: Any) -> Counter[int]:
    """Count printed characters by direction."""
    return Counter(_direction(text_page, index) for index in _printed(text_page))


def _printed(text_page: Any) -> Iterable[int]:
    """Indexes of the printed characters; pdfium adds spaces and line ends of its own."""
    import pypdfium2.raw as pdfium

    return (
        index
        for index in range(text_page.count_chars())
        if not pdfium.FPDFText_IsGenerated(text_page.raw, index)
        and not chr(pdfium.FPDFText_GetUnicode(text_page.raw, index)).isspace()
    )


def _turned_text(document: Any, index: int, directions: Counter[int], place: str, source: str) -> tuple[str, Margins]:
    if not directions:
        return "", Margins("", is_wide=False)
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
            return text, Margins(text, is_wide=False)
        # A page's box may cut off what was turned without it; pdfium's own mark of a cut word differs here.
        text = str(text_page.get_text_range()).replace("\ufffe", "\x02")
        return text, read_margins(text_page, page.get_bbox(), text)
    finally:
        text_page.close()
        page.close()


def _turn_upright(document: Any, index: int, direction: int) -> None:
    """Rotate a page's content counterclockwise by quarter turns and reset the page's own rotation."""
    import pypdfium2.raw as pdfium

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
    # What pdfium knows of a page's place it computes when it loads the page.
    page.close()


def _upright_text(text_page: Any) -> str:
    """Text of the upright characters."""
    import pypdfium2.raw as pdfium

    stamped = {index for index in _printed(text_page) if _direction(text_page, index)}
    kept = [index for index in range(text_page.count_chars()) if index not in stamped]
    return "".join(chr(pdfium.FPDFText_GetUnicode(text_page.raw, index)) for index in kept)
