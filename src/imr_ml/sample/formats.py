"""Lay out each published format of the letter: header, sections and items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.sample.facts import Format
from imr_ml.sample.typeface import wrapped
from imr_ml.sample.wording import dated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imr_ml.sample.facts import LetterFacts


Row = tuple[str, str, str, str]
"""(label, value, label, value) of a two-column head; empty where a cell is."""
Block = tuple[str, str]
"""(style, words); the styles are heading, text and line, which follows the block before it without a gap."""

_DEVELOPED = "The {} reviewer developed the following summary from what the records of this case hold:"
_BASED_ON = "The Final Determination was based on these decisions, one for each disputed item/service:"
DATES_TOLD: dict[Format, frozenset[str]] = {
    Format.EARLIEST: frozenset({"injury", "denial", "application", "assigned", "decision"}),
    Format.PROFESSIONAL_REVIEW: frozenset({"injury", "denial", "application", "decision"}),
    Format.NUMBERED: frozenset({"injury", "denial", "application", "decision"}),
    Format.LETTER_2013: frozenset({"injury", "denial", "application", "decision"}),
    Format.CURRENT: frozenset({"injury", "denial", "application", "assigned", "decision"}),
}
"""Dates of a case that a format prints."""


@dataclass(frozen=True, slots=True)
class Section:
    """One disputed item as it is printed."""

    request: str
    overturned: bool
    administrator: str
    reviewer: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A letter's printed parts, in order."""

    case_number: str
    facts: LetterFacts
    boilerplate: str
    licensure: tuple[str, ...]
    specialties: tuple[str, ...]
    documents: str
    summary: str
    sections: Sequence[Section]


def header_rows(parts: Parts) -> tuple[Row, ...]:
    """Return the rows of a two-column head; of formats without one, none."""
    if parts.facts.format is not Format.CURRENT:
        return ()
    injury, denial, application, assigned, decision = _dates(parts)
    return (
        ("Case Number:", parts.case_number, "", ""),
        ("Date Assigned:", assigned, "Date of Injury:", injury),
        ("Decision Date:", decision, "UR Denial Date:", denial),
        ("Priority:", _priority(parts), "Application", application),
        ("", "", "Received:", ""),
    )


def paragraphs(parts: Parts) -> Iterator[Block]:
    """Return what follows the two-column head, in order."""
    return _FLOWS[parts.facts.format](parts)


def _dates(parts: Parts) -> list[str]:
    dates = parts.facts.dates
    days = (dates.injury, dates.denial, dates.application, dates.assigned, dates.decision)
    return [dated(day, "long_slash") for day in days]


def _priority(parts: Parts) -> str:
    return "Expedited" if parts.facts.expedited else "Standard"


def _current(parts: Parts) -> Iterator[Block]:
    yield "heading", "HOW THE IMR FINAL DETERMINATION WAS MADE"
    yield "text", parts.boilerplate
    yield "text", "The Expert Reviewer has the following credentials:"
    yield "line", f"State(s) of Licensure: {', '.join(parts.licensure)}"
    yield "line", f"Certification(s)/Specialty: {', '.join(parts.specialties)}"
    yield "heading", "CLINICAL CASE SUMMARY"
    yield "text", _DEVELOPED.format("expert")
    yield "text", parts.summary
    yield "heading", "IMR ISSUES, DECISIONS AND RATIONALES"
    yield "text", _BASED_ON
    yield from _headed_items(parts)


def _headed_items(parts: Parts) -> Iterator[Block]:
    for section in parts.sections:
        yield "text", f"{section.request}: {'Overturned' if section.overturned else 'Upheld'}"
        yield "text", f"Claims Administrator guideline: {section.administrator}"
        yield "text", f"MAXIMUS guideline: {section.reviewer}"
        yield "text", f"Decision rationale: {section.rationale}"


def _letter_2013(parts: Parts) -> Iterator[Block]:
    yield from _to_decisions_2013(parts)
    yield from _headed_items(parts)


def _numbered(parts: Parts) -> Iterator[Block]:
    yield from _to_decisions_2013(parts)
    for number, section in enumerate(parts.sections, start=1):
        yield "text", f"{number}. Decision for {section.request} {_decided(section)}"
        yield "text", section.administrator
        yield "text", section.reviewer
        yield "text", f"The Physician Reviewer's decision rationale: {section.rationale}"


def _to_decisions_2013(parts: Parts) -> Iterator[Block]:
    injury, denial, application, _, decision = _dates(parts)
    yield "line", "Independent Medical Review Final Determination Letter"
    yield "line", f"Dated: {decision}"
    yield "line", f"IMR Case Number: {parts.case_number} Date of Injury: {injury}"
    yield "line", f"Claims Number: UR Denial Date: {denial}"
    yield "line", f"Priority: {_priority(parts).upper()} Application Received: {application}"
    yield "line", "Employee Name:"
    yield "heading", "HOW THE IMR FINAL DETERMINATION WAS MADE"
    yield "text", f"{parts.boilerplate} {_qualified(parts, 'Physician')}"
    yield "heading", "DOCUMENTS REVIEWED"
    yield "text", parts.documents
    yield "heading", "CLINICAL CASE SUMMARY"
    yield "text", _DEVELOPED.format("physician")
    yield "text", parts.summary
    yield "heading", "IMR DECISION(S) AND RATIONALE(S)"
    yield "text", _BASED_ON


