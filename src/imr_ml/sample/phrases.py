"""Load the phrase banks of sample letters."""

import re
import string
from collections.abc import Iterator
from functools import cache, cached_property
from itertools import chain
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from imr_ml.sample.chance import Table, table
from imr_ml.sample.model import Strict, Weight, Words, read_toml

# fmt: off
SLOTS = frozenset({
    "age", "age_sex", "aggravator", "aggravator2", "bmi", "bp", "comorbid", "deg", "doi", "dx1", "dx2", "dxs",
    "earlier", "few_n", "gain", "gait", "he", "him", "his", "job", "lesion", "lift", "limb", "many_n", "mech",
    "meds", "motion", "pages", "pain", "pain2", "pain_high", "pain_low", "pct", "person", "prior_n", "quality",
    "reason", "reliever", "request", "requests", "rfa", "root", "score", "sex", "sign", "site", "site2",
    "source", "specialty", "subj", "symptom", "symptom2", "tender", "test", "test2", "therapy", "tx", "ur_date",
    "visit", "work",
})
# fmt: on
"""Slot names in the braces of patterns; a capitalized name capitalizes the text."""
Pattern = tuple[str, ...]
"""All variants of a pattern; ``[a|b]`` means either."""
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def _expand(patterns: object) -> object:
    """Expand each pattern to its variants; pydantic rejects values other than a list of texts."""
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        return patterns
    return tuple(tuple(_variants(pattern)) for pattern in patterns)


def _variants(pattern: str) -> Iterator[str]:
    choice = _CHOICE.search(pattern)
    if not choice:
        yield pattern
        return
    for option in choice[1].split("|"):
        yield from _variants(pattern[: choice.start()] + option + pattern[choice.end() :])


def _check_slots(patterns: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    for variant in chain.from_iterable(patterns):
        names = {name[:1].lower() + name[1:] for _, name, _, _ in string.Formatter().parse(variant) if name}
        if unknown := names - SLOTS:
            raise ValueError(f"unknown slots {sorted(unknown)} in {variant!r}")
    return patterns


Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1), BeforeValidator(_expand), AfterValidator(_check_slots)]


class Lists(Strict):
    """Words and terms that fill slots, and fixed paragraphs."""

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
    boilerplate: Words
    licensure: Words
    certification: Words
    documents: Words


class Citations(Strict):
    """Titles and wording of guideline citations; titles of 2013 by topic."""

    odg_names: Words
    general_sections: Words
    references: Words
    titles_2013: dict[str, Words]
    in_mtus: Words
    not_in_mtus: Words
    no_criteria: Words


class Voice(Strict):
    """A reviewer's style: term for the worker, format of dates, and order of the summary's parts."""

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
    """Clauses that document a signal as present or absent."""

    yes: Patterns
    no: Patterns


class Common(Strict):
    """Clauses of a rationale for any kind of request."""

    recap: Patterns
    source: Patterns
    upheld: Patterns
    overturned: Patterns
    general_against: Patterns
    general_for: Patterns


class Phrases(Strict):
    """All phrase banks; `guidelines` by kind of request, `sources` by family in order of preference."""

    lists: Lists
    citations: Citations
    voice: Annotated[tuple[Voice, ...], Field(min_length=1)]
    abbreviations: dict[str, str]
    summary: Summary
    signals: dict[str, SignalClauses]
    common: Common
    guidelines: dict[str, Patterns]
    sources: dict[str, str]

    @cached_property
    def voices(self) -> Table[Voice]:
        """Voices, to draw from."""
        return table((voice, voice.weight) for voice in self.voice)

    @model_validator(mode="after")
    def _orders_name_parts(self) -> Self:
        parts = set(Summary.model_fields) | {"signals"}
        if unknown := {part for voice in self.voice for part in voice.order} - parts:
            raise ValueError(f"voices order parts that do not exist: {sorted(unknown)}")
        return self


@cache
def default_phrases() -> Phrases:
    """Load the phrase banks of the package, once; `pydantic.ValidationError` names an invalid entry."""
    return Phrases.model_validate(read_toml("phrases.toml", "signals.toml", "rationales.toml"))
