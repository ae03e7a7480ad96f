"""The determination of spring to autumn 2013: decisions first, then a part "Regarding the request for X" for each."""

from __future__ import annotations

import re
from datetime import date

from imr_ml.letters.header import read_date
from imr_ml.letters.layouts.layout import Layout, make_letter
from imr_ml.letters.lines import joined
from imr_ml.letters.numbered import NECESSARY, check_numbers, outcome_of, read_decided
from imr_ml.letters.sections import cut_sections, heading
from imr_ml.letters.types import DisputedItem, Letter, LetterError, Outcome

_HEADINGS = (
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
_PART = re.compile(r"\n(?P<number>\d{1,2})[.)]\s+Regarding\s+the\s+request\s+for\b")
_CITED = re.compile(r"\bThe\s+Claims\s+Administrator\b")
_RELIED_UPON = re.compile(
    r"Sections?\s+of\s+the\s+Medical\s+Treatment\s+Utilization\s+Schedule\b[^:.]{0,120}?(?:His/Her\s+Decision|:)\s*:?\s*"
)
_CLOSING = re.compile(r"\n(?:Effect\s+of\s+the\s+Decision\s*:|Disclaimer\s*:\s*MAXIMUS\b)")
_DISCLAIMER = re.compile(
    r"Disclaimer\s*:\s*The\s+following\s+case\s+summary\b[^\0]{0,200}?\bdated\s+(?P<day>[^.]{6,20})\.\s*"
)
_TOLD_DATES = {
    "application_received": re.compile(
        r"application\s+for\s+Independent\s+Medical\s+Review\s+was\s+filed\s+on\s+([\d/]+)"
    ),
    "ur_denial_date": re.compile(r"Utilization\s+Review\s+Denial\s+dated\s+([\d/]+)"),
    "date_assigned": re.compile(r"Notice\s+of\s+Assignment\b[^\0]{0,120}?\bon\s+([\d/]+)"),
}


def _read(flow: str, source: str) -> Letter:
    closing = _CLOSING.search(flow)
    flow = _EXPERT_SUMMARY.sub("", flow[: closing.start()] if closing else flow)
    first_part = _PART.search(f"\n{flow}")
    if not first_part:
        raise LetterError(source, "has no 'Regarding the request for' after its decisions")
    before, parts = flow[: first_part.start()], f"\n{flow}"[first_part.start() :]
    sections = cut_sections(before, _HEADINGS, source)
    disclaimer = _DISCLAIMER.match(sections["summary"])
    decisions = _read_decisions(sections["head"], source)
    return make_letter(
        LAYOUT.name,
        head=sections["head"],
        credentials=sections.get("qualifications", ""),
        summary=sections["summary"][disclaimer.end() if disclaimer else 0 :],
        items=_read_parts(parts, decisions, source),
        known=_known_dates(sections["head"], disclaimer),
    )


def _read_decisions(head: str, source: str) -> list[tuple[str, Outcome]]:
    """(request, outcome) by number; the letter states them on its first page and once more."""
    stated: dict[int, tuple[str, Outcome]] = {}
    marks = list(_DETERMINED.finditer(f"\n{head}"))
    if len(marks) != len(_STATED.findall(head)):
        raise LetterError(source, "has a decision that does not say whether it is medically necessary", "items")
    for mark in marks:
        number, decision = int(mark["number"]), (joined(mark["request"]), outcome_of(mark["negated"]))
        if stated.setdefault(number, decision) != decision:
            raise LetterError(source, "is decided twice, differently", f"item {number}")
    check_numbers(list(stated), source)
    return list(stated.values())


def _read_parts(text: str, decisions: list[tuple[str, Outcome]], source: str) -> tuple[DisputedItem, ...]:
    marks = list(_PART.finditer(text))
    check_numbers([int(mark["number"]) for mark in marks], source)
    if len(marks) != len(decisions):
        raise LetterError(source, f"has {len(decisions)} decision(s) and {len(marks)} rationale(s)", "items")
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return tuple(
        read_decided(number, request, outcome, _body(text[mark.end() : end]), source)
        for number, (mark, end, (request, outcome)) in enumerate(zip(marks, ends, decisions, strict=True), start=1)
    )


def _body(part: str) -> str:
    """Return the text after a part's heading and its guideline label."""
    relied_upon = _RELIED_UPON.search(part)
    if relied_upon:
        return part[relied_upon.end() :]
    cited = _CITED.search(part)
    return part[cited.start() :] if cited else part


def _known_dates(head: str, disclaimer: re.Match[str] | None) -> dict[str, date]:
    """Return the dates stated in sentences."""
    written = {name: pattern.search(head) for name, pattern in _TOLD_DATES.items()}
    known = {name: day for name, mark in written.items() if mark and (day := read_date(mark[1].strip("/")))}
    summarized = read_date(" ".join(disclaimer["day"].split())) if disclaimer else None
    return {"ur_denial_date": summarized, **known} if summarized else known


LAYOUT = Layout(
    "earliest", re.compile(r"MAXIMUS\s+Federal\s+Services,\s+Inc\.?\s+has\s+determined\s+the\s+request\s+for\b"), _read
)
