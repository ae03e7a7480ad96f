"""Find where a rationale ends and the next request begins, in the text before that request's outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from imr_ml.letters.lines import had_room
from imr_ml.letters.stamps import ENDS_SENTENCE

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


class Start(NamedTuple):
    """Character position where a request begins, and whether it is certain."""

    place: int
    is_certain: bool


def find_request_start(tail: str, width: int, earlier: str, later: str) -> Start | None:
    """Find where a request starts in the lines of a rationale and that request; None where nothing shows it.

    It begins the last line before the outcome that follows the end of a sentence, or a line that plainly had room for
    more and so was not wrapped: some rationales lack their last full stop. In a text without line ends it is what
    follows the last sentence.

    Parameters
    ----------
    tail : str
        The lines before an outcome.
    width : int
        Printed width of the column, in thousandths of the type size.
    earlier : str
        A request of the letter whose start is known, for its style.
    later : str
        The text after the outcome, which may repeat the request.
    """
    end = _search_end(tail)
    starts = [0, *(mark.end() for mark in re.finditer("\n", tail[:end])), len(tail) + 1]
    lines = [tail[start : stop - 1] for start, stop in pairwise(starts[:-1])] + [tail[starts[-2] :].partition("\n")[0]]
    for index in range(len(lines) - 1, 0, -1):
        before, line = lines[index - 1 : index + 1]
        if ENDS_SENTENCE.search(before):
            if not line[0].islower() and not (line[0].isdigit() and _ABBREVIATION.search(before)):
                return Start(starts[index], is_certain=True)
            if not _ABBREVIATION.search(before):
                return Start(starts[index], is_certain=earlier[:1].islower())
        elif had_room(before, line, width) and not _goes_on(before, line, later):
            return _after_unfinished(lines, starts, index)
    longest = max(map(len, lines))
    return _after_last_sentence(tail[:end]) if len(lines) == 1 or longest > _LONGEST_LINE else None


def _after_unfinished(lines: Sequence[str], starts: Sequence[int], index: int) -> Start:
    """The start at a line that follows one with room but no full stop: it, or the last sentence's end before it.

    The text between is the end of the rationale where it is worded as a sentence, else the request's first lines.
    """
    above = next((place for place in range(index - 1, 0, -1) if ENDS_SENTENCE.search(lines[place - 1])), 0)
    between = _SENTENCE_END.split(" ".join(lines[above:index]))[-1]
    is_concluded = bool(above) and _CONCLUDES.search(lines[above - 1]) is not None
    is_worded, concludes = _PREDICATE.search(between) is not None, _CONCLUDES.search(between) is not None
    is_one = between == " ".join(lines[above:index])
    if above and is_one and (not is_worded or (is_concluded and not concludes)):
        return Start(starts[above], is_certain=is_concluded and not is_worded)
    return Start(starts[index], is_certain=is_worded and concludes)


def _goes_on(before: str, line: str, later: str) -> bool:
    """Whether the line continues the previous one, by its wording or by the request as repeated later."""
    if line[0].islower() or _UNFINISHED.search(before):
        return True
    across = [*before.split()[-2:], *line.split()[:2]]
    return len(across) == 4 and " ".join(across).casefold() in " ".join(later.split()).casefold()


def _after_last_sentence(text: str) -> Start | None:
    """Where the words after the last sentence begin; None where the text before may be part of the request."""
    ends = [0, *(mark.end() for mark in _SENTENCE_END.finditer(text))]
    if len(ends) < 2:
        return None
    sentence = text[ends[-2] : ends[-1]].strip()
    if _ABBREVIATION.search(sentence) or not _PREDICATE.search(sentence):
        return None
    is_certain = not text[ends[-1]].islower() and _CONCLUDES.search(sentence) is not None
    return Start(ends[-1], is_certain)


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
