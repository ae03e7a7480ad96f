"""Load the phrase banks from TOML."""

from functools import cache, cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imr_ml.sample.facts import Table, table
from imr_ml.sample.requests import Pattern, Patterns
from imr_ml.sample.schema import Strict, Weight, Words, read_toml


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
    documents: Words


class Voice(Strict):
    """A reviewer's manner: what they call the worker, how they write dates, in which order they tell."""

    subject: str
    weight: Weight
    pronouns: bool = False
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
    def voices(self) -> Table[Voice]:
        """Voices, to draw from."""
        return table((voice, voice.weight) for voice in self.voice)

    @cached_property
    def guidelines(self) -> dict[str, tuple[Pattern, ...]]:
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
    return Phrases.model_validate(read_toml("phrases.toml") | read_toml("signals.toml") | read_toml("rationales.toml"))
