"""Separate the text in a PDF page's margins from its body."""

from __future__ import annotations

from typing import Any, NamedTuple

from imr_ml.letters.stamps import is_own

# In points: how far headers and footers reach into a page, and the least distance between them and its body.
_MARGIN, _STEP = 56, 4
_GAP = 14
_FEW = 6


class Margins(NamedTuple):
    """A page's body, and whether it extends into the margins."""

    body: str
    is_wide: bool


def read_margins(text_page: Any, box: tuple[float, float, float, float], text: str) -> Margins:
    """Read the body of an upright page.

    Parameters
    ----------
    text_page : PdfTextPage
    box : tuple of float
        Left, bottom, right and top of the page.
    text : str
        All of its text.
    """
    _, bottom, _, top = box
    if not any(_is_outside(text_page, place, bottom, top) for place in _ends(text_page)):
        return Margins(text, is_wide=False)
    if _between(text_page, bottom, top) != text.strip():
        # The page's box is not that of its text, so neither are its margins.
        return Margins(text, is_wide=False)
    lowest, highest = _cut(text_page, bottom, 1), _cut(text_page, top, -1)
    if lowest is None or highest is None:
        return Margins(text, is_wide=True)
    return Margins(str(text_page.get_text_bounded(bottom=lowest, top=highest)), is_wide=False)


def _ends(text_page: Any) -> list[int]:
    """Indexes of the first and last printed characters; headers and footers are drawn before or after the body."""
    import pypdfium2.raw as pdfium

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
    """End of the margin at an edge, in points; None where the body extends into it."""
    outer = _between(text_page, edge, edge + step * _MARGIN)
    if not outer:
        return edge
    if any(map(is_own, outer.splitlines())):
        return None
    for distance in range(_GAP, _MARGIN + 1, _STEP):
        cut = edge + step * distance
        is_below = _between(text_page, edge, cut) == outer
        if is_below and not _between(text_page, cut, cut + step * _GAP):
            return cut
    return None


def _between(text_page: Any, one: float, other: float) -> str:
    return str(text_page.get_text_bounded(bottom=min(one, other), top=max(one, other))).strip()
