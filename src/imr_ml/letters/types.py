"""Data types of a letter: `Letter`, `DisputedItem`, `Outcome` and `LetterError`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from imr_ml.errors import ImrError
from imr_ml.guidelines.types import Citation


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

    @property
    def requested(self) -> str:
        """What was requested at first, before any part of it was authorized."""
        return read_partial(self.request).requested

    @property
    def authorized(self) -> str | None:
        """The part that the claims administrator authorized; None where the letter names none."""
        return read_partial(self.request).authorized

    @property
    def disputed(self) -> str:
        """What the outcome is about: the remaining part, or the whole request."""
        return read_partial(self.request).disputed


@dataclass(frozen=True, slots=True)
class Letter:
    """One Final Determination Letter; what it lacks is None or empty.

    Attributes
    ----------
    is_sample : bool
        Whether the letter is marked as synthetic.
    layout : str
        Name of the layout it is written in, of those in `imr_ml.letters.layouts`.
    text_from : str
        ``"text"``, or ``"ocr"`` where any page was a picture.
    case_number_from : str
        ``"header"``; in a letter by OCR that lost it ``"body"`` or ``"file name"``.
    warnings : tuple of str
        Parts that contradict each other or are not what they should be; the letter is read as written. They
        contain nothing about the worker.
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
    layout: str = "current"
    text_from: str = "text"
    case_number_from: str = "header"
    warnings: tuple[str, ...] = ()


_ORIGINAL = re.compile(r"\s+(?:was|were) the original request\.\s*", re.IGNORECASE)
_IS = r"(?:\s+(?:is|are))?\s*$"
# "Y was authorized by the Claims Administrator. The remaining IMR eligible portion of the original request, Z is"
_PART_LEFT = re.compile(
    r"(?P<authorized>.+?)\s+(?:was|were) (?:authorized|certified|approved) by the claims administrator\.?\s*"
    rf"the remaining (?:IMR[ -]eligible )?portion of the original request,?\s*(?P<disputed>.+?){_IS}",
    re.IGNORECASE,
)
# "The Claims Administrator authorized Y, leaving the original request IMR eligible. The original request, X is"
_ALL_LEFT = re.compile(
    r"the claims administrator (?:authorized|certified|approved) (?P<authorized>.+?),? leaving the original request "
    rf"(?:as )?IMR[ -]eligible\.?\s*the original request,?\s*(?P<disputed>.+?){_IS}",
    re.IGNORECASE,
)
_MAX_CHARACTERS = 5_000


class Partial(NamedTuple):
    """The three parts of a partly authorized request; of another, none is authorized and all is disputed."""

    requested: str
    authorized: str | None
    disputed: str


def read_partial(request: str) -> Partial:
    """The parts of a request.

    Examples
    --------
    >>> read_partial(
    ...     "Massage, 6 visits was the original request. Massage, 2 visits was authorized by the Claims Administrator. "
    ...     "The remaining IMR eligible portion of the original request, massage, 4 visits is"
    ... )
    Partial(requested='Massage, 6 visits', authorized='Massage, 2 visits', disputed='massage, 4 visits')
    """
    original = _ORIGINAL.search(request[:_MAX_CHARACTERS])
    rest = request[original.end() : _MAX_CHARACTERS] if original else ""
    parts = _PART_LEFT.match(rest) or _ALL_LEFT.match(rest)
    if not (original and parts):
        return Partial(request, None, request)
    return Partial(request[: original.start()], parts["authorized"], parts["disputed"])