def _professional_review(parts: Parts) -> Iterator[Block]:
    injury, denial, application, _, decision = _dates(parts)
    first, *others = parts.sections
    yield "line", "MEDICAL PROFESSIONAL REVIEW"
    yield "line", f"Case Number: {parts.case_number}"
    yield "line", f"Date of Injury: {injury}"
    yield "line", f"Date of UR Decision: {denial}"
    yield "line", f"IMR Application Received: {application}"
    yield "line", f"Dated: {decision}"
    yield "text", "ISSUE AT DISPUTE:" if others else f"ISSUE AT DISPUTE: {first.request}"
    for number, section in enumerate(parts.sections if others else (), start=1):
        yield "line", f"{number}) {section.request}"
    yield "text", f"CASE SUMMARY: {parts.summary}"
    yield "text", f"DOCUMENTS REVIEWED FOR DETERMINATION: {parts.documents}"
    relied = "MEDICAL TREATMENT GUIDELINE(S) RELIED UPON BY PROFESSIONAL REVIEWER AND WHY:"
    yield "text", f"{relied} {first.reviewer}"
    necessity = "MEDICALLY NECESSARY" if first.overturned else "NOT MEDICALLY NECESSARY"
    yield "text", f"RATIONALE FOR WHY THE REQUESTED TREATMENT/SERVICE IS/WAS {necessity}: {first.rationale}"
    yield "text", f"MEDICAL REVIEWER QUALIFICATIONS: {_qualified(parts, 'Professional')}"


def _earliest(parts: Parts) -> Iterator[Block]:
    dates = parts.facts.dates
    determined = "MAXIMUS Federal Services, Inc. has determined the request for"
    decisions: list[Block] = [
        ("text", f"{number}) {determined} {section.request} {_decided(section)}")
        for number, section in enumerate(parts.sections, start=1)
    ]
    yield "line", "Notice of Independent Medical Review Determination"
    yield "line", f"Dated: {dated(dates.decision, 'slash')}"
    yield "line", f"IMR Case Number: {parts.case_number}"
    yield "line", f"Date of Injury: {dated(dates.injury, 'slash')}"
    yield "line", f"Priority: {_priority(parts)}"
    yield from decisions
    yield "heading", "INDEPENDENT MEDICAL REVIEW DECISION AND RATIONALE"
    yield (
        "text",
        f"The application for Independent Medical Review was filed on {dated(dates.application, 'slash')}, against the "
        f"Utilization Review Denial dated {dated(dates.denial, 'slash')}. A Notice of Assignment went out on "
        f"{dated(dates.assigned, 'slash')}. The decisions on what is in dispute are these:",
    )
    yield from decisions
    yield "text", "Medical Qualifications of the Expert Reviewer:"
    yield "line", _qualified(parts, "Expert")
    yield "text", "Expert Reviewer Case Summary:"
    yield "line", parts.summary
    yield "text", "Documents Reviewed for Determination:"
    yield "line", parts.documents
    for number, section in enumerate(parts.sections, start=1):
        yield "text", f"{number}) Regarding the request for {section.request}:"
        yield (
            "text",
            "Section of the Medical Treatment Utilization Schedule Relied Upon by the Expert Reviewer to Make His/Her "
            "Decision",
        )
        yield "line", f"{section.administrator} {section.reviewer}"
        yield "text", "Rationale for the Decision:"
        yield "line", section.rationale
    yield "text", "Effect of the Decision:"
    yield "line", "All parties are bound by what was decided here."


def _decided(section: Section) -> str:
    return f"is {'' if section.overturned else 'not '}medically necessary and appropriate."


def _qualified(parts: Parts, reviewer: str) -> str:
    """The reviewer's licenses and specialties in a sentence."""
    first, *others = parts.specialties
    subspecialty = f", has a subspecialty in {others[0]}" if others else ""
    states = " and ".join(parts.licensure)
    return (
        f"The {reviewer} Reviewer is Board Certified in {first}{subspecialty} and is licensed to practice in {states}."
    )


_FLOWS = {
    Format.CURRENT: _current,
    Format.LETTER_2013: _letter_2013,
    Format.NUMBERED: _numbered,
    Format.PROFESSIONAL_REVIEW: _professional_review,
    Format.EARLIEST: _earliest,
}


MARK = "SAMPLE LETTER - synthetic, not a decided case"
LINE_CHARACTERS = 95


def lay_out(parts: Parts) -> str:
    """Write the letter as plain text, marked as a sample on its first line."""
    rows = header_rows(parts)
    lines = [MARK, *(_in_columns(rows) if parts.facts.in_columns else _side_by_side(rows))]
    for style, words in paragraphs(parts):
        if style == "heading":
            lines += ["", words.center(LINE_CHARACTERS).rstrip()]
        else:
            lines += wrapped(words) if style == "line" else ("", *wrapped(words))
    return "\n".join(lines) + "\n"


def _side_by_side(rows: tuple[Row, ...]) -> list[str]:
    return [f"{a:<22}{b:<32}{c:<21}{d}".rstrip() for a, b, c, d in rows]


def _in_columns(rows: tuple[Row, ...]) -> list[str]:
    """All labels of a column, then all its values, as some readers of PDFs give them."""
    left = [row[0] for row in rows if row[0]], [row[1] for row in rows if row[1]]
    right = " ".join(row[2] for row in rows[3:]), [row[3] for row in rows if row[3]]
    return [*left[0], *left[1], *(row[2] for row in rows[1:3]), right[0], *right[1]]
