"""The items of a letter: each request with its outcome, guideline paragraphs and rationale.

Knows the labels of an item and how to tell where a rationale ends and the next request begins when the
extracted text has no blank lines. Knows nothing of the header.
"""

from __future__ import annotations

import re
from itertools import pairwise

from imr_ml.guidelines import find_citations
from imr_ml.letters.lines import had_room, joined, line_width
from imr_ml.letters.types import DisputedItem, LetterError, Outcome

_TURN = re.compile(r"\s*:\s*(?P<outcome>upheld|overturned)\s+Claims\s+Administrator\s+guideline\s*:", re.IGNORECASE)
_OUTCOME = re.compile(r":\s*(?:upheld|overturned)\s*$", re.IGNORECASE | re.MULTILINE)
_UR_GUIDELINE = re.compile(r"\bClaims\s+Administrator\s+guideline\s*:", re.IGNORECASE)
_IMR_GUIDELINE = re.compile(r"\bMAXIMUS\s+guideline\s*:", re.IGNORECASE)
_RATIONALE = re.compile(r"\bDecision\s+rationale\s*:", re.IGNORECASE)
_ENDS_SENTENCE = re.compile(r"[.!?][\"')\]]*$")
_PARTIAL = re.compile(r"\b(?:original request|by the Claims Administrator)\.$")


def read_items(lines: list[str], source: str) -> tuple[DisputedItem, ...]:
    """Items from the tidy lines that follow the sentence "The Final Determination was based on ...".

    Raises
    ------
    LetterError
        Where no item is found, an item lacks its request, its outcome or one of its paragraphs or has one twice, or an
        outcome stands outside of any item.
    """
    text = "\n".join(lines)
    turns = list(_TURN.finditer(text))
    if not turns:
        raise LetterError(source, "found no 'REQUEST: Upheld' or 'REQUEST: Overturned' before a guideline", "items")
    _check_pairs(text, len(turns), source)
    column_width = max(map(line_width, lines))
    items = []
    heading = joined(text[: turns[0].start()].split("\n"))
    bodies = [text[a.end() : b.start()] for a, b in pairwise(turns)] + [text[turns[-1].end() :]]
    for number, (turn, body) in enumerate(zip(turns, bodies, strict=True), start=1):
        ur_guideline, imr_guideline, tail = _paragraphs(body, source, f"item {number}")
        if not heading:
            raise LetterError(source, "has no request before its outcome", f"item {number}")
        is_last = number == len(turns)
        end = len(tail) if is_last else _heading_start(tail, column_width, source, f"item {number + 1}")
        items.append(_item(number, heading, turn["outcome"], ur_guideline, imr_guideline, joined(tail[:end])))
        heading = joined(tail[end:])
    return tuple(items)


def _check_pairs(text: str, items: int, source: str) -> None:
    """Each outcome has its guideline and each guideline its outcome; else two items would be read as one."""
    stray = len(_OUTCOME.findall(text)) - items
    if stray > 0:
        raise LetterError(source, f"{stray} outcome(s) without a 'Claims Administrator guideline:'", "items")
    undecided = len(_UR_GUIDELINE.findall(text)) - items
    if undecided > 0:
        raise LetterError(
            source, f"{undecided} 'Claims Administrator guideline:' without an outcome before it", "items"
        )


def _item(number: int, request: str, outcome: str, ur: str, imr: str, rationale: str) -> DisputedItem:
    return DisputedItem(
        number=number,
        request=request.strip(),
        outcome=Outcome(outcome.lower()),
        ur_guideline=ur,
        ur_citations=tuple(find_citations(ur)),
        imr_guideline=imr,
        imr_citations=tuple(find_citations(imr)),
        rationale=rationale,
    )


def _paragraphs(body: str, source: str, place: str) -> tuple[str, str, list[str]]:
    """The two guideline paragraphs, and the lines from the rationale on."""
    imr = _IMR_GUIDELINE.search(body)
    if not imr:
        raise LetterError(source, "has no 'MAXIMUS guideline:' paragraph", place)
    if _IMR_GUIDELINE.search(body, imr.end()):
        raise LetterError(source, "has two 'MAXIMUS guideline:' paragraphs", place)
    rationale = _RATIONALE.search(body, imr.end())
    if not rationale:
        raise LetterError(source, "has no 'Decision rationale:' paragraph", place)
    return (
        joined(body[: imr.start()].split("\n")).strip(),
        joined(body[imr.end() : rationale.start()].split("\n")).strip(),
        body[rationale.end() :].strip().split("\n"),
    )


def _heading_start(tail: list[str], column_width: int, source: str, place: str) -> int:
    """Index of the line on which the next request begins, among a rationale's lines and that request's.

    It is the last line before the outcome that follows the end of a sentence, or a line that plainly had room for
    more and so was not wrapped: some rationales lack their last full stop.
    """
    for index in range(len(tail) - 1, 0, -1):
        ended = _ENDS_SENTENCE.search(tail[index - 1]) or had_room(tail[index - 1], tail[index], column_width)
        if ended and not _continues_partial(tail, index):
            return index
    raise LetterError(source, "the request can't be told from the rationale before it", place)


def _continues_partial(tail: list[str], index: int) -> bool:
    """Whether the line goes on with the three sentences that word a partial authorization."""
    return bool(_PARTIAL.search(" ".join(tail[max(0, index - 3) : index])))
