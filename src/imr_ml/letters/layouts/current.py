"""The letter published since 2014: IMR ISSUES, DECISIONS AND RATIONALES."""

from __future__ import annotations

import re

from imr_ml.letters.items import read_items
from imr_ml.letters.layouts.layout import Layout, after, make_letter
from imr_ml.letters.sections import cut_sections, heading
from imr_ml.letters.types import Letter

_HEADINGS = (
    heading("made", "HOW THE IMR FINAL DETERMINATION WAS MADE", required=False),
    heading("documents", "DOCUMENTS REVIEWED", required=False),
    heading("summary", "CLINICAL CASE SUMMARY"),
    heading("issues", "IMR ISSUES, DECISIONS AND RATIONALES"),
)
_OPENING = re.compile(r"The\s+Final\s+Determination\s+was\s+based\s+on\b[^:]{0,200}:\s*", re.IGNORECASE)


def _read(flow: str, source: str) -> Letter:
    sections = cut_sections(flow, _HEADINGS, source)
    items, warnings = read_items(after(_OPENING, sections["issues"]), source)
    return make_letter(
        LAYOUT.name,
        head=sections["head"],
        credentials=sections.get("made", sections["head"]),
        summary=sections["summary"],
        items=items,
        warnings=warnings,
    )


LAYOUT = Layout("current", re.compile(r"\nIMR\s+ISSUES,\s+DECISIONS\s+AND\s+RATIONALES\n"), _read)
