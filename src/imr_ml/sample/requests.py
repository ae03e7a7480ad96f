"""Word a disputed item and pick phrase patterns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from imr_ml.sample.facts import between, pick
from imr_ml.sample.wording import capital, dated, in_words, lower

if TYPE_CHECKING:
    from random import Random

    from imr_ml.sample.facts import Dates, ItemFacts


import re
import string
from collections.abc import Iterator
from itertools import chain
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the letter words it.

    Attributes
    ----------
    heading
        What stands before ``: Upheld`` or ``: Overturned``.
    disputed
        The disputed service alone, for use inside sentences.
    """

    heading: str
    disputed: str


def word_request(rng: Random, item: ItemFacts, dates: Dates) -> Request:
    """Word one item."""
    slots = _slots(rng, item, dates)
    if item.authorized is not None and item.treatment.partial is not None:
        return _partial(rng, item.treatment.partial, item.amount, item.authorized, slots)
    text = capital(pick(rng, item.treatment.requests).format_map(slots))
    if item.retrospective and not text.startswith("Retrospective"):
        text = f"Retrospective {lower(text)} (DOS: {slots['date']})"
    return Request(text, lower(text))


def _partial(rng: Random, pattern: str, amount: int, authorized: int, slots: dict[str, str]) -> Request:
    whole, part, rest = (pattern.format_map(slots | {"n": str(n)}) for n in (amount, authorized, amount - authorized))
    if rng.random() < 0.15:
        heading = (
            f"{whole} was the original request. The Claims Administrator authorized {part}, leaving the "
            f"original request IMR eligible. The original request, {whole} is"
        )
        return Request(heading, lower(whole))
    heading = (
        f"{whole} was the original request. {part} was authorized by the Claims Administrator. "
        f"The remaining IMR eligible portion of the original request, {rest} is"
    )
    return Request(heading, lower(rest))


def site_of(rng: Random, item: ItemFacts) -> str:
    """Name the item's body region with its side, in one of its spellings."""
    spelling = pick(rng, item.region.spellings)
    return f"{item.side} {spelling}" if item.side else spelling


def _slots(rng: Random, item: ItemFacts, dates: Dates) -> dict[str, str]:
    thing, site = pick(rng, item.treatment.things), site_of(rng, item)
    side = item.side or pick(rng, ("right", "left", "bilateral"))
    region, root = pick(rng, item.region.spellings), pick(rng, item.region.roots)
    service = dates.denial - timedelta(days=between(rng, 3, 25))
    return {
        "thing": thing,
        "Thing": capital(thing),
        "thing_lower": lower(thing),
        "site": site,
        "Site": capital(site),
        "side": side,
        "Side": capital(side),
        "Region": capital(region),
        "limb": item.region.limb if item.region.spine else f"{pick(rng, ('upper', 'lower'))} extremity",
        "root": root,
        "n": str(item.amount),
        "n_word": in_words(item.amount),
        "N_word": capital(in_words(item.amount)),
        "freq": str(item.per_week),
        "weeks": str(item.weeks),
        "freq_word": in_words(item.per_week),
        "weeks_word": in_words(item.weeks),
        "refills": str(between(rng, 1, 3)),
        "date": dated(service, "long_slash"),
    }


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
