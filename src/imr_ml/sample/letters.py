"""Generate a sample letter and its ground truth from a seed and an index, in one of the published formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from imr_ml.guidelines.types import Citation, Family
from imr_ml.letters.types import DisputedItem, Letter, Outcome
from imr_ml.sample.chance import draw, open_stream, pick
from imr_ml.sample.citing import word_guidelines
from imr_ml.sample.draw import draw_letter
from imr_ml.sample.facts import ItemFacts, LetterFacts
from imr_ml.sample.model import Families, Format, Strict, default_model, read_toml
from imr_ml.sample.phrases import default_phrases
from imr_ml.sample.prose import fill_slots, roughen, write_rationale, write_summary
from imr_ml.sample.wording import Draft, Request, format_date, word_request

MAX_LETTERS = 10_000_000
"""Case numbers have seven digits."""
Row = tuple[str, str, str, str]
"""(label, value, label, value) of a two-column header; empty cells are ""."""
Block = tuple[Literal["heading", "text", "line"], str]
"""(style, text); a line follows the previous block without a gap."""


class Part(Strict):
    """Blocks printed once, for each item, or for each item if there are several."""

    blocks: tuple[Block, ...]
    repeat: Literal["once", "each", "several"] = "once"


class Layout(Strict):
    """Parts of a format, in order, and the dates that the format prints."""

    parts: tuple[str, ...]
    dates: Literal["slash", "long_slash"] = "long_slash"
    printed_dates: frozenset[Literal["injury", "denial", "application", "assigned", "decision"]]
    head: tuple[Row, ...] = ()


class Layouts(Strict):
    """All formats and their shared parts."""

    format: dict[Format, Layout]
    part: dict[str, Part]


class Section(NamedTuple):
    """Printed texts of a disputed item."""

    request: str
    ur_guideline: str
    imr_guideline: str
    rationale: str


@dataclass(frozen=True, slots=True)
class SampleLetter:
    """Facts and printed texts of a letter."""

    case_number: str
    facts: LetterFacts
    boilerplate: str
    licensure: tuple[str, ...]
    specialties: tuple[str, ...]
    documents: str
    summary: str
    sections: tuple[Section, ...]


@cache
def default_layouts() -> Layouts:
    """Load the formats of the package, once."""
    return Layouts.model_validate(read_toml("formats.toml"))


def header_rows(letter: SampleLetter) -> list[Row]:
    """Return the rows of the two-column header; empty for formats without one."""
    rows = default_layouts().format[letter.facts.format].head
    slots = _letter_slots(letter) if rows else {}
    return [(a, b.format_map(slots), c, d.format_map(slots)) for a, b, c, d in rows]


def paragraphs(letter: SampleLetter) -> Iterator[Block]:
    """Yield the blocks below the two-column header, in order."""
    layouts = default_layouts()
    letter_slots = _letter_slots(letter)
    slots = [letter_slots | _item_slots(letter, number) for number in range(1, len(letter.sections) + 1)]
    for name in layouts.format[letter.facts.format].parts:
        part = layouts.part[name]
        for item_slots in slots[:1] if part.repeat == "once" else slots:
            if part.repeat != "several" or len(slots) > 1:
                yield from ((style, words.format_map(item_slots)) for style, words in part.blocks)


def _letter_slots(letter: SampleLetter) -> dict[str, str]:
    facts, (specialty, *subspecialties) = letter.facts, letter.specialties
    style = default_layouts().format[facts.format].dates
    priority = "Expedited" if facts.expedited else "Standard"
    subspecialty = f", has a subspecialty in {subspecialties[0]}" if subspecialties else ""
    states = " and ".join(letter.licensure)
    return {name: format_date(day, style) for name, day in facts.dates._asdict().items()} | {
        "case_number": letter.case_number,
        "priority": priority,
        "PRIORITY": priority.upper(),
        "boilerplate": letter.boilerplate,
        "licensure": ", ".join(letter.licensure),
        "specialties": ", ".join(letter.specialties),
        "qualified": f"Board Certified in {specialty}{subspecialty} and is licensed to practice in {states}",
        "documents": letter.documents,
        "summary": letter.summary,
        "only_request": f" {letter.sections[0].request}" if len(letter.sections) == 1 else "",
    }


def _item_slots(letter: SampleLetter, number: int) -> dict[str, str]:
    section, item = letter.sections[number - 1], letter.facts.items[number - 1]
    return {
        "number": str(number),
        "outcome": item.outcome.capitalize(),
        "negation": "" if item.overturned else "not ",
        "NEGATION": "" if item.overturned else "NOT ",
    } | section._asdict()


def letter_as_read(letter: SampleLetter) -> Letter:
    """Return the `Letter` that reading must yield, with the fields of the requests table and citation families."""
    printed = default_layouts().format[letter.facts.format].printed_dates
    dates = {name: day if name in printed else None for name, day in letter.facts.dates._asdict().items()}
    return Letter(
        case_number=letter.case_number,
        items=tuple(_item_as_read(letter, index) for index in range(len(letter.sections))),
        clinical_summary=letter.summary,
        date_of_injury=dates["injury"],
        decision_date=dates["decision"],
        date_assigned=dates["assigned"],
        ur_denial_date=dates["denial"],
        application_received=dates["application"],
        licensure=letter.licensure,
        specialties=letter.specialties,
        is_sample=True,
        layout=letter.facts.format.value,
    )


def _item_as_read(letter: SampleLetter, index: int) -> DisputedItem:
    section, item = letter.sections[index], letter.facts.items[index]
    # A professional review prints one guideline and one rationale for all items.
    as_one = letter.facts.format is Format.PROFESSIONAL_REVIEW
    decided = letter.sections[0] if as_one else section
    return DisputedItem(
        number=index + 1,
        request=section.request.removesuffix(" is"),
        outcome=Outcome(item.outcome),
        ur_guideline=None if as_one else section.ur_guideline,
        ur_citations=() if as_one else _citations(item.ur_families),
        imr_guideline=decided.imr_guideline,
        imr_citations=_citations(item.families),
        rationale=decided.rationale,
    )


def _citations(families: Families) -> tuple[Citation, ...]:
    return tuple(Citation(Family(family), "", mtus=False) for family in sorted(families - {"none"}))


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
    rng, model, phrases = open_stream(seed, index), default_model(), default_phrases()
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
