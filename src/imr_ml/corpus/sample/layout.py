"""The letter's parts -> its text: header, credentials, sections, items, wrapped to the published column.

Knows the layout. Knows nothing of how the parts were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.sample.typeface import wrapped
from imr_ml.corpus.sample.wording import dated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imr_ml.corpus.sample.facts import LetterFacts

MARK = "SAMPLE LETTER - synthetic, not a decided case"
MADE = "HOW THE IMR FINAL DETERMINATION WAS MADE"
SUMMARY = "CLINICAL CASE SUMMARY"
ISSUES = "IMR ISSUES, DECISIONS AND RATIONALES"
LINE_CHARACTERS = 95


@dataclass(frozen=True, slots=True)
class Section:
    """One disputed item as it is printed."""

    heading: str
    administrator: str
    reviewer: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A letter's printed parts, in order."""

    case_number: str
    facts: LetterFacts
    boilerplate: str
    licensure: str
    certification: str
    summary: str
    sections: Sequence[Section]


def header_rows(parts: Parts) -> tuple[tuple[str, str, str, str], ...]:
    """Return the header's two columns: (label, value, label, value) a row; empty where a cell is."""
    dates = parts.facts.dates
    application = dated(dates.application, "long_slash")
    return (
        ("Case Number:", parts.case_number, "", ""),
        (
            "Date Assigned:",
            dated(dates.assigned, "long_slash"),
            "Date of Injury:",
            dated(dates.injury, "long_slash"),
        ),
        (
            "Decision Date:",
            dated(dates.decision, "long_slash"),
            "UR Denial Date:",
            dated(dates.denial, "long_slash"),
        ),
        ("Priority:", "Expedited" if parts.facts.expedited else "Standard", "Application", application),
        ("", "", "Received:", ""),
    )


def paragraphs(parts: Parts) -> list[tuple[str, str]]:
    """Return what follows the header, in order, as (style, words); styles are heading, text and line."""
    flow = [
        ("heading", MADE),
        ("text", parts.boilerplate),
        ("text", "The Expert Reviewer has the following credentials:"),
        ("line", f"State(s) of Licensure: {parts.licensure}"),
        ("line", f"Certification(s)/Specialty: {parts.certification}"),
        ("heading", SUMMARY),
        (
            "text",
            "The expert reviewer developed the following summary from what the records of this case hold:",
        ),
        ("text", parts.summary),
        ("heading", ISSUES),
        ("text", "The Final Determination was based on these decisions, one for each disputed item/service:"),
    ]
    for section in parts.sections:
        flow += [
            ("text", section.heading),
            ("text", f"Claims Administrator guideline: {section.administrator}"),
            ("text", f"MAXIMUS guideline: {section.reviewer}"),
            ("text", f"Decision rationale: {section.rationale}"),
        ]
    return flow


def lay_out(parts: Parts) -> str:
    """Write the letter as plain text, marked as a sample on its first line."""
    lines = [MARK]
    lines += [f"{a:<22}{b:<32}{c:<21}{d}".rstrip() for a, b, c, d in header_rows(parts)]
    for style, words in paragraphs(parts):
        if style == "heading":
            lines += ["", words.center(LINE_CHARACTERS).rstrip()]
        else:
            lines += ([] if style == "line" else [""]) + list(wrapped(words))
    return "\n".join(lines) + "\n"
