"""Settings of the feature matrix: what counts as a term, and how much each block weighs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from imr_ml.features.frame import FACT_COLUMNS

LARGE_TABLE = 50_000
"""Requests above which models are fitted and evaluated by methods whose cost is linear in the requests."""
_STRICT = ConfigDict(extra="forbid", strict=True)


def _known_fact(name: str) -> str:
    if name not in FACT_COLUMNS:
        raise ValueError(f"{name!r} is no fact; allowed: {', '.join(FACT_COLUMNS)}")
    return name


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fact = Annotated[str, AfterValidator(_known_fact)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class TermSettings:
    """What counts as a term of a section's TF-IDF.

    Attributes
    ----------
    ngrams : int
        Longest run of words that is a term.
    max_terms : int
        Most terms kept a section, by frequency.
    min_cases : int
        Fewest cases that a term occurs in; requests of a case share their summary.
    """

    ngrams: Annotated[int, Field(ge=1, le=5)] = 2
    max_terms: Annotated[int, Field(ge=1)] = 100_000
    min_cases: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True, slots=True, config=_STRICT)
class SectionTerms:
    """What counts as a term of each section."""

    request: TermSettings = TermSettings()
    summary: TermSettings = TermSettings()
    ur_guideline: TermSettings = TermSettings()


@dataclass(frozen=True, slots=True, config=_STRICT)
class BlockWeights:
    """How much each block of features weighs in a classifier; a block of weight 0 is left out.

    Attributes
    ----------
    request, summary, ur_guideline : float
        Weight of that section's TF-IDF, whose rows have length 1.
    facts : float
        Weight of the facts, 1 or 0 each.
    numbers : float
        Weight of the numbers, scaled to unit variance.
    case_size : float
        Weight of the number of requests in the case, scaled likewise.
    facts_used : tuple of str
        Kinds of facts that are not left out.
    pairs : float
        Weight of pairs of facts, 1 or 0 each.
    codes : float
        Weight of a source's own codes, alone and together, 1 or 0 each; most sources have none.
    """

    request: Weight = 1.0
    summary: Weight = 1.0
    ur_guideline: Weight = 1.0
    facts: Weight = 0.3
    numbers: Weight = 0.1
    case_size: Weight = 0.1
    facts_used: tuple[Fact, ...] = FACT_COLUMNS
    pairs: Weight = 0.0
    codes: Weight = 0.5

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        blocks = [name for name in self.__dataclass_fields__ if name != "facts_used"]
        if not any(getattr(self, name) for name in blocks):
            raise ValueError(f"all are 0; set one of {', '.join(blocks)} above 0")
        if self.facts and not self.facts_used:
            raise ValueError("facts is above 0 and facts_used is empty; name facts or set facts = 0")
        return self

    def of(self, block: str) -> float:
        """Weight of a block of the feature matrix."""
        if block in FACT_COLUMNS:
            return self.facts * (block in self.facts_used)
        weight: float = getattr(self, block)
        return weight
