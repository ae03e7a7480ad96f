"""Assemble a letter from its sections, and warn of contradictions within it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from imr_ml.letters.header import read_credentials, read_header
from imr_ml.letters.lines import join_lines
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
    """A layout in which determinations were published.

    Attributes
    ----------
    name : str
        Value of `Letter.layout`.
    mark : Pattern
        Found in every letter of this layout and in no other; searched in the tidy lines between two line ends.
    read : callable
        Reads a letter from its tidy lines and the name of its source.
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
    stated_dates: Mapping[str, date] | None = None,
    warnings: Sequence[str] = (),
) -> Letter:
    """Assemble a letter from its sections in tidy lines.

    Parameters
    ----------
    head, credentials, summary : str
        Text of these sections.
    items : tuple of DisputedItem
    stated_dates : mapping of str to date, optional
        Dates stated outside the header, used if the header lacks them.
    warnings : sequence of str
        Warnings of the items.
    """
    header, date_warnings = read_header(head)
    licensure, specialties = read_credentials(join_lines(credentials))
    missing = {name: day for name, day in (stated_dates or {}).items() if header[name] is None}
    return Letter(
        **header | missing,
        licensure=licensure,
        specialties=specialties,
        clinical_summary=join_lines(skip_opening(_SUMMARY_OPENING, summary)) or None,
        items=items,
        warnings=(*date_warnings, *warnings, *find_contradictions(items)),
    )


def skip_opening(opening: re.Pattern[str], section: str) -> str:
    """Return the text after a section's opening sentence, which OCR may precede with specks; else all text."""
    mark = opening.search(section, 0, _OPENING_CHARACTERS)
    return section[mark.end() :] if mark else section


def find_contradictions(items: Sequence[DisputedItem]) -> Iterator[str]:
    """Warn of items whose rationale ends with another outcome than their heading, and of a last item cut off."""
    for item in items:
        concluded = final_outcome(item.rationale or "")
        if concluded is not None and concluded is not item.outcome:
            words = "is medically necessary" if concluded is Outcome.OVERTURNED else "is not medically necessary"
            yield f"item {item.number} is headed {item.outcome.capitalize()}, but its rationale ends '{words}'"
    if items and not _END.search(items[-1].rationale or ""):
        yield f"item {items[-1].number}, the last, ends without a full stop; the letter may be cut off"


def stated_outcomes(rationale: str) -> set[Outcome]:
    """Return all outcomes that the sentences of a rationale state."""
    return {outcome for sentence in _SENTENCE_END.split(rationale) if (outcome := _sentence_outcome(sentence))}


def final_outcome(rationale: str) -> Outcome | None:
    """Return the outcome that the last sentence of a rationale states, or None.

    Examples
    --------
    >>> final_outcome("It helps. The request is medically necessary.")
    <Outcome.OVERTURNED: 'overturned'>
    >>> final_outcome("It would be medically necessary if it helped.") is None
    True
    """
    sentence = _SENTENCE_END.split(rationale[-_LAST_SENTENCES:].strip())[-1]
    return _sentence_outcome(sentence)


def _sentence_outcome(sentence: str) -> Outcome | None:
    if _PLAINLY_NOT.search(sentence):
        return Outcome.UPHELD
    if _NECESSARY.search(sentence) and not _DENIED.search(sentence):
        return Outcome.OVERTURNED
    return None
