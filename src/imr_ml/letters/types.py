"""What a letter is, once read: `Letter`, its `DisputedItem`s, and `LetterError`.

Knows the fields. Knows nothing of how they are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from imr_ml.errors import ImrError
from imr_ml.guidelines import Citation


class Outcome(StrEnum):
    """What the reviewer decided about one request."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"


class LetterError(ImrError):
    """A letter that cannot be read.

    Parameters
    ----------
    source : str
        The file's name, or ``"text"``.
    expected : str
        What the reader looked for and did not find, and what to do about it.
    place : str
        Where it looked, e.g. ``"item 3"``; empty for the letter as a whole.
    """

    def __init__(self, source: str, expected: str, place: str = "") -> None:
        self.source = source
        self.expected = expected
        self.place = place
        super().__init__(": ".join(part for part in (", ".join(filter(None, (source, place))), expected)))


@dataclass(frozen=True, slots=True)
class DisputedItem:
    """One request of a letter and what was decided about it.

    Attributes
    ----------
    number : int
        Place in the letter, from 1.
    request : str
        The disputed treatment or service, as headed, without the outcome.
    outcome : Outcome
        What the reviewer decided.
    ur_guideline, imr_guideline, rationale : str or None
        The paragraphs as written; None where the letter has none.
    ur_citations, imr_citations : tuple of Citation
        What those guideline paragraphs cite.
    """

    number: int
    request: str
    outcome: Outcome
    ur_guideline: str | None = None
    ur_citations: tuple[Citation, ...] = ()
    imr_guideline: str | None = None
    imr_citations: tuple[Citation, ...] = ()
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One Final Determination Letter; what it lacks is None or empty.

    Attributes
    ----------
    is_sample : bool
        Whether the letter says of itself that it is synthetic.
    """

    case_number: str | None
    items: tuple[DisputedItem, ...]
    clinical_summary: str | None = None
    date_of_injury: date | None = None
    decision_date: date | None = None
    date_assigned: date | None = None
    ur_denial_date: date | None = None
    application_received: date | None = None
    priority: str | None = None
    licensure: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    is_sample: bool = False
