"""Read items headed "REQUEST: Upheld": request, outcome, guideline paragraphs and rationale."""

from __future__ import annotations

import re

from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.matcher import texts_after
from imr_ml.letters.lines import column_width, join_lines
from imr_ml.letters.request_start import Start, find_request_start
from imr_ml.letters.types import DisputedItem, LetterError, Outcome

_TURN = re.compile(r":\s*(?P<outcome>upheld|overturned)\s+Claims\s+Administrator\s+guideline\s*:", re.IGNORECASE)
_OUTCOME = re.compile(r":\s*(?:upheld|overturned)(?=\n|$)", re.IGNORECASE)
_UR_GUIDELINE = re.compile(r"Claims\s+[Aa]dministrator\s+[Gg]uideline\s*:")
_IMR_GUIDELINE = re.compile(r"MAXIMUS\s+[Gg]uideline\s*:")
_RATIONALE = re.compile(r"Decision\s+[Rr]ationale\s*:")
_NECESSARY = re.compile(r"medically\s+necessary")
# Headings may be sentences: "The request for X is: Upheld".
_DANGLING_VERB = re.compile(r"(?<=\S)\s+(?:is|are)\s*$", re.IGNORECASE)
_AMBIGUOUS_REQUEST = "the request can't be separated from the rationale before it"
_UNCERTAIN_REQUEST = "item {}: its request may begin elsewhere in the lines before its outcome"


def has_items(flow: str) -> bool:
    """Whether the text contains an item of this form."""
    return _TURN.search(flow) is not None


def read_items(flow: str, source: str) -> tuple[tuple[DisputedItem, ...], tuple[str, ...]]:
    """Read the items after the sentence "The Final Determination was based on ...", and warnings.

    A warning names an item whose request may begin elsewhere.

    Raises
    ------
    LetterError
        If there is no item, if an item lacks its request, outcome or a paragraph or has one twice, or if an outcome or
        paragraph is outside any item.
    """
    turns = list(_TURN.finditer(flow))
    if not turns:
        raise LetterError(source, "found no 'REQUEST: Upheld' or 'REQUEST: Overturned' before a guideline", "items")
    _check_pairs(flow, len(turns), source)
    _check_start(flow[: turns[0].start()], source)
    width = column_width(flow.split("\n")) if len(turns) > 1 else 0
    items, warnings = [], []
    first = heading = join_lines(flow[: turns[0].start()]).strip()
    bodies = texts_after(turns, flow)
    for number, (turn, body, later) in enumerate(zip(turns, bodies, [*bodies[1:], None], strict=True), start=1):
        ur_guideline, imr_guideline, rationale = _paragraphs(body, source, f"item {number}")
        if not heading:
            raise LetterError(source, "has no request before its outcome", f"item {number}")
        following = ""
        if later is not None:
            start = _request_start(rationale, find_request_start(rationale, width, first, later), source, number + 1)
            warnings += [] if start.is_certain else [_UNCERTAIN_REQUEST.format(number + 1)]
            rationale, following = rationale[: start.place], join_lines(rationale[start.place :]).strip()
        items.append(make_item(number, heading, turn["outcome"], ur_guideline, imr_guideline, join_lines(rationale)))
        heading = following
    return tuple(items), tuple(warnings)


def _request_start(tail: str, start: Start | None, source: str, number: int) -> Start:
    """Check that the request found does not contain the end of a rationale."""
    if start is None or _NECESSARY.search(join_lines(tail[start.place :])):
        raise LetterError(source, _AMBIGUOUS_REQUEST, f"item {number}")
    return start


def make_item(number: int, request: str, outcome: str, ur: str | None, imr: str | None, rationale: str) -> DisputedItem:
    """Build an item from its paragraphs and find its citations.

    Parameters
    ----------
    number : int
        Position in the letter, from 1.
    request : str
    outcome : str
        "Upheld" or "Overturned", in any case.
    ur, imr : str or None
        Guideline paragraphs of the claims administrator and of the reviewer.
    rationale : str
    """
    return DisputedItem(
        number=number,
        request=_DANGLING_VERB.sub("", request),
        outcome=Outcome(outcome.lower()),
        ur_guideline=ur,
        ur_citations=tuple(find_citations(ur or "")),
        imr_guideline=imr,
        imr_citations=tuple(find_citations(imr or "")),
        rationale=rationale.strip(),
    )


def _check_pairs(flow: str, items: int, source: str) -> None:
    """Check that every outcome has its guideline, so that two items are never read as one."""
    stray = len(_OUTCOME.findall(flow)) - items
    if stray > 0:
        raise LetterError(source, f"{stray} outcome(s) without a 'Claims Administrator guideline:'", "items")
    undecided = len(_UR_GUIDELINE.findall(flow)) - items
    if undecided > 0:
        raise LetterError(
            source, f"{undecided} 'Claims Administrator guideline:' without an outcome before it", "items"
        )


def _check_start(before: str, source: str) -> None:
    """Check that no paragraph precedes the first outcome, where it would be read as part of the request."""
    for label in (_IMR_GUIDELINE, _RATIONALE):
        if mark := label.search(before):
            raise LetterError(source, f"{mark.group()!r} without an outcome before it", "items")


def _paragraphs(body: str, source: str, place: str) -> tuple[str, str, str]:
    """Return both guideline paragraphs, and the text from the start of the rationale."""
    labels: list[re.Match[str]] = []
    for words, pattern in (("MAXIMUS guideline", _IMR_GUIDELINE), ("Decision rationale", _RATIONALE)):
        marks = list(pattern.finditer(body, labels[-1].end() if labels else 0))
        if len(marks) != 1:
            problem = f"has two '{words}:' paragraphs" if marks else f"has no '{words}:' paragraph"
            raise LetterError(source, problem, place)
        labels += marks
    imr, rationale = labels
    return (
        join_lines(body[: imr.start()]).strip(),
        join_lines(body[imr.end() : rationale.start()]).strip(),
        body[rationale.end() :].strip(),
    )
