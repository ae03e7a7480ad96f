"""Clauses of a guideline paragraph: what its decision is based on, and whether the letter says that it is of the MTUS.

Knows the sentences that letters use since 2013. Knows nothing of guidelines' titles.
"""

from __future__ import annotations

import re

BASED_ON = re.compile(
    r"\b(?:decisions? )?(?:was |were )?based (?:on|upon) (?:the )?(?P<non>non-?\s?)?MTUS\b"
    r"(?: (?:citation|guidelines?)s?\b)?[:,]? ?",
    re.IGNORECASE,
)
# The sentence of 2013 letters; whether the source is part of the MTUS stands after it.
_DECISION_ON = re.compile(
    r"\bbased (?:his/her|their|its|his|her) decision (?:up)?on (?:the )?(?:MTUS\b[:,-]? ?(?:guidelines?\b[:,-]? ?)?)?"
    r"(?:also )?",
    re.IGNORECASE,
)
_PART_OF_MTUS = re.compile(
    r",? ?(?:\b(?:which|that) (?:is|are|was|were) )?(?P<non>\bnot )?(?:an? )?\bpart of the "
    r"(?:MTUS|Medical Treatment Utilization Schedule(?: \(MTUS\))?)[.,;]?(?: and(?: on)?(?: the)?\b)?",
    re.IGNORECASE,
)
_NEXT_SENTENCE = re.compile(
    r"\.\s*(?=The (?:provider|physician|expert|professional|claims|employee|requesting)\b)", re.I
)
# An extractor may end a line at a hyphen; hyphens come in several characters.
_CUT_WORD = re.compile(r"-[^\S\n]*\n\s*(?=[a-z])")
FRAME = " .,:;-"
"""What surrounds a title or a section and is none of it."""


def flattened(text: str) -> str:
    """The paragraph on one line, its hyphens plain."""
    if not text.isascii():
        text = text.replace("\u2010", "-").replace("\u2011", "-").replace("\u2013", "-")
    if "\n" in text:
        text = _CUT_WORD.sub(lambda mark: "-" if text[mark.start() - 1 : mark.start()].isalnum() else mark[0], text)
    return " ".join(text.split())


def clauses_of(text: str) -> list[tuple[bool | None, str]]:
    """(cited as MTUS or not, None where it does not say, wording) for each source that the decision is based on."""
    marks = list(BASED_ON.finditer(text))
    if not marks:
        return _old_clauses(text)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    clauses = (
        (mark["non"] is None, text[mark.end() : end].strip(" .,")) for mark, end in zip(marks, ends, strict=True)
    )
    return [(mtus, clause) for mtus, clause in clauses if clause]


def _old_clauses(text: str) -> list[tuple[bool | None, str]]:
    """The same for the wording of 2013, "its decision on X, which is (not) part of the MTUS", and for any other."""
    marks = list(_DECISION_ON.finditer(text))
    if not marks:
        return [("MTUS" in text or None, text)] if text.strip(FRAME) else []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        clause
        for mark, end in zip(marks, ends, strict=True)
        for clause in _parts_of_mtus(_NEXT_SENTENCE.split(text[mark.end() : end], maxsplit=1)[0], mark[0])
    ]


def _parts_of_mtus(clause: str, opening: str) -> list[tuple[bool | None, str]]:
    """A clause cut after each "which is part of the MTUS"; what carries no such words is as its opening says."""
    parts: list[tuple[bool | None, str]] = []
    start = 0
    for mark in _PART_OF_MTUS.finditer(clause):
        parts.append((mark["non"] is None, clause[start : mark.start()].strip(FRAME)))
        start = mark.end()
    parts.append(("MTUS" in opening or None, clause[start:].strip(FRAME)))
    return [(mtus, part) for mtus, part in parts if part]
