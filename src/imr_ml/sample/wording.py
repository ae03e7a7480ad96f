"""Word requests, dates, numbers and lists, and fill the slots of phrase patterns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from imr_ml.sample.chance import between, pick, several

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from random import Random

    from imr_ml.sample.draw import Dates, ItemFacts, LetterFacts
    from imr_ml.sample.model import Model, Region
    from imr_ml.sample.phrases import Lists, Phrases, Voice

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
    "long_dash": "{0:%m-%d-%Y}",
    "long_slash": "{0:%m/%d/%Y}",
    "words": "{0:%B} {0.day}, {0.year}",
}
_PAIN_SCORES = ("{}/10", "{} out of 10", "{}-10 on a scale of 10", "{} on the VAS", "{} over 10")
_BILATERAL_SHARE = 0.3
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
    """Texts by the name of the slot that they fill; a name with a capital first letter has the text with one."""

    def __missing__(self, name: str) -> str:
        if name[:1].islower():
            raise KeyError(name)
        return capital(self[name[:1].lower() + name[1:]])


@dataclass(frozen=True, slots=True)
class Draft:
    """What the writing of one letter draws on."""

    rng: Random
    facts: LetterFacts
    voice: Voice
    model: Model
    phrases: Phrases
    slots: Slots = field(default_factory=Slots)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the letter words it: before ``: Upheld``, and the disputed service alone, inside sentences."""

    heading: str
    disputed: str


