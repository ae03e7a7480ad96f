"""A taxonomy made ready for matching, and citations made ready to be matched: glued and cut words, kinds of dashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from imr_ml.guidelines.taxonomy import Guideline, Source, Taxonomy, default_taxonomy, folded
from imr_ml.guidelines.types import Family

_PLAIN = str.maketrans("", "", "\u00ae\u2122")
_PARENTHESIS = re.compile(r"\s*\([^()]*\)$")
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


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """Patterns and keys of one taxonomy.

    Attributes
    ----------
    dated, undated : Pattern
        A guideline's title before a year, and a chapter or a title of several words anywhere.
    by_name, by_chapter : dict
        Guideline of a folded title and of an ACOEM chapter.
    sources : tuple of (Source, Pattern)
        Each source with the pattern of its names.
    sections : Pattern
        One section of a list: up to a comma, but for titles that contain one.
    topics : dict
        Topic of a folded section title.
    words : frozenset of str
        All words of titles, names and sections.
    """

    dated: re.Pattern[str]
    undated: re.Pattern[str]
    by_name: dict[str, Guideline]
    by_chapter: dict[int, Guideline]
    sources: tuple[tuple[Source, re.Pattern[str]], ...]
    sections: re.Pattern[str]
    topics: dict[str, str]
    words: frozenset[str]

    def titles(self, clause: str) -> list[tuple[re.Match[str], Guideline]]:
        """Find guideline titles, with their year or in the older wording without one."""
        dated = list(self.dated.finditer(clause))
        if dated:
            return [(mark, self.by_name[folded(mark["title"])]) for mark in dated]
        titles = []
        for mark in self.undated.finditer(clause):
            guideline = self.by_name.get(folded(mark["title"] or mark["alone"] or "")) or self.by_chapter.get(
                int(mark["chapter"] or 0)
            )
            if guideline:
                titles.append((mark, guideline))
        return titles

    def acoem_chapter(self, text: str) -> Guideline | None:
        """The first ACOEM chapter that the text names."""
        return next((guideline for _, guideline in self.titles(text) if guideline.family is Family.ACOEM), None)

    def topics_of(self, sections: Iterable[str]) -> tuple[str, ...]:
        """Topics of section titles, each once, in order of appearance."""
        known = (self._topic_of(section) for section in sections)
        return tuple(dict.fromkeys(topic for topic in known if topic))

    def _topic_of(self, section: str) -> str | None:
        name = folded(section.translate(_PLAIN))
        return self.topics.get(name) or self.topics.get(_PARENTHESIS.sub("", name))


@cache
def matcher_of(taxonomy: Taxonomy | None) -> Matcher:
    """Matcher of a taxonomy, the package's own where None."""
    taxonomy = taxonomy or default_taxonomy()
    titles = {name: guideline for guideline in taxonomy.guideline for name in guideline.names}
    several = _choice(name for name in titles if len(name.split()) > 1)
    whole = _alternatives(map(re.escape, taxonomy.comma_sections))
    return Matcher(
        dated=re.compile(
            rf"\b(?P<title>{_choice(titles)}),? ?(?:(?:medical )?treatment guidelines?,? |guidelines?,? )?\(?"
            r"(?=(?:19|20)\d\d\b)",
            re.IGNORECASE,
        ),
        undated=re.compile(
            rf"(?:\bchapter (?P<chapter>\d{{1,2}})\b[\s,:-]*)(?:\b(?P<title>{several})\b)?|\b(?P<alone>{several})\b",
            re.IGNORECASE,
        ),
        by_name={folded(name): guideline for name, guideline in titles.items()},
        by_chapter={guideline.chapter: guideline for guideline in taxonomy.guideline if guideline.chapter},
        sources=tuple(
            (source, re.compile(rf"\b(?:{_choice(source.names)})\b", re.IGNORECASE)) for source in taxonomy.source
        ),
        sections=re.compile(rf" *(?:{whole})(?= *[,;]|$)|(?:[^,;(]|\([^()]*\)|\()+", re.IGNORECASE),
        topics={folded(title): topic.id for topic in taxonomy.topic for title in topic.titles},
        words=words_of(
            [
                *titles,
                *(name for source in taxonomy.source for name in source.names),
                *taxonomy.comma_sections,
                *(title for topic in taxonomy.topic for title in topic.titles),
            ]
        ),
    )


def _choice(names: Iterable[str]) -> str:
    return _alternatives(map(_loose, sorted(names, key=len, reverse=True)))


def _alternatives(patterns: Iterable[str]) -> str:
    return "|".join(patterns) or r"(?!)"


def _loose(name: str) -> str:
    """Pattern for a title as people write it: with or without commas, "and" or "&", hyphen or space."""
    return r"[\s,&-]+(?:and\s+)?".join(re.escape(word) for word in folded(name).split())


def words_of(names: Iterable[str]) -> frozenset[str]:
    """The words of citations: those of names and titles, and those around them."""
    words = re.findall(r"[a-z]+", " ".join([_PLAIN_WORDS, *names]).casefold())
    return frozenset(word for word in words if len(word) >= _LEAST_LETTERS) | _SHORT_WORDS


def flattened(text: str, words: frozenset[str]) -> str:
    r"""The paragraph on one line, its dashes plain, its words apart and whole.

    Parameters
    ----------
    words : frozenset of str
        As `words_of` returns them; words are only split into these, or joined to one of them.

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


def texts_after(marks: Sequence[re.Match[str]], text: str) -> list[str]:
    """The text after each mark, up to the next one."""
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [text[mark.end() : end] for mark, end in zip(marks, ends, strict=False)]


def _together(mark: re.Match[str], words: frozenset[str]) -> str:
    start, end = mark["start"].casefold(), mark["end"]
    is_whole = start in words and end in words
    is_cut = not is_whole and (start + end in words or _apart(start + end, words) != start + end)
    return mark["start"] + end if is_cut else mark[0]


@lru_cache(maxsize=10_000)
def _apart(glued: str, words: frozenset[str]) -> str:
    """Split a glued word into its words and year; itself where it does not consist of them."""
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
