"""Read items that are numbered decisions: "1. Decision for X is not medically necessary and appropriate"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from imr_ml.letters.items import make_item
from imr_ml.letters.lines import join_lines
from imr_ml.letters.types import DisputedItem, LetterError, Outcome

# An extraction may lose the space after "not".
NECESSARY = r"(?:is|are|was|were)\s+(?P<negated>not\s*)?medically\s+necessary\s+and\s+appropriate"
_MAX_REQUEST = 1_500
_DECIDED = re.compile(rf"\s{NECESSARY}\s*[.:]?\s*(?=The\s+Claims\s+Administrator\b)")
_NUMBER = re.compile(r"\n(?P<number>\d{1,2})[.)]\s+(?:Decision\s+for\s+)?(?=\S)")
# Wording that no request contains; with it, the text extends to the decision of another item.
_NO_REQUEST = re.compile(
    r"medically\s+necessary|decision\s+rationale|Rationale\s+for\s+the\s+Decision|\n\d{1,2}[.)]\s"
    r"|\bThe\s+(?:Claims\s+Administrator\s+(?:based|did|does|cited)|(?:Expert|Physician|Professional)\s+Reviewer)\b"
)
_HEADED = re.compile(r"\n\d{1,2}[.)]\s+Decision\s+for\b")
_UR_GUIDELINE = re.compile(r"(?:^|\n)The\s+Claims\s+Administrator\s+(?:based|did\s+not|does\s+not|cited)\b")
_REVIEWER = re.compile(
    r"\bThe\s+(?:Expert|Physician|Professional)\s+Reviewer\s+(?=based|found|did|relied|used|cited|stated)"
)
_RATIONALE = re.compile(
    r"(?:The\s+(?:Expert|Physician|Professional)\s+Reviewer's\s+decision\s+rationale|\nRationale\s+for\s+the\s+Decision"
    r"|\nDecision\s+[Rr]ationale)\s*:?\s*"
)
_NEXT_ITEM = re.compile(
    r"\n(?:The\s+(?:Expert|Physician|Professional)\s+Reviewer\s+based\s+his/her\s+decision|The\s+Claims\s+Administrator\s+based)\b"
)
_AGREED = re.compile(r"\bfound\s+(?:the|these|those)\s+guidelines?\b.{0,80}\b(?:relevant|applicable|appropriate)\b")


class _Decision(NamedTuple):
    """A numbered decision and its position in characters."""

    start: int
    end: int
    request: str
    outcome: Outcome


def read_decisions(flow: str, source: str) -> tuple[DisputedItem, ...]:
    """Read the items from the tidy lines under the decisions heading.

    Raises
    ------
    LetterError
        If there is no decision, if decisions are not numbered in order, or if one lacks a paragraph.
    """
    text = f"\n{flow}"
    decisions = list(_find_decisions(text, source))
    if not decisions:
        raise LetterError(source, "found no 'Decision for X is (not) medically necessary and appropriate'", "items")
    undecided = max(len(_UR_GUIDELINE.findall(text)), len(_HEADED.findall(text))) - len(decisions)
    if undecided > 0:
        raise LetterError(source, f"{undecided} decision(s) and guideline paragraph(s) that do not match", "items")
    ends = [decision.start for decision in decisions[1:]] + [len(text)]
    return tuple(
        read_decided_item(number, decision.request, decision.outcome, text[decision.end : end], source)
        for number, (decision, end) in enumerate(zip(decisions, ends, strict=True), start=1)
    )


def _find_decisions(text: str, source: str) -> Iterator[_Decision]:
    """Yield the decisions in order, each from its number to the end of its sentence."""
    searched = 0
    for number, decided in enumerate(_DECIDED.finditer(text), start=1):
        marks = _NUMBER.finditer(text, max(searched, decided.start() - _MAX_REQUEST), decided.start())
        numbered = [mark for mark in marks if int(mark["number"]) == number]
        if not numbered:
            raise LetterError(source, f"has no number {number} before its decision", f"item {number}")
        request = text[numbered[-1].end() : decided.start()]
        if _NO_REQUEST.search(request):
            raise LetterError(source, "has two decisions before one guideline", f"item {number}")
        yield _Decision(numbered[-1].start(), decided.end(), join_lines(request), outcome_of(decided["negated"]))
        searched = decided.end()


def outcome_of(negated: str | None) -> Outcome:
    """Return the outcome for "is (not) medically necessary and appropriate"."""
    return Outcome.UPHELD if negated else Outcome.OVERTURNED


def check_numbers(numbers: list[int], source: str) -> None:
    """Check that items are numbered from 1 without a gap.

    Raises
    ------
    LetterError
        For the first number that differs from its position.
    """
    for expected, number in enumerate(numbers, start=1):
        if number != expected:
            raise LetterError(source, f"expected number {expected}; found {number}", "items")


def read_decided_item(number: int, request: str, outcome: Outcome, body: str, source: str) -> DisputedItem:
    """Read the guidelines and rationale of an item whose request and outcome are known.

    If the reviewer agrees with the claims administrator's guidelines without citing any, the citations are copied.

    Parameters
    ----------
    number : int
        Position in the letter, from 1.
    request : str
    outcome : Outcome
    body : str
        Text of the guidelines and rationale.
    source : str
        Name of the input in errors.

    Raises
    ------
    LetterError
        If the text has no rationale, or two, or no paragraph of the reviewer.
    """
    place = f"item {number}"
    rationales = list(_RATIONALE.finditer(body))
    if len(rationales) != 1:
        problem = "has no rationale" if not rationales else "has two rationales"
        raise LetterError(source, f"{problem} ('Rationale for the Decision' or '... decision rationale:')", place)
    if _NEXT_ITEM.search(body, rationales[0].end()):
        raise LetterError(source, "has a guideline of another item after its rationale", place)
    cited = body[: rationales[0].start()]
    reviewer = _REVIEWER.search(cited)
    if not reviewer:
        raise LetterError(
            source, "has no paragraph that begins 'The Expert Reviewer' or 'The Physician Reviewer'", place
        )
    ur, imr = join_lines(cited[: reviewer.start()]).strip(), join_lines(cited[reviewer.start() :]).strip()
    item = make_item(number, request.strip(), outcome, ur, imr, join_lines(body[rationales[0].end() :]))
    if _AGREED.search(imr) and not any(citation.guideline for citation in item.imr_citations):
        return replace(item, imr_citations=item.ur_citations)
    return item
