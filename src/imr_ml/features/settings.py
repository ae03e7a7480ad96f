"""Define the settings of the feature matrix: terms and block weights."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from imr_ml.features.frame import FACT_COLUMNS

LARGE_TABLE = 50_000
"""Larger tables are fitted and evaluated by methods whose cost is linear in the number of requests."""
_STRICT = ConfigDict(extra="forbid", strict=True)


def _known_fact(name: str) -> str:
    if name not in FACT_COLUMNS:
        raise ValueError(f"{name!r} is not a fact; allowed: {', '.join(FACT_COLUMNS)}")
    return name


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fact = Annotated[str, AfterValidator(_known_fact)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class TermSettings:
    """Settings for the TF-IDF terms of a section.

    Attributes
    ----------
    ngrams : int
        Maximum number of words in a term.
    max_terms : int
        Maximum number of terms per section; the most frequent ones are used.
    min_cases : int
        Minimum number of cases that contain a term.
    """

    ngrams: Annotated[int, Field(ge=1, le=5)] = 2
    max_terms: Annotated[int, Field(ge=1)] = 100_000
    min_cases: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True, slots=True, config=_STRICT)
class SectionTerms:
    """Settings for the TF-IDF terms of all sections."""

    request: TermSettings = TermSettings()
    summary: TermSettings = TermSettings()
    ur_guideline: TermSettings = TermSettings()


@dataclass(frozen=True, slots=True, config=_STRICT)
class BlockWeights:
    """Weights of the feature blocks in a classifier; a block of weight 0 is not used.

    Attributes
    ----------
    request, summary, ur_guideline : float
        Weight of the TF-IDF of each section, whose rows have length 1.
    facts : float
        Weight of the facts, which are 0 or 1.
    numbers : float
        Weight of the numbers, scaled to unit variance.
    case_size : float
        Weight of the number of requests in the case, scaled to unit variance.
    facts_used : tuple of str
        Kinds of facts to use.
    pairs : float
        Weight of pairs of facts, which are 0 or 1.
    codes : float
        Weight of codes that some sources provide, single and combined, which are 0 or 1.
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
            raise ValueError("facts is above 0, but facts_used is empty; list facts to use or set facts = 0")
        return self

    def of(self, block: str) -> float:
        """Return the weight of a block of the feature matrix."""
        if block in FACT_COLUMNS:
            return self.facts * (block in self.facts_used)
        weight: float = getattr(self, block)
        return weight
