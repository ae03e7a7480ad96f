"""Refuse a letter that has decision wording in a feature: it was misread, and its outcome would leak."""

from __future__ import annotations

import re
from collections.abc import Iterator

from imr_ml.letters.types import Letter, LetterError

_DECISION = re.compile(
    r":\s*(?P<outcome>upheld|overturned)\b|\b(?P<label>decision\s+rationale|(?:MAXIMUS|claims\s+administrator)\s+guideline)\s*:",
    re.IGNORECASE,
)
# Of each of the above one: most texts hold none, which is fast to see.
_WORDS = ("upheld", "overturned", "rationale", "guideline")


def check_places(letter: Letter, source: str) -> None:
    """Check the parts that a model may read for decision wording.

    Raises
    ------
    LetterError
        Naming the place and the words.
    """
    for place, part, text in _parts(letter):
        if found := _search(text or ""):
            words = f": {found['outcome']}" if found["outcome"] else f"{' '.join(found['label'].split())}:"
            raise LetterError(source, f"has '{words}' in its {part}; it can't be read in order", place)


def _search(text: str) -> re.Match[str] | None:
    lower = text.lower()
    return _DECISION.search(text) if any(word in lower for word in _WORDS) else None


def _parts(letter: Letter) -> Iterator[tuple[str, str, str | None]]:
    """(place, part, text) of each part that holds no decision."""
    yield "", "clinical summary", letter.clinical_summary
    for item in letter.items:
        place = f"item {item.number}"
        yield place, "request", item.request
        yield place, "claims administrator's guideline", item.ur_guideline
        yield place, "reviewer's guideline", item.imr_guideline
