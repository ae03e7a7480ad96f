"""Generate a sample letter and its ground truth from a seed and an index."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from imr_ml.guidelines.types import FAMILIES
from imr_ml.sample.chance import draw, pick, stream
from imr_ml.sample.citing import family_probabilities, word_guidelines
from imr_ml.sample.draw import draw_letter
from imr_ml.sample.facts import ItemFacts, LetterFacts
from imr_ml.sample.formats import SampleLetter, Section
from imr_ml.sample.model import Format, default_model
from imr_ml.sample.phrases import default_phrases
from imr_ml.sample.prose import fill_slots, roughen, write_rationale, write_summary
from imr_ml.sample.wording import Draft, Request, word_request

MAX_LETTERS = 10_000_000
"""Case numbers have seven digits."""
_TEXTS = ("format", "category", "treatment", "kind", "body_part", "signals", "outcome", "families")
_NUMBERS = ("p_overturned", *(f"p_{family}" for family in FAMILIES))


def generate_letter(seed: int, index: int) -> SampleLetter:
    """Generate the letter of a seed and an index, the same on every machine.

    Parameters
    ----------
    seed : int
        Identifies a corpus; letters of different seeds are unrelated.
    index : int
        0 to 9,999,999; part of the case number.

    Raises
    ------
    ValueError
        If the index is out of range.

    Examples
    --------
    >>> generate_letter(7, 0).case_number
    'SM16-0000000'
    """
    if not 0 <= index < MAX_LETTERS:
        raise ValueError(f"letter index {index} is not between 0 and {MAX_LETTERS - 1}")
    rng, model, phrases = stream(seed, index), default_model(), default_phrases()
    facts = draw_letter(rng, index, model)
    requests = [word_request(rng, item, facts.dates) for item in facts.items]
    draft = Draft(rng, facts, draw(rng, phrases.voices), model, phrases)
    fill_slots(draft, requests)
    summary = write_summary(draft)
    sections = [_word_section(draft, item, request) for item, request in zip(facts.items, requests, strict=True)]
    return SampleLetter(
        case_number=f"SM{facts.dates.application.year % 100:02d}-{facts.number:07d}",
        facts=facts,
        boilerplate=pick(rng, phrases.lists.boilerplate),
        licensure=_split_list(pick(rng, phrases.lists.licensure)),
        specialties=_split_list(pick(rng, phrases.lists.certification)),
        documents=pick(rng, phrases.lists.documents),
        summary=roughen(draft, summary),
        sections=tuple(sections),
    )


def _word_section(draft: Draft, item: ItemFacts, request: Request) -> Section:
    ur_guideline, imr_guideline = word_guidelines(draft, item)
    return Section(
        request=request.heading if draft.facts.format.headed else request.disputed,
        ur_guideline=ur_guideline,
        imr_guideline=imr_guideline,
        rationale=write_rationale(draft, item, request),
    )


def _split_list(listed: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in listed.split(","))


def truth_schema() -> pa.Schema:
    """Columns of the ground truth and their types.

    ``p_overturned`` is the probability of an overturned denial and ``p_<family>`` of a citation of the family, both
    given every fact that the letter states before the decision. ``signals`` lists the signals in the record.
    """
    fields = [("case_number", pa.string()), ("item", pa.int16())]
    fields += [(name, pa.string()) for name in _TEXTS] + [(name, pa.float64()) for name in _NUMBERS]
    return pa.schema(fields)


def truth_rows(case_number: str, facts: LetterFacts) -> Iterator[dict[str, object]]:
    """Ground truth of a letter, one row per item."""
    present = "|".join(name for name, is_present in facts.signals.items() if is_present)
    for number, item in enumerate(facts.items, start=1):
        decided = facts.items[0] if facts.format is Format.PROFESSIONAL_REVIEW else item
        cited = family_probabilities(decided, facts, default_model().citing)
        yield {
            "case_number": case_number,
            "item": number,
            "format": facts.format.value,
            "category": item.treatment.category,
            "treatment": item.treatment.name,
            "kind": item.treatment.kind,
            "body_part": item.region.name,
            "signals": present,
            "outcome": item.outcome,
            "families": "|".join(family for family in FAMILIES if family in item.families),
            "p_overturned": item.p_overturned,
        } | {f"p_{family}": round(p, 6) for family, p in zip(FAMILIES, cited, strict=True)}
