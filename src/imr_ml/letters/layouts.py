"""Read the layouts in which determinations were published since 2013."""

from __future__ import annotations

import re
from datetime import date
from functools import partial

from imr_ml.guidelines.matcher import texts_after
from imr_ml.letters.header import read_date
from imr_ml.letters.items import has_items, make_item, read_items
from imr_ml.letters.layout import Layout, make_letter, skip_opening, stated_outcomes
from imr_ml.letters.lines import join_lines
from imr_ml.letters.numbered import NECESSARY, check_numbers, outcome_of, read_decided_item, read_decisions
from imr_ml.letters.sections import cut_sections, heading
from imr_ml.letters.types import DisputedItem, Letter, LetterError, Outcome

# Headings of the items since 2014 and in 2013; the headings before them are the same.
_ITEMS_SINCE_2014 = "IMR ISSUES, DECISIONS AND RATIONALES"
_ITEMS_OF_2013 = "IMR DECISION(S) AND RATIONALE(S)"
_BEFORE_ITEMS = (
    heading("made", "HOW THE IMR FINAL DETERMINATION WAS MADE", required=False),
    heading("documents", "DOCUMENTS REVIEWED", required=False),
    heading("summary", "CLINICAL CASE SUMMARY"),
)
_OPENING = re.compile(r"The\s+Final\s+Determination\s+was\s+based\s+on\b[^:]{0,200}:\s*", re.IGNORECASE)


def _read_headed(flow: str, source: str, title: str, *, may_be_numbered: bool = False) -> Letter:
    """Read a letter whose items are under a heading; in 2013 they may be numbered decisions."""
    sections = cut_sections(flow, (*_BEFORE_ITEMS, heading("items", title)), source)
    text = skip_opening(_OPENING, sections["items"])
    warnings: tuple[str, ...] = ()
    if may_be_numbered and not has_items(text):
        items = read_decisions(text, source)
    else:
        items, warnings = read_items(text, source)
    return make_letter(
        head=sections["head"],
        credentials=sections.get("made", sections["head"]),
        summary=sections["summary"],
        items=items,
        warnings=warnings,
    )


# Medical professional reviews, in which all issues share one guideline paragraph and one rationale.
_RATIONALE = "RATIONALE FOR WHY THE REQUESTED TREATMENT/SERVICE IS/WAS"
_REVIEW_HEADINGS = (
    heading("issue", "ISSUE AT DISPUTE:"),
    heading("summary", "CASE SUMMARY:"),
    heading("documents", "DOCUMENTS REVIEWED FOR DETERMINATION:", required=False),
    heading("guideline", "MEDICAL TREATMENT GUIDELINE(S) RELIED UPON BY PROFESSIONAL REVIEWER AND WHY:"),
    heading("rationale", _RATIONALE, alone=False),
    heading("qualifications", "MEDICAL REVIEWER QUALIFICATIONS:", required=False),
)
_NECESSITY = re.compile(r"\s*(?P<negated>NOT\s+)?MEDICALLY\s+NECESSARY\s*:\s*")
_NUMBERED = re.compile(r"(?:^|\n)(?P<number>\d{1,2})[.)]\s+")


def _read_professional_review(flow: str, source: str) -> Letter:
    # The heading of the rationale ends with "(NOT) MEDICALLY NECESSARY", on the same line or the next.
    sections = cut_sections(flow, _REVIEW_HEADINGS, source)
    necessity = _NECESSITY.match(sections["rationale"])
    if not necessity:
        raise LetterError(source, f"has no '(NOT) MEDICALLY NECESSARY:' after '{_RATIONALE}'")
    outcome = Outcome.UPHELD if necessity["negated"] else Outcome.OVERTURNED
    rationale = join_lines(sections["rationale"][necessity.end() :])
    # If the rationale contradicts the heading, nothing shows which of the two is right.
    if stated_outcomes(rationale) - {outcome}:
        raise LetterError(source, "has a rationale that contradicts its heading; the outcome is ambiguous")
    return make_letter(
        head=sections["head"],
        credentials=sections.get("qualifications", ""),
        summary=sections["summary"],
        items=_read_issues(sections["issue"], outcome, join_lines(sections["guideline"]), rationale, source),
    )


def _read_issues(issue: str, outcome: Outcome, guideline: str, rationale: str, source: str) -> tuple[DisputedItem, ...]:
    marks = list(_NUMBERED.finditer(issue))
    if not marks or marks[0].start() != 0:
        requests = [join_lines(issue)]
    else:
        check_numbers([int(mark["number"]) for mark in marks], source)
        requests = [join_lines(text) for text in texts_after(marks, issue)]
    if not all(requests):
        raise LetterError(source, "has nothing under 'ISSUE AT DISPUTE:'")
    return tuple(
        make_item(number, request, outcome, None, guideline or None, rationale)
        for number, request in enumerate(requests, start=1)
    )


