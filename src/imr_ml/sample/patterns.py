"""Patterns of clauses: which slots they may name, and the readings that they spell out.

Knows the syntax of patterns. Knows nothing of what they say.
"""

import re
import string
from collections.abc import Iterator
from itertools import chain
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

# fmt: off
SLOTS = frozenset({
    "subj", "Subj", "he", "He", "his", "His", "him", "age", "sex", "person", "age_sex", "doi", "mech", "job", "dxs",
    "dx1", "dx1_cap", "dx2", "dx2_cap", "visit", "earlier", "rfa", "ur_date", "site", "Site", "site2", "Site2",
    "pain", "pain2", "pain_high", "pain_low", "quality", "symptom", "symptom2", "aggravator", "aggravator2",
    "reliever", "specialty", "tender", "test", "Test", "test2", "Test2", "sign", "motion", "Motion", "deg", "gait",
    "limb", "root", "lesion", "Lesion_cap", "tx", "tx_cap", "meds", "meds_cap", "work", "requests", "requests_cap",
    "reason", "comorbid", "bp", "bmi", "pages", "prior_n", "many_n", "few_n", "therapy", "gain", "lift", "pct",
    "score", "request", "request_cap", "source",
})
# fmt: on
"""Names that patterns may hold in braces."""

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
Pattern = tuple[str, ...]
"""All readings of a pattern in which ``[a|b]`` stands for either."""


def _spelled_out(patterns: object) -> object:
    """The readings of each pattern; what is no list of texts is left to the check of types."""
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        return patterns
    return tuple(tuple(_readings(pattern)) for pattern in patterns)


def _readings(pattern: str) -> Iterator[str]:
    choice = _CHOICE.search(pattern)
    if not choice:
        yield pattern
        return
    for chosen in choice[1].split("|"):
        yield from _readings(pattern[: choice.start()] + chosen + pattern[choice.end() :])


def _known_slots(patterns: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    for reading in chain.from_iterable(patterns):
        unknown = {name for _, name, _, _ in string.Formatter().parse(reading) if name} - SLOTS
        if unknown:
            raise ValueError(f"unknown slots {sorted(unknown)} in {reading!r}")
    return patterns


Patterns = Annotated[
    tuple[Pattern, ...], Field(min_length=1), BeforeValidator(_spelled_out), AfterValidator(_known_slots)
]
