"""The medical professional review: ISSUE AT DISPUTE, and one rationale for all of it.

Issues share the guideline paragraph and the rationale.
"""

from __future__ import annotations

import re

from imr_ml.letters.items import make_item
from imr_ml.letters.layouts.layout import Layout, conclusions, make_letter
from imr_ml.letters.lines import joined
from imr_ml.letters.numbered import check_numbers
from imr_ml.letters.sections import cut_sections, heading
from imr_ml.letters.types import DisputedItem, Letter, LetterError, Outcome

_RATIONALE = "RATIONALE FOR WHY THE REQUESTED TREATMENT/SERVICE IS/WAS"
_HEADINGS = (
    heading("issue", "ISSUE AT DISPUTE:"),
    heading("summary", "CASE SUMMARY:"),
    heading("documents", "DOCUMENTS REVIEWED FOR DETERMINATION:", required=False),
    heading("guideline", "MEDICAL TREATMENT GUIDELINE(S) RELIED UPON BY PROFESSIONAL REVIEWER AND WHY:"),
    heading("rationale", _RATIONALE, alone=False),
    heading("qualifications", "MEDICAL REVIEWER QUALIFICATIONS:", required=False),
)
_NECESSITY = re.compile(r"\s*(?P<negated>NOT\s+)?MEDICALLY\s+NECESSARY\s*:\s*")
_NUMBERED = re.compile(r"(?:^|\n)(?P<number>\d{1,2})[.)]\s+")


def _read(flow: str, source: str) -> Letter:
    # The heading of the rationale goes on after the words that all letters share, on the same line or the next.
    sections = cut_sections(flow, _HEADINGS, source)
    necessity = _NECESSITY.match(sections["rationale"])
    if not necessity:
        raise LetterError(source, f"does not say '(NOT) MEDICALLY NECESSARY:' after '{_RATIONALE}'")
    outcome = Outcome.UPHELD if necessity["negated"] else Outcome.OVERTURNED
    rationale = joined(sections["rationale"][necessity.end() :])
    # The heading is a form: where the rationale concludes otherwise, nothing shows which of the two holds.
    if conclusions(rationale) - {outcome}:
        raise LetterError(source, "its rationale concludes otherwise than its heading; the outcome is ambiguous")
    return make_letter(
        LAYOUT.name,
        head=sections["head"],
        credentials=sections.get("qualifications", ""),
        summary=sections["summary"],
        items=_read_issues(sections["issue"], outcome, joined(sections["guideline"]), rationale, source),
    )


def _read_issues(issue: str, outcome: Outcome, guideline: str, rationale: str, source: str) -> tuple[DisputedItem, ...]:
    marks = list(_NUMBERED.finditer(issue))
    if not marks or marks[0].start() != 0:
        requests = [joined(issue)]
    else:
        check_numbers([int(mark["number"]) for mark in marks], source)
        ends = [mark.start() for mark in marks[1:]] + [len(issue)]
        requests = [joined(issue[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]
    if not all(requests):
        raise LetterError(source, "has nothing under 'ISSUE AT DISPUTE:'")
    return tuple(
        make_item(number, request, outcome, None, guideline or None, rationale)
        for number, request in enumerate(requests, start=1)
    )


LAYOUT = Layout("professional review", re.compile(r"\nISSUE\s+AT\s+DISPUTE\s*:"), _read)
