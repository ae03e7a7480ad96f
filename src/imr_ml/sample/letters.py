"""Generate a sample letter and its truth from a seed and an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.guidelines.types import FAMILIES
from imr_ml.sample.citing import guideline_paragraphs
from imr_ml.sample.citing_2013 import guideline_sentences, own_guideline
from imr_ml.sample.draw import draw_letter
from imr_ml.sample.facts import Format, draw, pick, stream
from imr_ml.sample.families import family_probabilities
from imr_ml.sample.formats import Parts, Section, lay_out
from imr_ml.sample.model import default_model
from imr_ml.sample.phrases import default_phrases
from imr_ml.sample.prose import Draft, roughen, write_rationale, write_summary
from imr_ml.sample.requests import Request, word_request
from imr_ml.sample.slots import fill_slots

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from imr_ml.sample.facts import ItemFacts, LetterFacts
    from imr_ml.sample.model import Model


MAX_LETTERS = 10_000_000
"""Case numbers have seven digits."""


@dataclass(frozen=True, slots=True)
class ItemTruth:
    """What is true of one disputed item.

    Attributes
    ----------
    outcome : str
        ``"upheld"`` or ``"overturned"``.
    families : tuple of str
        Guideline families the reviewer cites, in the order of the taxonomy.
    p_overturned : float
        Probability of ``"overturned"`` that the outcome was drawn with.
    category, body_part : str
        Treatment request category and body region.
    """

    outcome: str
    families: tuple[str, ...]
    p_overturned: float
    category: str
    body_part: str


@dataclass(frozen=True, slots=True)
class SampleLetter:
    """A synthetic letter, the truth of its items in the letter's order, and the format it is printed in."""

    case_number: str
    text: str
    truth: tuple[ItemTruth, ...]
    format: str


def generate_letter(seed: int, index: int) -> SampleLetter:
    """Make the letter that (seed, index) stand for, the same on every machine.

    Parameters
    ----------
    seed : int
        Names a corpus; letters of different seeds are unrelated.
    index : int
        0 to 9,999,999; also the number in the case number.

    Raises
    ------
    ValueError
        ``index`` is out of range.

    Examples
    --------
    >>> generate_letter(7, 0).text.splitlines()[0]
    'SAMPLE LETTER - synthetic, not a decided case'
    """
    parts, truth = make_parts(seed, index)
    return SampleLetter(parts.case_number, lay_out(parts), truth, parts.facts.format.value)


def make_parts(seed: int, index: int) -> tuple[Parts, tuple[ItemTruth, ...]]:
    """Make a letter's printed parts and its items' truth; arguments and errors as for `generate_letter`."""
    if not 0 <= index < MAX_LETTERS:
        raise ValueError(f"letter index {index} is not between 0 and {MAX_LETTERS - 1}")
    rng, model, phrases = stream(seed, index), default_model(), default_phrases()
    facts = draw_letter(rng, index, model)
    requests = [word_request(rng, item, facts.dates) for item in facts.items]
    voice = draw(rng, phrases.voices)
    draft = Draft(rng, facts, fill_slots(rng, facts, requests, voice, phrases), voice, model, phrases)
    summary = write_summary(draft)
    sections = [_section(draft, item, request) for item, request in zip(facts.items, requests, strict=True)]
    parts = Parts(
        case_number=_case_number(facts),
        facts=facts,
        boilerplate=pick(rng, phrases.lists.boilerplate),
        licensure=_split(pick(rng, phrases.lists.licensure)),
        specialties=_split(pick(rng, phrases.lists.certification)),
        documents=pick(rng, phrases.lists.documents),
        summary=roughen(rng, summary, voice, phrases.abbreviations, model.letter.typo_share),
        sections=sections,
    )
    return parts, tuple(_truth(item) for item in facts.items)


def _section(draft: Draft, item: ItemFacts, request: Request) -> Section:
    administrator, reviewer = _guidelines(draft, item)
    return Section(
        request=request.heading if draft.facts.format.headed else request.disputed,
        overturned=item.overturned,
        administrator=administrator,
        reviewer=reviewer,
        rationale=write_rationale(draft, item, request),
    )


def _guidelines(draft: Draft, item: ItemFacts) -> tuple[str, str]:
    """What administrator and reviewer are said to cite, as the letter's format words it."""
    rng, facts, references = draft.rng, draft.facts, draft.phrases.lists.references
    if facts.format.headed:
        return guideline_paragraphs(rng, item, facts.dates.decision, draft.model.citing, references)
    if facts.format is Format.PROFESSIONAL_REVIEW:
        return "", own_guideline(rng, item, "Professional", references)
    who = "Expert" if facts.format is Format.EARLIEST else "Physician"
    return guideline_sentences(rng, item, who, references)


def _split(listed: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in listed.split(","))


def _case_number(facts: LetterFacts) -> str:
    return f"SM{facts.dates.application.year % 100:02d}-{facts.number:07d}"


def _outcome(item: ItemFacts) -> str:
    return "overturned" if item.overturned else "upheld"


def _truth(item: ItemFacts) -> ItemTruth:
    return ItemTruth(
        outcome=_outcome(item),
        families=tuple(family for family in FAMILIES if family in item.families),
        p_overturned=item.p_overturned,
        category=item.treatment.category,
        body_part=item.region.name,
    )


_TEXTS = ("case_number", "format", "category", "treatment", "kind", "body_part", "signals", "outcome", "families")


def truth_schema() -> pa.Schema:
    """Columns of the truth and their types.

    ``p_overturned`` is the probability that the outcome was drawn with, ``p_<family>`` that the reviewer cites the
    family: both as they are for one who knows every fact that the letter states before the decision. ``signals`` are
    those present in the record.
    """
    import pyarrow as pa

    numbers = ("p_overturned", *(f"p_{family}" for family in FAMILIES))
    fields = [("case_number", pa.string()), ("item", pa.int16())]
    fields += [(name, pa.string()) for name in _TEXTS[1:]] + [(name, pa.float64()) for name in numbers]
    return pa.schema(fields)


def truth_rows(case_number: str, facts: LetterFacts, model: Model) -> Iterator[dict[str, object]]:
    """Rows of one letter, in the order of its items."""
    present = "|".join(name for name, is_present in facts.signals.items() if is_present)
    for number, item in enumerate(facts.items, start=1):
        decided = facts.items[0] if facts.format is Format.PROFESSIONAL_REVIEW else item
        row = {"case_number": case_number, "item": number, "format": facts.format.value, "signals": present}
        cited = family_probabilities(decided, facts, model.citing)
        yield row | _item_fields(item) | {f"p_{family}": round(p, 6) for family, p in zip(FAMILIES, cited, strict=True)}


def _item_fields(item: ItemFacts) -> dict[str, object]:
    return {
        "category": item.treatment.category,
        "treatment": item.treatment.name,
        "kind": item.treatment.kind,
        "body_part": item.region.name,
        "outcome": "overturned" if item.overturned else "upheld",
        "families": "|".join(family for family in FAMILIES if family in item.families),
        "p_overturned": item.p_overturned,
    }
