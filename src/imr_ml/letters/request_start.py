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
# Such a line is continued on the next one.
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
# Longest wording of a partial authorization, which takes three sentences.
_PARTIAL_CHARACTERS = 2_000
# No page has wider lines; a text with such lines has lost its line breaks.
_LONGEST_LINE = 250


class Start(NamedTuple):
    """Character position where a request begins, and whether it is certain."""

    place: int
    is_certain: bool


def find_request_start(tail: str, width: int, earlier: str, later: str) -> Start | None:
    """Find where a request starts after the rationale before it; return None if nothing shows it.

    The request starts at the last line that follows the end of a sentence, or that follows a line with room for more,
    as some rationales lack their last period. In a text without line breaks, it follows the last sentence.

    Parameters
    ----------
    tail : str
        Lines of the rationale and the request, up to the request's outcome.
    width : int
        Printed width of the column, in thousandths of the type size.
    earlier : str
        A request of the letter whose start is known; shows whether requests are capitalized.
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
        elif had_room(before, line, width) and not _continues(before, line, later):
            return _after_unfinished(lines, starts, index)
    longest = max(map(len, lines))
    return _after_last_sentence(tail[:end]) if len(lines) == 1 or longest > _LONGEST_LINE else None


def _after_unfinished(lines: Sequence[str], starts: Sequence[int], index: int) -> Start:
    """Choose a start if the line at `index` follows a line with room but without a period.

    The text between the last sentence and that line ends the rationale if it reads like a sentence; otherwise it is the
    start of the request.
    """
    above = next((place for place in range(index - 1, 0, -1) if ENDS_SENTENCE.search(lines[place - 1])), 0)
    between = _SENTENCE_END.split(" ".join(lines[above:index]))[-1]
    is_concluded = bool(above) and _CONCLUDES.search(lines[above - 1]) is not None
    has_verb, concludes = _PREDICATE.search(between) is not None, _CONCLUDES.search(between) is not None
    is_one_sentence = between == " ".join(lines[above:index])
    if above and is_one_sentence and (not has_verb or (is_concluded and not concludes)):
        return Start(starts[above], is_certain=is_concluded and not has_verb)
    return Start(starts[index], is_certain=has_verb and concludes)


def _continues(before: str, line: str, later: str) -> bool:
    """Whether the line continues the previous one, by its wording or because the later text repeats both."""
    if line[0].islower() or _UNFINISHED.search(before):
        return True
    across = [*before.split()[-2:], *line.split()[:2]]
    return len(across) == 4 and " ".join(across).casefold() in " ".join(later.split()).casefold()


def _after_last_sentence(text: str) -> Start | None:
    """Find the end of the last sentence; return None if the text before it may be part of the request."""
    ends = [0, *(mark.end() for mark in _SENTENCE_END.finditer(text))]
    if len(ends) < 2:
        return None
    sentence = text[ends[-2] : ends[-1]].strip()
    if _ABBREVIATION.search(sentence) or not _PREDICATE.search(sentence):
        return None
    is_certain = not text[ends[-1]].islower() and _CONCLUDES.search(sentence) is not None
    return Start(ends[-1], is_certain)


def _search_end(tail: str) -> int:
    """Last position at which the request may start; a partial authorization is a request of several sentences."""
    if not _ENDS_PARTIAL.search(tail, max(0, len(tail) - 20)):
        return len(tail)
    start = max(0, len(tail) - _PARTIAL_CHARACTERS)
    remaining = list(_REMAINING.finditer(tail, start))
    if not remaining or _NECESSARY.search(tail, remaining[-1].end()):
        return len(tail)
    originals = list(_ORIGINAL.finditer(tail, start, remaining[-1].start()))
    return originals[-1].start() if originals else len(tail)
