"""Write clinical summaries and rationales from a letter's facts.

A letter has one voice (`phrases.Voice`). It states every present signal that is relevant to its items and denies or
omits the absent ones, so the letter as a whole determines them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from imr_ml.sample.chance import draw_between, draw_several, pick
from imr_ml.sample.facts import ItemFacts, LetterFacts
from imr_ml.sample.model import Region
from imr_ml.sample.phrases import Lists
from imr_ml.sample.wording import Draft, Request, Slots, capitalize, format_date, join_words

_DETAILED = frozenset({"complaint", "exam"})
_BEFORE_FILLER = frozenset({"complaint", "exam", "treatment"})
_DETAIL = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 7)
_FILLER_SHARE = 0.15
_PAIN_SCORES = ("{}/10", "{} out of 10", "{}-10 on a scale of 10", "{} on the VAS", "{} over 10")
_BILATERAL_SHARE = 0.3
_DENIED_SHARE = 0.4
_RECAP_SHARE = 0.6


def fill_slots(draft: Draft, requests: Sequence[Request]) -> None:
    """Fill every slot of the patterns, for one letter."""
    rng, facts, slots, summary = draft.rng, draft.facts, draft.slots, draft.phrases.summary
    slots |= _person_slots(draft) | _date_slots(draft) | _diagnosis_slots(rng, facts)
    slots |= _list_slots(rng, draft.phrases.lists)
    slots["work"] = pick(rng, summary.work_yes if facts.signals["works"] else summary.work_no)
    slots |= _finding_slots(rng, facts) | _number_slots(rng)
    slots["requests"] = join_words([request.disputed for request in requests[:6]])
    slots["reason"] = pick(rng, summary.reason)
    # Only a rationale fills these two.
    slots |= {"request": "", "source": ""}


def write_summary(draft: Draft) -> str:
    """Write the clinical case summary in one paragraph."""
    detail = pick(draft.rng, _DETAIL)
    # Further complaints and findings come from another visit.
    other_visit = Slots(draft.slots | _visit_slots(draft))
    parts = []
    for part in draft.voice.order:
        patterns = _draw_part(draft, part, detail)
        first = 1 if part in _DETAILED else len(patterns)
        parts.append(_fill(patterns[:first], draft.slots))
        parts.append(_fill(patterns[first:], other_visit))
    return " ".join(part for part in parts if part)


def write_rationale(draft: Draft, item: ItemFacts, request: Request) -> str:
    """Write the decision rationale of an item in one paragraph; `request` is the wording of its request."""
    rng, common = draft.rng, draft.phrases.common
    source = next(name for family, name in draft.phrases.sources.items() if family in item.families)
    slots = Slots(draft.slots, request=f"the request for {request.disputed}", source=source)
    patterns = [pick(rng, pick(rng, common.recap))] if rng.random() < _RECAP_SHARE else []
    rules = draw_several(rng, draft.phrases.guidelines[item.treatment.kind], draw_between(rng, 2, 3))
    patterns += [f"{pick(rng, pick(rng, common.source))} {pick(rng, rule)}" for rule in rules]
    signals = draw_several(rng, draft.model.kinds[item.treatment.kind].signals, draw_between(rng, 2, 4))
    patterns += [_phrase_signal(draft, name) for name in signals]
    patterns.append(pick(rng, pick(rng, common.general_for if item.overturned else common.general_against)))
    patterns.append(pick(rng, pick(rng, common.overturned if item.overturned else common.upheld)))
    return _fill(patterns, slots)


def roughen(draft: Draft, text: str) -> str:
    """Apply the voice's abbreviations and, in some letters, a few typos."""
    rng = draft.rng
    if draft.voice.abbreviates:
        for whole, short in draft.phrases.abbreviations.items():
            text = text.replace(whole, short)
    if rng.random() >= draft.model.letter.typo_share:
        return text
    for _ in range(draw_between(rng, 1, 3)):
        at = draw_between(rng, 1, len(text) - 4)
        if text[at - 1 : at + 3].isalpha() and text[at : at + 2].islower():
            first, second = text[at], text[at + 1]
            typo = pick(rng, (second + first, second + first, second, first + first + second))
            text = text[:at] + typo + text[at + 2 :]
    return text


def _draw_part(draft: Draft, part: str, detail: int) -> list[str]:
    """Draw the patterns of one part of the summary; `detail` is the number of complaints and findings."""
    rng, facts, summary = draft.rng, draft.facts, draft.phrases.summary
    if part == "signals":
        return _state_signals(draft)
    if part == "ur":
        return [pick(rng, pick(rng, summary.ur_modified if facts.items[0].authorized else summary.ur))]
    patterns = draw_several(rng, getattr(summary, part), detail if part in _DETAILED else 1)
    if part == "complaint" and len(facts.regions) > 1:
        patterns.append(pick(rng, summary.complaint_more))
    if part in _BEFORE_FILLER and rng.random() < _FILLER_SHARE * detail:
        patterns += draw_several(rng, summary.filler, draw_between(rng, 1, 2))
    return [pick(rng, pattern) for pattern in patterns]