def capital(text: str) -> str:
    """Write a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """Write a text with a small first letter, unless it opens with an abbreviation such as "MRI"."""
    return text if text[1:2].isupper() or not text[1:2].isalpha() else text[:1].lower() + text[1:]


def in_words(number: int) -> str:
    """Write a number in words up to twenty-four, in digits above."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def listed(parts: Sequence[str]) -> str:
    """Join parts by commas and "and"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def dated(day: date, style: str) -> str:
    """Write a date: dash 3-5-16, slash 3/5/2016, long_dash 03-05-2016, long_slash 03/05/2016, or in words."""
    return _DATE_STYLES[style].format(day)


def word_request(rng: Random, item: ItemFacts, dates: Dates) -> Request:
    """Word one item."""
    slots = _request_slots(rng, item, dates)
    if item.authorized is not None and item.treatment.partial is not None:
        return _partial(rng, item.treatment.partial, item.amount, item.authorized, slots)
    text = capital(pick(rng, item.treatment.requests).format_map(slots))
    if item.retrospective and not text.startswith("Retrospective"):
        text = f"Retrospective {lower(text)} (DOS: {slots['date']})"
    return Request(text, lower(text))


def _partial(rng: Random, pattern: str, amount: int, authorized: int, slots: Slots) -> Request:
    amounts = {"whole": amount, "part": authorized, "rest": amount - authorized}
    words = {name: pattern.format_map(Slots(slots | {"n": str(n)})) for name, n in amounts.items()}
    if rng.random() < _WHOLE_LEFT_SHARE:
        return Request(_WHOLE_LEFT.format_map(words), lower(words["whole"]))
    return Request(_REMAINING.format_map(words), lower(words["rest"]))


def _request_slots(rng: Random, item: ItemFacts, dates: Dates) -> Slots:
    thing, spelling = pick(rng, item.treatment.things), pick(rng, item.region.spellings)
    return Slots(
        thing=thing,
        thing_lower=lower(thing),
        site=f"{item.side} {spelling}" if item.side else spelling,
        side=item.side or pick(rng, ("right", "left", "bilateral")),
        region=pick(rng, item.region.spellings),
        root=pick(rng, item.region.roots),
        date=dated(dates.denial - timedelta(days=between(rng, 3, 25)), "long_slash"),
        limb=item.region.limb if item.region.spine else f"{pick(rng, ('upper', 'lower'))} extremity",
        n=str(item.amount),
        n_word=in_words(item.amount),
        freq=str(item.per_week),
        weeks=str(item.weeks),
        freq_word=in_words(item.per_week),
        weeks_word=in_words(item.weeks),
        refills=str(between(rng, 1, 3)),
    )


def fill_slots(draft: Draft, requests: Sequence[Request]) -> None:
    """Fill every slot that patterns may name, for one letter."""
    rng, facts, slots, summary = draft.rng, draft.facts, draft.slots, draft.phrases.summary
    slots |= _person_slots(draft) | _date_slots(draft) | _diagnosis_slots(rng, facts)
    slots |= _list_slots(rng, draft.phrases.lists)
    slots["work"] = pick(rng, summary.work_yes if facts.signals["works"] else summary.work_no)
    slots |= _finding_slots(rng, facts) | _number_slots(rng)
    slots["requests"] = listed([request.disputed for request in requests[:6]])
    slots["reason"] = pick(rng, summary.reason)
    # Only a rationale is about one request and names a source.
    slots |= {"request": "", "source": ""}


def visit_slots(draft: Draft) -> dict[str, str]:
    """Fill what one visit finds: its date, sites as that note spells them, tests, ranges, pain scores."""
    slots = _finding_slots(draft.rng, draft.facts) | _number_slots(draft.rng)
    return slots | {"visit": dated(_visit(draft), draft.voice.dates)}


def _person_slots(draft: Draft) -> dict[str, str]:
    rng, facts, voice, phrases = draft.rng, draft.facts, draft.voice, draft.phrases
    he, his, him = voice.subject, f"{voice.subject}'s", voice.subject
    if voice.pronouns:
        he, his, him = ("she", "her", "her") if facts.female else ("he", "his", "him")
    sex, person = ("female", "woman") if facts.female else ("male", "man")
    slots = {"age": str(facts.age_years), "sex": sex, "person": person}
    return slots | {
        "subj": voice.subject,
        "he": he,
        "his": his,
        "him": him,
        "age_sex": pick(rng, pick(rng, phrases.summary.age_sex)).format_map(slots),
        "job": pick(rng, phrases.lists.jobs),
        "mech": pick(rng, phrases.lists.mechanisms),
    }


def _date_slots(draft: Draft) -> dict[str, str]:
    rng, injury, denial = draft.rng, draft.facts.dates.injury, draft.facts.dates.denial
    days_known = (denial - injury).days
    days = {
        "doi": injury,
        "ur_date": denial,
        "rfa": denial - timedelta(days=min(days_known, between(rng, 1, 9))),
        "visit": denial - timedelta(days=min(days_known, between(rng, 9, 24))),
        "earlier": _visit(draft),
    }
    return {name: dated(day, draft.voice.dates) for name, day in days.items()}


def _visit(draft: Draft) -> date:
    """A day between the injury and the last visit that the request rests on."""
    dates = draft.facts.dates
    return dates.injury + timedelta(days=between(draft.rng, 0, max(0, (dates.denial - dates.injury).days - 24)))


def _diagnosis_slots(rng: Random, facts: LetterFacts) -> dict[str, str]:
    main, other = facts.items[0].region, facts.regions[-1]
    both = several(rng, main.diagnoses, between(rng, 1, 3)) + several(rng, other.diagnoses, between(rng, 1, 2))
    diagnoses = list(dict.fromkeys(both))
    return {"dxs": listed(diagnoses), "dx1": diagnoses[0], "dx2": diagnoses[-1]}


def _list_slots(rng: Random, lists: Lists) -> dict[str, str]:
    slots = {
        "tx": listed(several(rng, lists.treatments, between(rng, 2, 5))),
        "meds": listed(several(rng, lists.medications, between(rng, 1, 4))),
    }
    slots["symptom"], slots["symptom2"] = several(rng, lists.complaint_words, 2)
    slots["aggravator"], slots["aggravator2"] = several(rng, lists.aggravators, 2)
    return slots | {
        "reliever": pick(rng, lists.relievers),
        "specialty": pick(rng, lists.specialties),
        "therapy": pick(rng, lists.therapies),
        "comorbid": pick(rng, lists.comorbidities),
        "quality": pick(rng, lists.qualities),
        "gait": pick(rng, lists.gaits),
    }


def _finding_slots(rng: Random, facts: LetterFacts) -> dict[str, str]:
    main, other = facts.items[0].region, facts.regions[-1]
    slots = {
        name: (f"{facts.side} " if region.sided else "") + pick(rng, region.nouns or region.spellings)
        for name, region in (("site", main), ("site2", other))
    }
    return slots | {
        "test": pick(rng, main.tests),
        "test2": pick(rng, main.tests),
        "motion": pick(rng, main.motions),
        "lesion": pick(rng, main.lesions),
        "tender": pick(rng, main.tender),
        "limb": _limb(rng, facts, main),
        "root": pick(rng, main.roots),
        "sign": pick(rng, ("positive", "negative", "positive")),
    }


def _limb(rng: Random, facts: LetterFacts, region: Region) -> str:
    """The limb that a region's nerves serve, mostly on one side."""
    if facts.side == "bilateral" or rng.random() < _BILATERAL_SHARE:
        return region.limb
    return f"{facts.side} {region.limb.replace('extremities', 'extremity')}"


def _number_slots(rng: Random) -> dict[str, str]:
    high = between(rng, 5, 10)
    return {
        "pain": pick(rng, _PAIN_SCORES).format(between(rng, 2, 9)),
        "pain2": f"{between(rng, 2, 8)}/10",
        "pain_high": str(high),
        "pain_low": str(between(rng, 1, high - 2)),
        "deg": str(5 * between(rng, 2, 30)),
        "bp": f"{between(rng, 105, 165)}/{between(rng, 62, 98)}",
        "bmi": f"{between(rng, 19, 41)}.{between(rng, 0, 9)}",
        "pages": str(between(rng, 12, 900)),
        "prior_n": str(between(rng, 6, 12)),
        "many_n": str(between(rng, 13, 40)),
        "few_n": pick(rng, ("two", "3", "four", "4", "5", "six")),
        "gain": str(5 * between(rng, 2, 7)),
        "lift": str(5 * between(rng, 2, 8)),
        "pct": str(10 * between(rng, 3, 7)),
        "score": str(between(rng, 17, 40)),
    }
