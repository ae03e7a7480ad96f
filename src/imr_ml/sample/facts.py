"""Data types of one sample letter's facts, and the random draws that they use."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Values with cumulative weights, to draw from by `draw`."""

    values: tuple[T, ...]
    cumulative: tuple[float, ...]


def stream(seed: int, index: int) -> random.Random:
    """Open the random stream of one letter; a seed given as text is hashed alike in every process."""
    return random.Random(f"imr-ml sample {seed} {index}")


def table(pairs: Iterable[tuple[T, float]]) -> Table[T]:
    """Make a table of (value, weight) pairs; values of weight zero or less are left out."""
    kept = [(value, weight) for value, weight in pairs if weight > 0]
    return Table(tuple(value for value, _ in kept), tuple(accumulate(weight for _, weight in kept)))


def draw(rng: random.Random, choices: Table[T]) -> T:
    """Draw one value, with probability proportional to its weight."""
    cumulative = choices.cumulative
    place = bisect_right(cumulative, rng.random() * cumulative[-1])
    return choices.values[min(place, len(cumulative) - 1)]


def pick(rng: random.Random, values: Sequence[T]) -> T:
    """Draw one of the values, all equally likely."""
    return values[int(rng.random() * len(values))]


def several(rng: random.Random, values: Sequence[T], count: int) -> list[T]:
    """Draw up to ``count`` different values in random order."""
    left = list(values)
    return [left.pop(int(rng.random() * len(left))) for _ in range(min(count, len(left)))]


def between(rng: random.Random, low: int, high: int) -> int:
    """Draw a whole number from ``low`` to ``high``, both included."""
    return low + int(rng.random() * (high - low + 1))


_LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def from_quantiles(rng: random.Random, values: Sequence[int]) -> int:
    """Draw a number whose 0, 5, 25, 50, 75, 95 and 100 % quantiles are ``values``, linear between them."""
    level = rng.random()
    step = bisect_right(_LEVELS, level) - 1
    share = (level - _LEVELS[step]) / (_LEVELS[step + 1] - _LEVELS[step])
    return round(values[step] + share * (values[step + 1] - values[step]))
