"""Write requests, dates, numbers and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from imr_ml.sample.chance import draw_between, pick
from imr_ml.sample.facts import Dates, ItemFacts, LetterFacts
from imr_ml.sample.model import Model
from imr_ml.sample.phrases import Phrases, Voice

# fmt: off
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "twenty-one",
    "twenty-two", "twenty-three", "twenty-four",
)
# fmt: on
_DATE_STYLES = {
    "dash": "{0.month}-{0.day}-{0:%y}",
    "slash": "{0.month}/{0.day}/{0.year}",
    "long_dash": "{0.month:02}-{0.day:02}-{0.year}",
    "long_slash": "{0.month:02}/{0.day:02}/{0.year}",
    "words": "{0:%B} {0.day}, {0.year}",
}
_WHOLE_LEFT_SHARE = 0.15
_REMAINING = (
    "{whole} was the original request. {part} was authorized by the Claims Administrator. "
    "The remaining IMR eligible portion of the original request, {rest} is"
)
_WHOLE_LEFT = (
    "{whole} was the original request. The Claims Administrator authorized {part}, leaving the original request IMR "
    "eligible. The original request, {whole} is"
)


class Slots(dict[str, str]):
    """Texts by slot name; a capitalized name returns the capitalized text."""

    def __missing__(self, name: str) -> str:
        if name[:1].islower():
            raise KeyError(name)
        return capitalize(self[name[:1].lower() + name[1:]])


@dataclass(frozen=True, slots=True)
class Draft:
    """Facts, voice and phrases for the text of a letter."""

    rng: Random
    facts: LetterFacts
    voice: Voice
    model: Model
    phrases: Phrases
    slots: Slots = field(default_factory=Slots)


class Request(NamedTuple):
    """Wording of a request: as a heading before ``: Upheld``, and of the disputed service inside sentences."""

    heading: str
    disputed: str


def capitalize(text: str) -> str:
    """Capitalize the first letter of a text."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Lower the first letter of a text, unless it starts with an abbreviation such as "MRI"."""
    return text if text[1:2].isupper() or not text[1:2].isalpha() else text[:1].lower() + text[1:]


def spell_number(number: int) -> str:
    """Write a number in words up to twenty-four, in digits above."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def join_words(parts: Sequence[str]) -> str:
    """Join parts with commas and "and"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def format_date(day: date, style: str) -> str:
    """Write a date: dash 3-5-16, slash 3/5/2016, long_dash 03-05-2016, long_slash 03/05/2016, words March 5, 2016."""
    return _DATE_STYLES[style].format(day)


def word_request(rng: Random, item: ItemFacts, dates: Dates) -> Request:
    """Write the request of an item."""
    slots = _request_slots(rng, item, dates)
    if item.authorized is not None and item.treatment.partial is not None:
        return _word_partial(rng, item.treatment.partial, item.amount, item.authorized, slots)
    text = capitalize(pick(rng, item.treatment.requests).format_map(slots))
    if item.retrospective and not text.startswith("Retrospective"):
        text = f"Retrospective {lower_first(text)} (DOS: {slots['date']})"
    return Request(text, lower_first(text))


def _word_partial(rng: Random, pattern: str, amount: int, authorized: int, slots: Slots) -> Request:
    amounts = {"whole": amount, "part": authorized, "rest": amount - authorized}
    words = {name: pattern.format_map(Slots(slots | {"n": str(n)})) for name, n in amounts.items()}
    if rng.random() < _WHOLE_LEFT_SHARE:
        return Request(_WHOLE_LEFT.format_map(words), lower_first(words["whole"]))
    return Request(_REMAINING.format_map(words), lower_first(words["rest"]))


def _request_slots(rng: Random, item: ItemFacts, dates: Dates) -> Slots:
    thing, spelling = pick(rng, item.treatment.things), pick(rng, item.region.spellings)
    return Slots(
        thing=thing,
        thing_lower=lower_first(thing),
        site=f"{item.side} {spelling}" if item.side else spelling,
        side=item.side or pick(rng, ("right", "left", "bilateral")),
        region=pick(rng, item.region.spellings),
        root=pick(rng, item.region.roots),
        date=format_date(dates.denial - timedelta(days=draw_between(rng, 3, 25)), "long_slash"),
        limb=item.region.limb if item.region.spine else f"{pick(rng, ('upper', 'lower'))} extremity",
        n=str(item.amount),
        n_word=spell_number(item.amount),
        freq=str(item.per_week),
        weeks=str(item.weeks),
        freq_word=spell_number(item.per_week),
        weeks_word=spell_number(item.weeks),
        refills=str(draw_between(rng, 1, 3)),
    )
