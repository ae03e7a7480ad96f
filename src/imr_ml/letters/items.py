"""Read items headed "REQUEST: Upheld": request, outcome, guideline paragraphs and rationale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.matcher import texts_after
from imr_ml.letters.lines import column_width, had_room, joined
from imr_ml.letters.stamps import ENDS_SENTENCE
from imr_ml.letters.types import DisputedItem, LetterError, Outcome

_TURN = re.compile(r":\s*(?P<outcome>upheld|overturned)\s+Claims\s+Administrator\s+guideline\s*:", re.IGNORECASE)
_OUTCOME = re.compile(r":\s*(?:upheld|overturned)(?=\n|$)", re.IGNORECASE)
_UR_GUIDELINE = re.compile(r"Claims\s+[Aa]dministrator\s+[Gg]uideline\s*:")
_IMR_GUIDELINE = re.compile(r"MAXIMUS\s+[Gg]uideline\s*:")
_RATIONALE = re.compile(r"Decision\s+[Rr]ationale\s*:")
# Headings may be sentences: "The request for X is: Upheld".
_DANGLING_VERB = re.compile(r"(?<=\S)\s+(?:is|are)\s*$", re.IGNORECASE)
_AMBIGUOUS_REQUEST = "the request can't be separated from the rationale before it"
_UNCERTAIN_REQUEST = "item {}: its request may begin elsewhere in the lines before its outcome"


def has_items(flow: str) -> bool:
    """Whether the text contains an item of this style."""
    return _TURN.search(flow) is not None


def read_items(flow: str, source: str) -> tuple[tuple[DisputedItem, ...], tuple[str, ...]]:
    """Read the items after the sentence "The Final Determination was based on ...", and warnings.

    A warning names an item whose request may begin elsewhere.

    Raises
    ------
    LetterError
        Where no item is found, an item lacks its request, its outcome or one of its paragraphs or has one twice, or an
        outcome or a paragraph is outside of any item.
    """
    turns = list(_TURN.finditer(flow))
    if not turns:
        raise LetterError(source, "found no 'REQUEST: Upheld' or 'REQUEST: Overturned' before a guideline", "items")
    _check_pairs(flow, len(turns), source)
    _check_start(flow[: turns[0].start()], source)
    width = column_width(flow.split("\n")) if len(turns) > 1 else 0
    items, warnings = [], []
    first = heading = joined(flow[: turns[0].start()]).strip()
    bodies = texts_after(turns, flow)
    for number, (turn, body, later) in enumerate(zip(turns, bodies, [*bodies[1:], None], strict=True), start=1):
        ur_guideline, imr_guideline, rationale = _paragraphs(body, source, f"item {number}")
        if not heading:
            raise LetterError(source, "has no request before its outcome", f"item {number}")
        following = ""
        if later is not None:
            start = _request_start(rationale, _find_request_start(rationale, width, first, later), source, number + 1)
            warnings += [] if start.is_certain else [_UNCERTAIN_REQUEST.format(number + 1)]
            rationale, following = rationale[: start.place], joined(rationale[start.place :]).strip()
        items.append(make_item(number, heading, turn["outcome"], ur_guideline, imr_guideline, joined(rationale)))
        heading = following
    return tuple(items), tuple(warnings)


def _request_start(tail: str, start: _Start | None, source: str, number: int) -> _Start:
    """Check that the text from the start does not contain the end of a rationale."""
    if start is None or _NECESSARY.search(joined(tail[start.place :])):
        raise LetterError(source, _AMBIGUOUS_REQUEST, f"item {number}")
    return start


def make_item(number: int, request: str, outcome: str, ur: str | None, imr: str | None, rationale: str) -> DisputedItem:
    """Build an item from its paragraphs and find its citations; the outcome may be in any case.

    Parameters
    ----------
    number : int
    request : str
    outcome : str
    ur : str or None
    imr : str or None
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
    """The two guideline paragraphs, and the text from the rationale on."""
    labels: list[re.Match[str]] = []
    for words, pattern in (("MAXIMUS guideline", _IMR_GUIDELINE), ("Decision rationale", _RATIONALE)):
        marks = list(pattern.finditer(body, labels[-1].end() if labels else 0))
        if len(marks) != 1:
            problem = f"has two '{words}:' paragraphs" if marks else f"has no '{words}:' paragraph"
            raise LetterError(source, problem, place)
        labels += marks
    imr, rationale = labels
    return (
        joined(body[: imr.start()]).strip(),
        joined(body[imr.end() : rationale.start()]).strip(),
        body[rationale.end() :].strip(),
    )


_SENTENCE_END = re.compile(r"[.!?][\"')\]]* (?=\S)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mg|ml|mcg|wks?|hrs?|mins?|tabs?|caps?|qty|no|approx|dr|mrs?|ms|vs|st|inc|pt|rx|dx|bid|tid|qid|prn|max|ex|incl)"
    r"|\b[a-z])\.$",
    re.IGNORECASE,
)
# A line that ends so goes on.
_UNFINISHED = re.compile(
    r"(?:[,;(/&+-]|\b(?:a|an|the|of|for|to|in|on|at|by|and|or|with|without|per|from|left|right|bilateral|upper|lower))$",
    re.IGNORECASE,
)
_PREDICATE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|does|do|did|can|could|may|should|would|will|not|cannot|states?"
    r"|recommends?|supports?|exceeds?|lacks?|meets?|fails?|remains?|appears?|seems?)\b",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"necess|appropriat|certif|approv|authoriz|recommend|support|indicat|warrant|justif|establish|reasonable|consistent",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(r"\boriginal\s+request\.(?=\s)")
