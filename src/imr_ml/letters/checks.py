"""What in a letter contradicts itself.

Knows the words in which a rationale ends. Changes nothing: the letter is read as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from imr_ml.letters.types import DisputedItem, Outcome

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


def contradictions(items: Sequence[DisputedItem]) -> Iterator[str]:
    """What to look at in a letter's items, a line each.

    An item whose heading says one thing and the end of its rationale the other; a last rationale that has no end.
    """
    for item in items:
        concluded = conclusion(item.rationale or "")
        if concluded is not None and concluded is not item.outcome:
            words = "is medically necessary" if concluded is Outcome.OVERTURNED else "is not medically necessary"
            yield f"item {item.number} is headed {item.outcome.capitalize()}, but its rationale ends '{words}'"
    if items and not _END.search(items[-1].rationale or ""):
        yield f"item {items[-1].number}, the last, ends without a full stop; the letter may be cut off"


def conclusions(rationale: str) -> set[Outcome]:
    """All outcomes that the sentences of a rationale plainly state."""
    return {stated for sentence in _SENTENCE_END.split(rationale) if (stated := _stated(sentence))}


def conclusion(rationale: str) -> Outcome | None:
    """The outcome that the last sentence of a rationale plainly states; None where it states none.

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
