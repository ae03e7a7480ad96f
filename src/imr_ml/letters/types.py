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
    """The reviewer's decision on one request."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"


class LetterError(ImrError):
    """A letter can't be read.

    Parameters
    ----------
    source : str
        The file's name, or ``"text"``.
    expected : str
        The problem, and what to do about it.
    place : str
        Where the problem is, e.g. ``"item 3"``; empty for the letter as a whole.
    """

    def __init__(self, source: str, expected: str, place: str = "") -> None:
        self.source = source
        self.expected = expected
        self.place = place
        super().__init__(": ".join(part for part in (", ".join(filter(None, (source, place))), expected)))


@dataclass(frozen=True, slots=True)
class DisputedItem:
    """One request of a letter and the decision on it.

    Attributes
    ----------
    number : int
        Position in the letter, from 1.
    request : str
        The disputed treatment or service as in the heading, without the outcome.
    outcome : Outcome
        The reviewer's decision.
    ur_guideline, imr_guideline, rationale : str or None
        The paragraphs as written; None for a missing one.
    ur_citations, imr_citations : tuple of Citation
        Citations in the guideline paragraphs.
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
        """The original request, before a part of it was authorized."""
        return read_partial(self.request).requested

    @property
    def authorized(self) -> str | None:
        """The part that the claims administrator authorized; None if the letter states none."""
        return read_partial(self.request).authorized

    @property
    def disputed(self) -> str:
        """The part that the outcome applies to: the remaining part, or the whole request."""
        return read_partial(self.request).disputed


@dataclass(frozen=True, slots=True)
class Letter:
    """One Final Determination Letter; missing parts are None or empty.

    Attributes
    ----------
    is_sample : bool
        Whether the letter is marked as synthetic.
    layout : str
        Name of its layout; see `imr_ml.letters.layouts.LAYOUTS`.
    text_from : str
        ``"text"``, or ``"ocr"`` if a page was scanned.
    case_number_from : str
        ``"header"``, or ``"body"`` or ``"file name"`` if OCR lost the header's case number.
    warnings : tuple of str
        Contradictions and invalid parts; the letter is returned as written. They contain nothing about the worker.
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
    """Parts of a partly authorized request; of any other request, nothing is authorized and all is disputed."""

    requested: str
    authorized: str | None
    disputed: str


def read_partial(request: str) -> Partial:
    """Split a request into its requested, authorized and disputed parts.

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
