"""Anchors that a bad extraction tore or glued: words split at a line end, pages joined without one.

Knows the letters' labels and headings. Touches nothing else of the text.
"""

from __future__ import annotations

import re
from functools import cache

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
_TORN = r"(?:[ ]?-?\n|[ ])?"


def mend_anchors(flow: str) -> str:
    r"""The tidy lines with each torn anchor written whole, on lines of its own where it is a heading.

    Examples
    --------
    >>> mend_anchors("CLINICAL CASE SUM-\nMARY\nSeen in May.")
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
    return r"\s*".join(_TORN.join(map(re.escape, word)) for word in anchor.split())
