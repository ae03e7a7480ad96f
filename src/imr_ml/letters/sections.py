"""Cut a letter into sections at its headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imr_ml.letters.types import LetterError


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at the start of a line, once in a letter.

    Attributes
    ----------
    name : str
        Name of the section in the result of `cut_sections`.
    words : str
        The heading as printed, for errors.
    pattern : Pattern
        Starts with a literal line end, which makes the search fast; see `heading`.
    required : bool
        Whether every letter of the layout has it.
    """

    name: str
    words: str
    pattern: re.Pattern[str]
    required: bool


def heading(name: str, words: str, *, required: bool = True, alone: bool | None = None) -> Heading:
    r"""Build a heading.

    Parameters
    ----------
    name : str
        Name of the section.
    words : str
        The heading as printed; it may be broken across lines.
    required : bool, optional
        Whether every letter of the layout has it.
    alone : bool, optional
        Whether no text follows on the heading's last line; default: true unless the words end with a colon.

    Examples
    --------
    >>> bool(heading("documents", "DOCUMENTS REVIEWED").pattern.search("\nDOCUMENTS\nREVIEWED\n"))
    True
    """
    spaced = r"\s+".join(re.escape(word) for word in words.split())
    alone = not words.endswith(":") if alone is None else alone
    return Heading(name, words, re.compile(rf"\n{spaced}" + (r"(?=\n)" if alone else "")), required)


def cut_sections(flow: str, headings: Sequence[Heading], source: str) -> dict[str, str]:
    """Return the text under each heading of a letter, and as ``"head"`` the text before the first one.

    Parameters
    ----------
    flow : str
        The letter's tidy lines.
    headings : sequence of Heading
        In the order that required headings must have.
    source : str
        Name of the input in errors.

    Raises
    ------
    LetterError
        If a required heading is missing, occurs twice, or precedes one that it must follow.
    """
    text = f"\n{flow}\n"
    starts: list[tuple[int, int, str]] = []
    last = -1
    for part in headings:
        marks = list(part.pattern.finditer(text))
        if part.required:
            if not marks:
                raise LetterError(source, f"has no heading '{part.words}'; is it a determination, and whole?")
            if len(marks) > 1:
                raise LetterError(source, f"has the heading '{part.words}' twice; is it more than one letter?")
            if marks[0].start() < last:
                raise LetterError(source, f"has the heading '{part.words}' before one that it must follow")
            last = marks[0].start()
        starts += [(mark.start(), mark.end(), part.name) for mark in marks[:1]]
    starts.sort()
    ends = [start for start, _, _ in starts[1:]] + [len(text)]
    sections = {name: text[after:end].strip() for (_, after, name), end in zip(starts, ends, strict=True)}
    return {"head": text[: starts[0][0]].strip(), **sections} if starts else {"head": flow}
