"""Data types of the facts of a sample letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from imr_ml.sample.model import Families, Format, Region, Treatment


class Dates(NamedTuple):
    """Dates of a case, in order."""

    injury: date
    denial: date
    application: date
    assigned: date
    decision: date


@dataclass(frozen=True)
class Case:
    """Facts that the items of a letter share: the case, the habits of both parties and the draw of the outcome."""

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
        Requested treatment and its body region; ``side`` is empty for regions without sides.
    amount, per_week, weeks
        Requested visits or quantity, and its schedule (``per_week * weeks == amount`` for visits).
    authorized
        Amount that the administrator authorized; None for a full denial.
    retrospective
        Whether the service was already provided.
    ur_cites, cites
        Guideline topics that administrator and reviewer cite.
    ur_families, families
        Families of those topics on the decision date.
    p_overturned
        Probability of an overturned denial, given all other facts.
    overturned
        The outcome.
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

    @property
    def outcome(self) -> str:
        """``"upheld"`` or ``"overturned"``."""
        return "overturned" if self.overturned else "upheld"


@dataclass(frozen=True)
class LetterFacts(Case):
    """Facts of a letter: the case, the person and the items.

    Attributes
    ----------
    number
        Index of the letter, part of its case number.
    in_columns
        Whether the text of the header is in column order: all labels, then all values.
    """

    number: int
    in_columns: bool
    age_years: int
    female: bool
    expedited: bool
    items: tuple[ItemFacts, ...]
