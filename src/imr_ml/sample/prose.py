"""Word clinical summaries and rationales from a letter's facts.

A letter has one voice (`phrases.Voice`). Signals that matter to its items are always stated when present; when absent
they are denied in words or left out, so that a reader of the whole letter knows them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.sample.chance import between, pick, several
from imr_ml.sample.wording import Slots, capital, visit_slots

if TYPE_CHECKING:
    from imr_ml.sample.draw import ItemFacts
    from imr_ml.sample.wording import Draft, Request

_DETAILED = frozenset({"complaint", "exam"})
_FOLLOWED_BY_FILLER = frozenset({"complaint", "exam", "treatment"})
_DETAIL = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 7)
_FILLER_SHARE = 0.15
_DENIED_SHARE = 0.4
_RECAP_SHARE = 0.6


def write_summary(draft: Draft) -> str:
    """Write the clinical case summary, one paragraph."""
    detail = pick(draft.rng, _DETAIL)
    # Further complaints and findings are those of another visit.
    other_visit = Slots(draft.slots | visit_slots(draft))
    parts = []
    for part in draft.voice.order:
        patterns = _part(draft, part, detail)
        first = 1 if part in _DETAILED else len(patterns)
        parts.append(_filled(patterns[:first], draft.slots))
        parts.append(_filled(patterns[first:], other_visit))
    return " ".join(part for part in parts if part)


def write_rationale(draft: Draft, item: ItemFacts, request: Request) -> str:
    """Write the decision rationale of one item, one paragraph.

    Parameters
    ----------
    draft : Draft
        The letter.
    item : ItemFacts
        The item decided on.
    request : Request
        The item as the letter words it.
    """
    rng, common = draft.rng, draft.phrases.common
    source = next(name for family, name in draft.phrases.sources.items() if family in item.families)
    slots = Slots(draft.slots, request=f"the request for {request.disputed}", source=source)
    patterns = [pick(rng, pick(rng, common.recap))] if rng.random() < _RECAP_SHARE else []
    rules = several(rng, draft.phrases.guidelines[item.treatment.kind], between(rng, 2, 3))
    patterns += [f"{pick(rng, pick(rng, common.source))} {pick(rng, rule)}" for rule in rules]
    signals = several(rng, draft.model.kinds[item.treatment.kind].signals, between(rng, 2, 4))
    patterns += [_phrase_signal(draft, name) for name in signals]
    patterns.append(pick(rng, pick(rng, common.general_for if item.overturned else common.general_against)))
    patterns.append(pick(rng, pick(rng, common.overturned if item.overturned else common.upheld)))
    return _filled(patterns, slots)


def roughen(draft: Draft, text: str) -> str:
    """Give text the voice's abbreviations and, in some letters, a few slips of the typist."""
    rng = draft.rng
    if draft.voice.abbreviates:
        for whole, short in draft.phrases.abbreviations.items():
            text = text.replace(whole, short)
    if rng.random() >= draft.model.letter.typo_share:
        return text
    for _ in range(between(rng, 1, 3)):
        at = between(rng, 1, len(text) - 4)
        if text[at - 1 : at + 3].isalpha() and text[at : at + 2].islower():
            here, following = text[at], text[at + 1]
            slip = pick(rng, (following + here, following + here, following, here + here + following))
            text = text[:at] + slip + text[at + 2 :]
    return text


def _part(draft: Draft, part: str, detail: int) -> list[str]:
    """Patterns of one part of the summary; ``detail`` is how much the reviewer retells."""
    rng, facts, summary = draft.rng, draft.facts, draft.phrases.summary
    if part == "signals":
        return _signals(draft)
    if part == "ur":
        return [pick(rng, pick(rng, summary.ur_modified if facts.items[0].authorized else summary.ur))]
    patterns = several(rng, getattr(summary, part), detail if part in _DETAILED else 1)
    if part == "complaint" and len(facts.regions) > 1:
        patterns.append(pick(rng, summary.complaint_more))
    if part in _FOLLOWED_BY_FILLER and rng.random() < _FILLER_SHARE * detail:
        patterns += several(rng, summary.filler, between(rng, 1, 2))
    return [pick(rng, pattern) for pattern in patterns]


def _signals(draft: Draft) -> list[str]:
    """State the signals that matter to the items, and a few that do not."""
    rng, facts, kinds = draft.rng, draft.facts, draft.model.kinds
    relevant = dict.fromkeys(name for item in facts.items for name in kinds[item.treatment.kind].signals)
    phrases = [
        _phrase_signal(draft, name)
        for name in several(rng, tuple(relevant), len(relevant))
        if facts.signals[name] or rng.random() < _DENIED_SHARE
    ]
    beside = [name for name in facts.signals if name not in relevant]
    return phrases + [_phrase_signal(draft, name) for name in several(rng, beside, between(rng, 0, 1))]


def _phrase_signal(draft: Draft, signal: str) -> str:
    clauses = draft.phrases.signals[signal]
    return pick(draft.rng, pick(draft.rng, clauses.yes if draft.facts.signals[signal] else clauses.no))


def _filled(patterns: list[str], slots: Slots) -> str:
    return " ".join([capital(pattern.format_map(slots)) for pattern in patterns])
