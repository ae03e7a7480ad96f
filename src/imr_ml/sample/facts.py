"""What is true of one sample letter, before a word of it is written.

Knows the shape of the facts. Knows nothing of how they are drawn or worded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from imr_ml.sample.catalog import Families, Region, Treatment


class Format(StrEnum):
    """The formats that determinations were published in since 2013, as far as the reader knows them."""

    EARLIEST = "earliest"
    PROFESSIONAL_REVIEW = "professional_review"
    NUMBERED = "numbered"
    LETTER_2013 = "letter_2013"
    CURRENT = "current"

    @property
    def headed(self) -> bool:
        """Whether items are headed ``REQUEST: Upheld``, which words authorizations in part; else they are sentences."""
        return self in (Format.LETTER_2013, Format.CURRENT)


@dataclass(frozen=True, slots=True)
class Dates:
    """The dates of one case, in the order they happen."""

    injury: date
    denial: date
    application: date
    assigned: date
    decision: date


@dataclass(frozen=True, slots=True)
class Case:
    """What the items of one letter share: the case, the two parties' habits, the draw of the outcome."""

    dates: Dates
    format: Format
    regions: tuple[Region, ...]
    side: str
    signals: dict[str, bool]
    ur_habit: str
    odg_fond: bool
    outcome_draw: float
    shift: float


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One disputed item.

    Attributes
    ----------
    treatment, region, side
        What is asked for and where; ``side`` is empty for regions without sides.
    amount, per_week, weeks
        Visits or quantity asked for, and its schedule (``per_week * weeks == amount`` for visits).
    authorized
        Part that the administrator allowed; None where all was denied.
    retrospective
        The service was already provided.
    ur_cites, cites
        Guideline topics cited by administrator and reviewer, as the model names them.
    ur_families, families
        The families those topics belong to on the decision date.
    p_overturned
        Probability that the model gives to an overturned denial, given all other facts.
    overturned
        The outcome drawn.
    """

    treatment: Treatment
    region: Region
    side: str
    amount: int
    per_week: int
    weeks: int
    authorized: int | None
    retrospective: bool
    ur_cites: Families
    cites: Families
    ur_families: Families
    families: Families
    p_overturned: float
    overturned: bool


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """One letter: the case, the person, the signals of the record and the items.

    Attributes
    ----------
    number
        The letter's index, which its case number holds.
    in_columns
        Whether the text of its head comes out column by column: all labels, then all values.
    """

    number: int
    format: Format
    in_columns: bool
    dates: Dates
    age_years: int
    female: bool
    expedited: bool
    regions: tuple[Region, ...]
    side: str
    signals: dict[str, bool]
    items: tuple[ItemFacts, ...]
