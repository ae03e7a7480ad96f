"""The phrase banks: TOML files of clause patterns -> checked, frozen objects.

Knows which slots a pattern may use. Knows nothing of what fills them.
"""

import string
from functools import cache, cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from imr_ml.corpus.sample.schema import Strict, Words, read_toml

SLOTS = frozenset(
    {
        "subj",
        "Subj",
        "he",
        "He",
        "his",
        "His",
        "him",
        "age",
        "sex",
        "person",
        "age_sex",
        "doi",
        "mech",
        "job",
        "dxs",
        "dx1",
        "dx1_cap",
        "dx2",
        "dx2_cap",
        "visit",
        "earlier",
        "rfa",
        "ur_date",
        "site",
        "Site",
        "site2",
        "Site2",
        "pain",
        "pain2",
        "pain_high",
        "pain_low",
        "quality",
        "symptom",
        "symptom2",
        "aggravator",
        "aggravator2",
        "reliever",
        "specialty",
        "tender",
        "test",
        "Test",
        "test2",
        "Test2",
        "sign",
        "motion",
        "Motion",
        "deg",
        "gait",
        "limb",
        "root",
        "lesion",
        "Lesion_cap",
        "tx",
        "tx_cap",
        "meds",
        "meds_cap",
        "work",
        "requests",
        "requests_cap",
        "reason",
        "comorbid",
        "bp",
        "bmi",
        "pages",
        "prior_n",
        "many_n",
        "few_n",
        "therapy",
        "gain",
        "lift",
        "pct",
        "score",
        "request",
        "request_cap",
        "source",
    }
)
"""Names that patterns may hold in braces."""


def _known_slots(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        unknown = {name for _, name, _, _ in string.Formatter().parse(pattern) if name} - SLOTS
        if unknown:
            raise ValueError(f"unknown slots {sorted(unknown)} in {pattern!r}")
    return patterns


Patterns = Annotated[Words, AfterValidator(_known_slots)]


class Lists(Strict):
    """Plain words and terms that fill slots, and the paragraph on how the determination was made."""

    mechanisms: Words
    jobs: Words
    medications: Words
    treatments: Words
    complaint_words: Words
    aggravators: Words
    relievers: Words
    therapies: Words
    specialties: Words
    comorbidities: Words
    qualities: Words
    gaits: Words
    references: Words
    boilerplate: Words
    licensure: Words
    certification: Words


class Voice(Strict):
    """A reviewer's manner: what they call the worker, how they write dates, in which order they tell."""

    subject: str
    dates: Literal["dash", "slash", "long_dash", "long_slash", "words"]
    order: Words
    abbreviates: bool = False


class Summary(Strict):
    """Clauses of the clinical case summary."""

    age_sex: Patterns
    opening: Patterns
    diagnosis: Patterns
    complaint: Patterns
    complaint_more: Patterns
    exam: Patterns
    imaging: Patterns
    treatment: Patterns
    medication: Patterns
    work: Patterns
    work_yes: Words
    work_no: Words
    plan: Patterns
    ur: Patterns
    ur_modified: Patterns
    reason: Words
    filler: Patterns


class SignalClauses(Strict):
    """How a signal is documented when present and when absent."""

    yes: Patterns
    no: Patterns


class Common(Strict):
    """Clauses of a rationale that do not depend on the kind of request."""

    recap: Patterns
    source: Patterns
    upheld: Patterns
    overturned: Patterns
    general_against: Patterns
    general_for: Patterns


class KindClauses(Strict):
    """What guidelines say on a kind of request."""

    name: str
    guideline: Patterns


class Phrases(Strict):
    """All phrase banks."""

    lists: Lists
    voice: Annotated[tuple[Voice, ...], Field(min_length=1)]
    abbreviations: dict[str, str]
    summary: Summary
    signals: dict[str, SignalClauses]
    common: Common
    kind: tuple[KindClauses, ...]

    @cached_property
    def guidelines(self) -> dict[str, tuple[str, ...]]:
        """Guideline clauses by kind of request."""
        return {kind.name: kind.guideline for kind in self.kind}

    @model_validator(mode="after")
    def _orders_name_parts(self) -> Self:
        parts = set(Summary.model_fields) | {"signals"}
        unknown = {part for voice in self.voice for part in voice.order} - parts
        if unknown:
            raise ValueError(f"voices order parts that do not exist: {sorted(unknown)}")
        return self


@cache
def default_phrases() -> Phrases:
    """Read the package's own phrase banks, once.

    Raises
    ------
    pydantic.ValidationError
        A file breaks the schema; the message names the entry.
    """
    return Phrases.model_validate(read_toml("phrases.toml") | read_toml("rationales.toml"))
