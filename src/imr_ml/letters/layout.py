"""Assemble a letter from its sections, and warn of contradictions within it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from imr_ml.letters.header import read_credentials, read_header
from imr_ml.letters.lines import joined
from imr_ml.letters.types import DisputedItem, Letter, Outcome

_SUMMARY_OPENING = re.compile(
    r"The\s+(?:expert|physician|professional)\s+reviewer\s+developed\s+the\s+following\b[^:]{0,200}:\s*", re.IGNORECASE
)
_OPENING_CHARACTERS = 500
_LAST_SENTENCES = 600
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")
_END = re.compile(r"[.!?:][\"')\]]*$")
_NECESSARY = re.compile(r"\bmedically\s+necessary\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|nor|never|neither|cannot|without|non|fails?|failed|lacks?|unable|denied|insufficient|if|unless|whether"
    r"|until|would|could|should|may|might)\b|n't\b|\bnotmedically\b",
    re.IGNORECASE,
)
_PLAINLY_NOT = re.compile(r"\bnot\s+(?:\w+\s+){0,4}medically\s+necessary\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which determinations were published.

    Attributes
    ----------
    name : str
        As in `Letter.layout`.
    mark : Pattern
        Found in the tidy lines of each letter of this layout, and of no other, with a line end before them.
    read : callable
        The letter from its tidy lines and its source's name.
    """

    name: str
    mark: re.Pattern[str]
    read: Callable[[str, str], Letter]


def make_letter(
    *,
    head: str,
    credentials: str,
    summary: str,
    items: tuple[DisputedItem, ...],
    known: Mapping[str, date] | None = None,
    warnings: Sequence[str] = (),
) -> Letter:
    """Assemble a letter from its sections in tidy lines.

    Parameters
    ----------
    head, credentials, summary : str
        Text of these sections.
    items : tuple of DisputedItem
    known : mapping of str to date, optional
        Dates stated outside the header, used where the header has none.
    warnings : sequence of str
        Warnings of the items.
    """
    header, no_dates = read_header(head)
    licensure, specialties = read_credentials(joined(credentials))
    missing = {name: day for name, day in (known or {}).items() if header[name] is None}
    return Letter(
        **header | missing,
        licensure=licensure,
        specialties=specialties,
        clinical_summary=joined(after(_SUMMARY_OPENING, summary)) or None,
        items=items,
        warnings=(*no_dates, *warnings, *contradictions(items)),
    )


def after(opening: re.Pattern[str], section: str) -> str:
    """Return the text after a section's opening sentence, if it has one near its start, where OCR may add specks."""
    mark = opening.search(section, 0, _OPENING_CHARACTERS)
    return section[mark.end() :] if mark else section


def contradictions(items: Sequence[DisputedItem]) -> Iterator[str]:
    """Warnings about a letter's items.

    An item whose heading and the end of whose rationale disagree; a last rationale without an end.
    """
    for item in items:
        concluded = conclusion(item.rationale or "")
        if concluded is not None and concluded is not item.outcome:
            words = "is medically necessary" if concluded is Outcome.OVERTURNED else "is not medically necessary"
            yield f"item {item.number} is headed {item.outcome.capitalize()}, but its rationale ends '{words}'"
    if items and not _END.search(items[-1].rationale or ""):
        yield f"item {items[-1].number}, the last, ends without a full stop; the letter may be cut off"


def conclusions(rationale: str) -> set[Outcome]:
    """Return all outcomes that the sentences of a rationale state."""
    return {stated for sentence in _SENTENCE_END.split(rationale) if (stated := _stated(sentence))}


def conclusion(rationale: str) -> Outcome | None:
    """The outcome that the last sentence of a rationale states; None if it states none.

    Examples
    --------
    >>> conclusion("It helps. The request is medically necessary.")
    <Outcome.OVERTURNED: 'overturned'>
    >>> conclusion("It would be medically necessary if it helped.") is None
    True
    """
    sentence = _SENTENCE_END.split(rationale[-_LAST_SENTENCES:].strip())[-1]
    return _stated(sentence)


def _stated(sentence: str) -> Outcome | None:
    if _PLAINLY_NOT.search(sentence):
        return Outcome.UPHELD
    if _NECESSARY.search(sentence) and not _DENIED.search(sentence):
        return Outcome.OVERTURNED
    return None
