"""The Final Determination Letter of 2013: DOCUMENTS REVIEWED, and IMR DECISION(S) AND RATIONALE(S).

Its items are numbered decisions, or of the style that the current letter has.
"""

from __future__ import annotations

import re

from imr_ml.letters.items import has_items, read_items
from imr_ml.letters.layouts.layout import Layout, after, make_letter
from imr_ml.letters.numbered import read_decisions
from imr_ml.letters.sections import cut_sections, heading
from imr_ml.letters.types import Letter

_HEADINGS = (
    heading("made", "HOW THE IMR FINAL DETERMINATION WAS MADE", required=False),
    heading("documents", "DOCUMENTS REVIEWED", required=False),
    heading("summary", "CLINICAL CASE SUMMARY"),
    heading("decisions", "IMR DECISION(S) AND RATIONALE(S)"),
)
_OPENING = re.compile(r"The\s+Final\s+Determination\s+was\s+based\s+on\b[^:]{0,200}:\s*", re.IGNORECASE)


def _read(flow: str, source: str) -> Letter:
    sections = cut_sections(flow, _HEADINGS, source)
    decisions = after(_OPENING, sections["decisions"])
    warnings: tuple[str, ...] = ()
    if has_items(decisions):
        items, warnings = read_items(decisions, source)
    else:
        items = read_decisions(decisions, source)
    return make_letter(
        LAYOUT.name,
        head=sections["head"],
        credentials=sections.get("made", sections["head"]),
        summary=sections["summary"],
        items=items,
        warnings=warnings,
    )


LAYOUT = Layout("2013", re.compile(r"\nIMR\s+DECISION\(S\)\s+AND\s+RATIONALE\(S\)\n"), _read)