# Determinations from spring to autumn 2013: all decisions, then a part "Regarding the request for X" for each.
_EARLIEST_HEADINGS = (
    heading("qualifications", "Medical Qualifications of the Expert Reviewer:", required=False),
    heading("summary", "Case Summary:"),
    heading("documents", "Documents Reviewed for Determination:", required=False),
)
_EXPERT_SUMMARY = re.compile(r"(?<=\n)Expert\s+Reviewer\s+(?=Case\s+Summary\s*:)")
_DETERMINED = re.compile(
    r"\n(?P<number>\d{1,2})[.)]\s+MAXIMUS\s+Federal\s+Services,\s+Inc\.?\s+has\s+determined\s+the\s+request\s+for\s+"
    rf"(?P<request>\S[^\0]{{0,1500}}?)\s+{NECESSARY}\s*\."
)
_STATED = re.compile(r"has\s+determined\s+the\s+request\s+for\b")
_STATED_IN_FULL = re.compile(rf"MAXIMUS\s+Federal\s+Services,\s+Inc\.?\s+{_STATED.pattern}")
_PART = re.compile(r"\n(?P<number>\d{1,2})[.)]\s+Regarding\s+the\s+request\s+for\b")
_CITED = re.compile(r"\bThe\s+Claims\s+Administrator\b")
_RELIED_UPON = re.compile(
    r"Sections?\s+of\s+the\s+Medical\s+Treatment\s+Utilization\s+Schedule\b[^:.]{0,120}?(?:His/Her\s+Decision|:)\s*:?\s*"
)
_CLOSING = re.compile(r"\n(?:Effect\s+of\s+the\s+Decision\s*:|Disclaimer\s*:\s*MAXIMUS\b)")
_DISCLAIMER = re.compile(
    r"Disclaimer\s*:\s*The\s+following\s+case\s+summary\b[^\0]{0,200}?\bdated\s+(?P<day>[^.]{6,20})\.\s*"
)
_STATED_DATES = {
    "application_received": re.compile(
        r"application\s+for\s+Independent\s+Medical\s+Review\s+was\s+filed\s+on\s+([\d/]+)"
    ),
    "ur_denial_date": re.compile(r"Utilization\s+Review\s+Denial\s+dated\s+([\d/]+)"),
    "date_assigned": re.compile(r"Notice\s+of\s+Assignment\b[^\0]{0,120}?\bon\s+([\d/]+)"),
}


def _read_earliest(flow: str, source: str) -> Letter:
    closing = _CLOSING.search(flow)
    flow = _EXPERT_SUMMARY.sub("", flow[: closing.start()] if closing else flow)
    first_part = _PART.search(f"\n{flow}")
    if not first_part:
        raise LetterError(source, "has no 'Regarding the request for' after its decisions")
    before, parts = flow[: first_part.start()], f"\n{flow}"[first_part.start() :]
    sections = cut_sections(before, _EARLIEST_HEADINGS, source)
    disclaimer = _DISCLAIMER.match(sections["summary"])
    decisions = _read_decisions(sections["head"], source)
    return make_letter(
        head=sections["head"],
        credentials=sections.get("qualifications", ""),
        summary=sections["summary"][disclaimer.end() if disclaimer else 0 :],
        items=_read_parts(parts, decisions, source),
        stated_dates=_stated_dates(sections["head"], disclaimer),
    )


def _read_decisions(head: str, source: str) -> list[tuple[str, Outcome]]:
    """Return (request, outcome) in order; a letter may state each decision twice."""
    stated: dict[int, tuple[str, Outcome]] = {}
    marks = list(_DETERMINED.finditer(f"\n{head}"))
    if len(marks) != len(_STATED.findall(head)):
        raise LetterError(source, "has a decision without '(not) medically necessary'", "items")
    for mark in marks:
        number, decision = int(mark["number"]), (join_lines(mark["request"]), outcome_of(mark["negated"]))
        if stated.setdefault(number, decision) != decision:
            raise LetterError(source, "has two different decisions", f"item {number}")
    check_numbers(list(stated), source)
    return list(stated.values())


def _read_parts(text: str, decisions: list[tuple[str, Outcome]], source: str) -> tuple[DisputedItem, ...]:
    marks = list(_PART.finditer(text))
    check_numbers([int(mark["number"]) for mark in marks], source)
    if len(marks) != len(decisions):
        raise LetterError(source, f"has {len(decisions)} decision(s) and {len(marks)} rationale(s)", "items")
    return tuple(
        read_decided_item(number, request, outcome, _body(part), source)
        for number, (part, (request, outcome)) in enumerate(zip(texts_after(marks, text), decisions, strict=True), 1)
    )


def _body(part: str) -> str:
    """Return the text after a part's heading and its guideline label."""
    relied_upon = _RELIED_UPON.search(part)
    if relied_upon:
        return part[relied_upon.end() :]
    cited = _CITED.search(part)
    return part[cited.start() :] if cited else part


def _stated_dates(head: str, disclaimer: re.Match[str] | None) -> dict[str, date]:
    """Return the dates stated in sentences."""
    marks = {name: pattern.search(head) for name, pattern in _STATED_DATES.items()}
    dates = {name: day for name, mark in marks.items() if mark and (day := read_date(mark[1].strip("/")))}
    in_summary = read_date(" ".join(disclaimer["day"].split())) if disclaimer else None
    return {"ur_denial_date": in_summary, **dates} if in_summary else dates


LAYOUTS = (
    Layout(
        "current",
        re.compile(r"\nIMR\s+ISSUES,\s+DECISIONS\s+AND\s+RATIONALES\n"),
        partial(_read_headed, title=_ITEMS_SINCE_2014),
    ),
    Layout(
        "2013",
        re.compile(r"\nIMR\s+DECISION\(S\)\s+AND\s+RATIONALE\(S\)\n"),
        partial(_read_headed, title=_ITEMS_OF_2013, may_be_numbered=True),
    ),
    Layout("professional review", re.compile(r"\nISSUE\s+AT\s+DISPUTE\s*:"), _read_professional_review),
    Layout("earliest", _STATED_IN_FULL, _read_earliest),
)
