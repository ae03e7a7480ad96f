"""Lines and paragraphs of extracted text: tidy lines, and whether a line break was forced or only wrapped."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from functools import cache, lru_cache

# pdfium writes U+0002 for a hyphen at a line end and drops the line break.
_REPLACED = {
    "\x00": "",
    "\x02": "-\n",
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
_CUT_WORD = re.compile(r"-\n(?=[a-z])")

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
_SPACE_WIDTH = 250
# A margin, as widths are approximate and some text was wrapped by number of characters.
_SURELY_FITS = 0.85
# One in this many lines may be wider than the column, as an unwrapped URL or two cells read as one line.
_LINES_A_STRAY = 20
_LONG_WORD = 40


def tidy_lines(text: str) -> list[str]:
    r"""Split text into non-empty lines, with white space collapsed and typographic characters replaced.

    Examples
    --------
    >>> tidy_lines("a\u2019s  b \r\n\r\n\x0cc")
    ["a's b", 'c']
    """
    for character, plain in _REPLACED.items():
        if character in text:
            text = text.replace(character, plain)
    return [line for line in map(" ".join, map(str.split, text.splitlines())) if line]


def join_lines(flow: str) -> str:
    r"""Join lines into one paragraph; a word hyphenated at a line end is rejoined.

    Examples
    --------
    >>> join_lines("work related\nnon-\ncertified")
    'work related non-certified'
    """
    if "-\n" in flow:
        flow = _CUT_WORD.sub(_join_hyphenated, flow)
    return flow.replace("\n", " ")


def _join_hyphenated(mark: re.Match[str]) -> str:
    """Drop the line end if a word precedes the hyphen."""
    return "-" if mark.string[mark.start() - 1 : mark.start()].isalnum() else mark[0]


def _word_width(word: str) -> int:
    return _cached_width(word) if len(word) < _LONG_WORD else _OTHER_WIDTH * len(word)


@lru_cache(maxsize=20_000)
def _cached_width(word: str) -> int:
    return sum(_WIDTHS.get(character, _OTHER_WIDTH) for character in word)


def line_width(line: str) -> int:
    """Printed width of a line, in thousandths of the type size."""
    return sum(map(_word_width, line.split(" "))) + _SPACE_WIDTH * line.count(" ")


def column_width(lines: Sequence[str]) -> int:
    """Printed width of the column that most of the lines were wrapped to, in thousandths of the type size."""
    longest = heapq.nlargest(2 + len(lines) // _LINES_A_STRAY, lines, key=len)
    return sorted(map(line_width, longest))[-1 - len(lines) // _LINES_A_STRAY] if longest else 0


def had_room(line: str, following: str, width: int) -> bool:
    """Whether the next line's first word would have fit, so that the line break was forced.

    Parameters
    ----------
    line, following : str
        A line and the next one.
    width : int
        Printed width of the column, in thousandths of the type size.
    """
    needed = line_width(line) + _SPACE_WIDTH + _word_width(following.split(" ", 1)[0])
    return needed <= _SURELY_FITS * width


_HEADINGS = (
    "HOW THE IMR FINAL DETERMINATION WAS MADE",
    "CLINICAL CASE SUMMARY",
    "IMR ISSUES, DECISIONS AND RATIONALES",
    "IMR DECISION(S) AND RATIONALE(S)",
    "DOCUMENTS REVIEWED",
)
_LABELS = (
    "ISSUE AT DISPUTE:",
    "MEDICAL TREATMENT GUIDELINE(S) RELIED UPON BY PROFESSIONAL REVIEWER AND WHY:",
    "RATIONALE FOR WHY THE REQUESTED TREATMENT/SERVICE IS/WAS",
    "MEDICALLY NECESSARY:",
    "Claims Administrator guideline:",
    "MAXIMUS guideline:",
    "Decision rationale:",
    ": Upheld",
    ": Overturned",
)
# Characters that OCR confuses.
_LOOKALIKES = {
    **dict.fromkeys("Il", "[Il1|!]"),
    "i": "[il1|!]",
    "O": "[O0Q]",
    "o": "[o0]",
    "S": "[S5$]",
    "B": "[B8]",
    ":": "[:;]",
}
_TORN = r"(?:[ ]?-?\n|[ ])?"


def repair_anchors(flow: str) -> str:
    r"""Repair torn or misread anchors; a repaired heading gets a line of its own.

    Examples
    --------
    >>> repair_anchors("CLINICAL CASE SUM-\nMARY\nSeen in May.")
    '\nCLINICAL CASE SUMMARY\nSeen in May.'
    """
    for anchor, pattern in _patterns():
        flow = pattern.sub(anchor, flow)
    return flow


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    headings = [
        (f"\n{heading}\n", re.compile(rf"(?<![A-Z])\n?{_torn(heading)}(?![A-Z][A-Z])\n?")) for heading in _HEADINGS
    ]
    labels = [(label, re.compile((r"(?<![A-Za-z])" if label[0].isalpha() else "") + _torn(label))) for label in _LABELS]
    return headings + labels


def _torn(anchor: str) -> str:
    words = ([_LOOKALIKES.get(letter, re.escape(letter)) for letter in word] for word in anchor.split())
    return r"\s*".join(map(_TORN.join, words))