_REMAINING = re.compile(
    r"\bremaining\s+(?:IMR[\s-]+eligible\s+)?portion\s+of\s+the\s+original\s+request\b"
    r"|\bIMR[\s-]+eligible\.\s+The\s+original\s+request\b"
)
_NECESSARY = re.compile(r"medically\s+necessary")
_ENDS_PARTIAL = re.compile(r"\s(?:is|are)$")
# A partial authorization is worded in three sentences; none seen is longer.
_PARTIAL_CHARACTERS = 2_000
# No page has lines so wide: the line ends of such a text are lost.
_LONGEST_LINE = 250


class _Start(NamedTuple):
    """Character position where a request begins, and whether it is certain."""

    place: int
    is_certain: bool


def _find_request_start(tail: str, width: int, earlier: str, later: str) -> _Start | None:
    """Find where a request starts in the lines of a rationale and that request; None where nothing shows it.

    It begins the last line before the outcome that follows the end of a sentence, or a line that plainly had room for
    more and so was not wrapped: some rationales lack their last full stop. In a text without line ends it is what
    follows the last sentence. `width` is that of the column, in thousandths of the type size; `earlier` a request whose
    start is known, for its style; `later` the text after the outcome, which may repeat the request.
    """
    end = _search_end(tail)
    starts = [0, *(mark.end() for mark in re.finditer("\n", tail[:end])), len(tail) + 1]
    lines = [tail[start : stop - 1] for start, stop in pairwise(starts[:-1])] + [tail[starts[-2] :].partition("\n")[0]]
    for index in range(len(lines) - 1, 0, -1):
        before, line = lines[index - 1 : index + 1]
        if ENDS_SENTENCE.search(before):
            if not line[0].islower() and not (line[0].isdigit() and _ABBREVIATION.search(before)):
                return _Start(starts[index], is_certain=True)
            if not _ABBREVIATION.search(before):
                return _Start(starts[index], is_certain=earlier[:1].islower())
        elif had_room(before, line, width) and not _goes_on(before, line, later):
            return _after_unfinished(lines, starts, index)
    longest = max(map(len, lines))
    return _after_last_sentence(tail[:end]) if len(lines) == 1 or longest > _LONGEST_LINE else None


def _after_unfinished(lines: Sequence[str], starts: Sequence[int], index: int) -> _Start:
    """The start at a line that follows one with room but no full stop: it, or the last sentence's end before it.

    The text between is the end of the rationale where it is worded as a sentence, else the request's first lines.
    """
    above = next((place for place in range(index - 1, 0, -1) if ENDS_SENTENCE.search(lines[place - 1])), 0)
    between = _SENTENCE_END.split(" ".join(lines[above:index]))[-1]
    is_concluded = bool(above) and _CONCLUDES.search(lines[above - 1]) is not None
    is_worded, concludes = _PREDICATE.search(between) is not None, _CONCLUDES.search(between) is not None
    is_one = between == " ".join(lines[above:index])
    if above and is_one and (not is_worded or (is_concluded and not concludes)):
        return _Start(starts[above], is_certain=is_concluded and not is_worded)
    return _Start(starts[index], is_certain=is_worded and concludes)


def _goes_on(before: str, line: str, later: str) -> bool:
    """Whether the line continues the previous one, by its wording or by the request as repeated later."""
    if line[0].islower() or _UNFINISHED.search(before):
        return True
    across = [*before.split()[-2:], *line.split()[:2]]
    return len(across) == 4 and " ".join(across).casefold() in " ".join(later.split()).casefold()


def _after_last_sentence(text: str) -> _Start | None:
    """Where the words after the last sentence begin; None where the text before may be part of the request."""
    ends = [0, *(mark.end() for mark in _SENTENCE_END.finditer(text))]
    if len(ends) < 2:
        return None
    sentence = text[ends[-2] : ends[-1]].strip()
    if _ABBREVIATION.search(sentence) or not _PREDICATE.search(sentence):
        return None
    is_certain = not text[ends[-1]].islower() and _CONCLUDES.search(sentence) is not None
    return _Start(ends[-1], is_certain)


def _search_end(tail: str) -> int:
    """End of what may precede the request: its own sentences, where it words a partial authorization, may not."""
    if not _ENDS_PARTIAL.search(tail, max(0, len(tail) - 20)):
        return len(tail)
    start = max(0, len(tail) - _PARTIAL_CHARACTERS)
    remaining = list(_REMAINING.finditer(tail, start))
    if not remaining or _NECESSARY.search(tail, remaining[-1].end()):
        return len(tail)
    originals = list(_ORIGINAL.finditer(tail, start, remaining[-1].start()))
    return originals[-1].start() if originals else len(tail)
