"""Fill the slots of phrase patterns for one letter."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from imr_ml.sample.facts import between, pick, several
from imr_ml.sample.wording import capital, dated, listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from random import Random

    from imr_ml.sample.catalog import Region
    from imr_ml.sample.facts import LetterFacts
    from imr_ml.sample.phrases import Phrases, Voice
    from imr_ml.sample.requests import Request

Slots = dict[str, str]


def fill_slots(rng: Random, facts: LetterFacts, requests: Sequence[Request], voice: Voice, phrases: Phrases) -> Slots:
    """Fill everything that patterns may name, for one letter."""
    slots = _person(rng, facts, voice, phrases)
    slots |= _dates(rng, facts, voice)
    slots |= _diagnoses(rng, facts)
    slots |= _lists(rng, facts, phrases)
    slots |= _findings(rng, facts) | _numbers(rng)
    return slots | _requests(rng, requests, phrases)


def visit_slots(rng: Random, facts: LetterFacts, voice: Voice) -> Slots:
    """Fill what one visit finds: its date, sites as that note spells them, tests, ranges, pain scores."""
    return _findings(rng, facts) | _numbers(rng) | {"visit": dated(_a_visit(rng, facts), voice.dates)}


def _person(rng: Random, facts: LetterFacts, voice: Voice, phrases: Phrases) -> Slots:
    he, his, him = (voice.subject, f"{voice.subject}'s", voice.subject)
    if voice.pronouns:
        he, his, him = ("she", "her", "her") if facts.female else ("he", "his", "him")
    sex, person = ("female", "woman") if facts.female else ("male", "man")
    slots = {"age": str(facts.age_years), "sex": sex, "person": person}
    return slots | {
        "subj": voice.subject,
        "Subj": capital(voice.subject),
        "he": he,
        "He": capital(he),
        "his": his,
        "His": capital(his),
        "him": him,
        "age_sex": pick(rng, pick(rng, phrases.summary.age_sex)).format_map(slots),
        "job": pick(rng, phrases.lists.jobs),
        "mech": pick(rng, phrases.lists.mechanisms),
    }


def _dates(rng: Random, facts: LetterFacts, voice: Voice) -> Slots:
    dates = facts.dates
    span = (dates.denial - dates.injury).days
    rfa = dates.denial - timedelta(days=min(span, between(rng, 1, 9)))
    visit = dates.denial - timedelta(days=min(span, between(rng, 9, 24)))
    earlier = _a_visit(rng, facts)
    days = {"doi": dates.injury, "ur_date": dates.denial, "rfa": rfa, "visit": visit, "earlier": earlier}
    return {name: dated(day, voice.dates) for name, day in days.items()}


def _a_visit(rng: Random, facts: LetterFacts) -> date:
    """A day between the injury and the last visit that the request rests on."""
    dates = facts.dates
    return dates.injury + timedelta(days=between(rng, 0, max(0, (dates.denial - dates.injury).days - 24)))


def _findings(rng: Random, facts: LetterFacts) -> Slots:
    main, other = facts.items[0].region, facts.regions[-1]
    side = facts.side + " "
    site = (side if main.sided else "") + pick(rng, main.nouns or main.spellings)
    site2 = (side if other.sided else "") + pick(rng, other.nouns or other.spellings)
    test, test2, motion, lesion = (
        pick(rng, main.tests),
        pick(rng, main.tests),
        pick(rng, main.motions),
        pick(rng, main.lesions),
    )
    return {
        "site": site,
        "Site": capital(site),
        "site2": site2,
        "Site2": capital(site2),
        "tender": pick(rng, main.tender),
        "test": test,
        "Test": capital(test),
        "test2": test2,
        "Test2": capital(test2),
        "motion": motion,
        "Motion": capital(motion),
        "limb": _limb(rng, facts, main),
        "root": pick(rng, main.roots),
        "sign": pick(rng, ("positive", "negative", "positive")),
        "lesion": lesion,
        "Lesion_cap": capital(lesion),
    }


def _limb(rng: Random, facts: LetterFacts, region: Region) -> str:
    """The limb that a region's nerves serve, mostly on one side."""
    if facts.side == "bilateral" or rng.random() < 0.3:
        return region.limb
    return f"{facts.side} {region.limb.replace('extremities', 'extremity')}"


def _diagnoses(rng: Random, facts: LetterFacts) -> Slots:
    main, other = facts.items[0].region, facts.regions[-1]
    both = several(rng, main.diagnoses, between(rng, 1, 3)) + several(rng, other.diagnoses, between(rng, 1, 2))
    diagnoses = list(dict.fromkeys(both))
    return {
        "dxs": listed(diagnoses),
        "dx1": diagnoses[0],
        "dx1_cap": capital(diagnoses[0]),
        "dx2": diagnoses[-1],
        "dx2_cap": capital(diagnoses[-1]),
    }


def _lists(rng: Random, facts: LetterFacts, phrases: Phrases) -> Slots:
    lists = phrases.lists
    tx, meds = (
        listed(several(rng, lists.treatments, between(rng, 2, 5))),
        listed(several(rng, lists.medications, between(rng, 1, 4))),
    )
    symptom, symptom2 = several(rng, lists.complaint_words, 2)
    aggravator, aggravator2 = several(rng, lists.aggravators, 2)
    return {
        "tx": tx,
        "tx_cap": capital(tx),
        "meds": meds,
        "meds_cap": capital(meds),
        "symptom": symptom,
        "symptom2": symptom2,
        "aggravator": aggravator,
        "aggravator2": aggravator2,
        "reliever": pick(rng, lists.relievers),
        "specialty": pick(rng, lists.specialties),
        "therapy": pick(rng, lists.therapies),
        "comorbid": pick(rng, lists.comorbidities),
        "quality": pick(rng, lists.qualities),
        "gait": pick(rng, lists.gaits),
        "work": pick(rng, phrases.summary.work_yes if facts.signals["works"] else phrases.summary.work_no),
    }


def _numbers(rng: Random) -> Slots:
    high = between(rng, 5, 10)
    pain = pick(rng, ("{}/10", "{} out of 10", "{}-10 on a scale of 10", "{} on the VAS", "{} over 10"))
    return {
        "pain": pain.format(between(rng, 2, 9)),
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


def _requests(rng: Random, requests: Sequence[Request], phrases: Phrases) -> Slots:
    named = listed([request.disputed for request in requests[:6]])
    return {
        "requests": named,
        "requests_cap": capital(named),
        "reason": pick(rng, phrases.summary.reason),
        "request": "",
        "request_cap": "",
        "source": "",
    }
