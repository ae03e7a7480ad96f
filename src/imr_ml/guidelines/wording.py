"""Undo what extractors do to the wording of citations: glued and cut words, dotted abbreviations, kinds of dashes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"), None)
# An extractor may end a line at a hyphen.
_CUT_AT_HYPHEN = re.compile(r"(?<=[^\W_])-[^\S\n]*\n\s*(?=[a-z])")
_CUT_WORD = re.compile(r"\b(?P<start>[A-Za-z]+)- ?(?P<end>[a-z]+)")
_DOTTED = re.compile(r"(?<![A-Z.])(?:[A-Z]\. ?){2,}[A-Z]\b\.?")
_GLUED_MTUS = re.compile(r"(?<=[a-z])(?=(?:[Nn]on-?)?MTUS)|(?<=MTUS)(?=[A-Za-z])")
_GLUED_MARK = re.compile(
    r"(?<=[,;:])(?=[A-Za-z])|(?<=[a-z\d)]\.)(?=[A-Z][a-z])|(?<=[a-z])(?=\((?!s\)))|(?<=\))(?=[A-Za-z])"
)
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)
_GLUED = re.compile(r"[A-Za-z]{6,}(?:(?:19|20)\d\d\b)?|[A-Za-z]+(?:19|20)\d\d\b")
_LEAST_LETTERS = 3
_SHORT_WORDS = frozenset({"on", "of"})
_PLAIN_WORDS = (
    "decision decisions based upon citation citations guideline guidelines section sections page pages chapter edition "
    "medical treatment and the mtus claims administrator reviewer expert"
)
_LONGEST = 100


def words_of(names: Iterable[str]) -> frozenset[str]:
    """The words of citations: those of names and titles, and those around them."""
    words = re.findall(r"[a-z]+", " ".join([_PLAIN_WORDS, *names]).casefold())
    return frozenset(word for word in words if len(word) >= _LEAST_LETTERS) | _SHORT_WORDS


def flattened(text: str, words: frozenset[str]) -> str:
    r"""The paragraph on one line, its dashes plain, its words apart and whole.

    Parameters
    ----------
    words : frozenset of str
        As `words_of` gives them; a word is only parted into them, or put together to one of them.

    Examples
    --------
    >>> flattened("O.D.G. Low BackGuide-\nlines2016", words_of(["low back"]))
    'ODG Low Back Guidelines 2016'
    """
    if not text.isascii():
        text = text.translate(_INVISIBLE).translate(_DASHES)
    if "\n" in text:
        text = _CUT_AT_HYPHEN.sub("-", text)
    text = " ".join(text.split())
    text = _DOTTED.sub(lambda mark: re.sub(r"[. ]", "", mark[0]), text)
    if not _ADDRESS.search(text):
        text = _GLUED_MARK.sub(" ", text)
    text = _GLUED_MTUS.sub(" ", text)
    text = _CUT_WORD.sub(lambda mark: _together(mark, words), text)
    return _GLUED.sub(lambda mark: _apart(mark[0], words), text)


def _together(mark: re.Match[str], words: frozenset[str]) -> str:
    start, end = mark["start"].casefold(), mark["end"]
    is_whole = start in words and end in words
    is_cut = not is_whole and (start + end in words or _apart(start + end, words) != start + end)
    return mark["start"] + end if is_cut else mark[0]


@lru_cache(maxsize=10_000)
def _apart(glued: str, words: frozenset[str]) -> str:
    """The words that stand in one, and its year; itself where it does not consist of them."""
    letters = glued.rstrip("0123456789")
    year = glued[len(letters) :]
    if len(letters) > _LONGEST:
        return glued
    parts = [letters] if letters.casefold() in words else _parts(letters, words)
    return " ".join(filter(None, [*parts, year])) if parts else glued


def _parts(letters: str, words: frozenset[str]) -> list[str]:
    """The letters as words, the longest first; empty where they are none."""
    reachable: dict[int, list[str]] = {len(letters): []}
    for start in range(len(letters) - 1, -1, -1):
        for end in range(len(letters), start, -1):
            rest = reachable.get(end)
            if rest is not None and letters[start:end].casefold() in words:
                reachable[start] = [letters[start:end], *rest]
                break
    return reachable.get(0, [])