def _state_signals(draft: Draft) -> list[str]:
    """Draw patterns for the signals that are relevant to the items, and at most one other."""
    rng, facts, kinds = draft.rng, draft.facts, draft.model.kinds
    relevant = dict.fromkeys(name for item in facts.items for name in kinds[item.treatment.kind].signals)
    phrases = [
        _phrase_signal(draft, name)
        for name in draw_several(rng, tuple(relevant), len(relevant))
        if facts.signals[name] or rng.random() < _DENIED_SHARE
    ]
    others = [name for name in facts.signals if name not in relevant]
    return phrases + [_phrase_signal(draft, name) for name in draw_several(rng, others, draw_between(rng, 0, 1))]


def _phrase_signal(draft: Draft, signal: str) -> str:
    clauses = draft.phrases.signals[signal]
    return pick(draft.rng, pick(draft.rng, clauses.yes if draft.facts.signals[signal] else clauses.no))


def _fill(patterns: list[str], slots: Slots) -> str:
    return " ".join([capitalize(pattern.format_map(slots)) for pattern in patterns])


def _visit_slots(draft: Draft) -> dict[str, str]:
    """Fill the slots of another visit: date, sites, tests, ranges of motion and pain scores."""
    slots = _finding_slots(draft.rng, draft.facts) | _number_slots(draft.rng)
    return slots | {"visit": format_date(_draw_visit(draft), draft.voice.dates)}


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
    days_between = (denial - injury).days
    days = {
        "doi": injury,
        "ur_date": denial,
        "rfa": denial - timedelta(days=min(days_between, draw_between(rng, 1, 9))),
        "visit": denial - timedelta(days=min(days_between, draw_between(rng, 9, 24))),
        "earlier": _draw_visit(draft),
    }
    return {name: format_date(day, draft.voice.dates) for name, day in days.items()}


def _draw_visit(draft: Draft) -> date:
    """Draw a day between the injury and the visit of the request."""
    dates = draft.facts.dates
    return dates.injury + timedelta(days=draw_between(draft.rng, 0, max(0, (dates.denial - dates.injury).days - 24)))


def _diagnosis_slots(rng: Random, facts: LetterFacts) -> dict[str, str]:
    main, other = facts.items[0].region, facts.regions[-1]
    both = draw_several(rng, main.diagnoses, draw_between(rng, 1, 3)) + draw_several(
        rng, other.diagnoses, draw_between(rng, 1, 2)
    )
    diagnoses = list(dict.fromkeys(both))
    return {"dxs": join_words(diagnoses), "dx1": diagnoses[0], "dx2": diagnoses[-1]}


def _list_slots(rng: Random, lists: Lists) -> dict[str, str]:
    slots = {
        "tx": join_words(draw_several(rng, lists.treatments, draw_between(rng, 2, 5))),
        "meds": join_words(draw_several(rng, lists.medications, draw_between(rng, 1, 4))),
    }
    slots["symptom"], slots["symptom2"] = draw_several(rng, lists.complaint_words, 2)
    slots["aggravator"], slots["aggravator2"] = draw_several(rng, lists.aggravators, 2)
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
        "limb": _draw_limb(rng, facts, main),
        "root": pick(rng, main.roots),
        "sign": pick(rng, ("positive", "negative", "positive")),
    }


def _draw_limb(rng: Random, facts: LetterFacts, region: Region) -> str:
    """Draw the limb that the nerves of a region supply, usually on one side."""
    if facts.side == "bilateral" or rng.random() < _BILATERAL_SHARE:
        return region.limb
    return f"{facts.side} {region.limb.replace('extremities', 'extremity')}"


def _number_slots(rng: Random) -> dict[str, str]:
    high = draw_between(rng, 5, 10)
    return {
        "pain": pick(rng, _PAIN_SCORES).format(draw_between(rng, 2, 9)),
        "pain2": f"{draw_between(rng, 2, 8)}/10",
        "pain_high": str(high),
        "pain_low": str(draw_between(rng, 1, high - 2)),
        "deg": str(5 * draw_between(rng, 2, 30)),
        "bp": f"{draw_between(rng, 105, 165)}/{draw_between(rng, 62, 98)}",
        "bmi": f"{draw_between(rng, 19, 41)}.{draw_between(rng, 0, 9)}",
        "pages": str(draw_between(rng, 12, 900)),
        "prior_n": str(draw_between(rng, 6, 12)),
        "many_n": str(draw_between(rng, 13, 40)),
        "few_n": pick(rng, ("two", "3", "four", "4", "5", "six")),
        "gain": str(5 * draw_between(rng, 2, 7)),
        "lift": str(5 * draw_between(rng, 2, 8)),
        "pct": str(10 * draw_between(rng, 3, 7)),
        "score": str(draw_between(rng, 17, 40)),
    }
