"""Convert a sample letter to what the reader would return, without printing it.

That the reader does give this is for the tests to prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.guidelines.types import Citation, Family
from imr_ml.letters.types import DisputedItem, Letter, Outcome
from imr_ml.sample.facts import Format
from imr_ml.sample.formats import DATES_TOLD

if TYPE_CHECKING:
    from datetime import date

    from imr_ml.sample.catalog import Families
    from imr_ml.sample.formats import Parts


def letter_as_read(parts: Parts) -> Letter:
    """The letter with all that goes into the requests table; of citations, their families."""
    facts = parts.facts
    return Letter(
        case_number=parts.case_number,
        items=tuple(_item(parts, index) for index in range(len(parts.sections))),
        clinical_summary=parts.summary,
        date_of_injury=_stated_date(parts, "injury"),
        decision_date=_stated_date(parts, "decision"),
        date_assigned=_stated_date(parts, "assigned"),
        ur_denial_date=_stated_date(parts, "denial"),
        application_received=_stated_date(parts, "application"),
        licensure=parts.licensure,
        specialties=parts.specialties,
        is_sample=True,
        layout=facts.format.value,
    )


def _stated_date(parts: Parts, name: str) -> date | None:
    day: date = getattr(parts.facts.dates, name)
    return day if name in DATES_TOLD[parts.facts.format] else None


def _item(parts: Parts, index: int) -> DisputedItem:
    section, item = parts.sections[index], parts.facts.items[index]
    # A professional review prints one guideline and one rationale for all.
    as_one = parts.facts.format is Format.PROFESSIONAL_REVIEW
    decided = parts.sections[0] if as_one else section
    return DisputedItem(
        number=index + 1,
        request=section.request,
        outcome=Outcome.OVERTURNED if section.overturned else Outcome.UPHELD,
        ur_guideline=None if as_one else section.administrator,
        ur_citations=() if as_one else _citations(item.ur_families),
        imr_guideline=decided.reviewer,
        imr_citations=_citations(item.families),
        rationale=decided.rationale,
    )


def _citations(families: Families) -> tuple[Citation, ...]:
    return tuple(Citation(Family(family), "", mtus=False) for family in sorted(families - {"none"}))
