"""Match titles of a taxonomy in citations, after repairing joined and hyphenated words and dashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from imr_ml.guidelines.taxonomy import Guideline, Source, Taxonomy, default_taxonomy, fold_title
from imr_ml.guidelines.types import Family

_PLAIN = str.maketrans("", "", "\u00ae\u2122")
_PARENTHESIS = re.compile(r"\s*\([^()]*\)$")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"), None)
# An extractor may end a line at a hyphen.
_CUT_AT_HYPHEN = re.compile(r"(?<=[^\W_])-[^\S\n]*\n\s*(?=[a-z])")
_CUT_WORD = re.compile(r"(?:\b|(?<=[a-z])(?=[A-Z]))(?P<start>[A-Za-z]+)- ?(?P<end>[a-z]+)")
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
    """Compiled patterns and lookups of a taxonomy.

    Attributes
    ----------
    dated, undated : Pattern
        A guideline's title before a year; a chapter number or a title of several words.
    by_name, by_chapter : dict
        Guidelines by folded title and by ACOEM chapter.
    sources : tuple of (Source, Pattern)
        Each source with the pattern of its names.
    sections : Pattern
        One section of a list: text up to a comma, or a title that contains a comma.
    topics : dict
        Topics by folded section title.
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
        """Find guideline titles that precede a year; if there are none, titles without a year."""
        dated = list(self.dated.finditer(clause))
        if dated:
            return [(mark, self.by_name[fold_title(mark["title"])]) for mark in dated]
        titles = []
        for mark in self.undated.finditer(clause):
            guideline = self.by_name.get(fold_title(mark["title"] or mark["alone"] or "")) or self.by_chapter.get(
                int(mark["chapter"] or 0)
            )
            if guideline:
                titles.append((mark, guideline))
        return titles

    def acoem_chapter(self, text: str) -> Guideline | None:
        """Return the first ACOEM chapter that the text names, or None."""
        return next((guideline for _, guideline in self.titles(text) if guideline.family is Family.ACOEM), None)

    def topics_of(self, sections: Iterable[str]) -> tuple[str, ...]:
        """Return the distinct topics of section titles, in order."""
        return tuple(dict.fromkeys(filter(None, map(self._topic_of, sections))))

    def _topic_of(self, section: str) -> str | None:
        name = fold_title(section.translate(_PLAIN))
        return self.topics.get(name) or self.topics.get(_PARENTHESIS.sub("", name))


@cache
def build_matcher(taxonomy: Taxonomy | None) -> Matcher:
    """Compile a taxonomy, by default that of the package."""
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
        by_name={fold_title(name): guideline for name, guideline in titles.items()},
        by_chapter={guideline.chapter: guideline for guideline in taxonomy.guideline if guideline.chapter},
        sources=tuple(
            (source, re.compile(rf"\b(?:{_choice(source.names)})\b", re.IGNORECASE)) for source in taxonomy.source
        ),
        sections=re.compile(rf" *(?:{whole})(?= *[,;]|$)|(?:[^,;(]|\([^()]*\)|\()+", re.IGNORECASE),
        topics={fold_title(title): topic.id for topic in taxonomy.topic for title in topic.titles},
        words=citation_words(
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
    """Build a pattern for a title that allows any commas, "and" or "&", and hyphens or spaces."""
    return r"[\s,&-]+(?:and\s+)?".join(re.escape(word) for word in fold_title(name).split())


def citation_words(names: Iterable[str]) -> frozenset[str]:
    """Return the words that occur in citations: those of names and titles, and common ones."""
    words = re.findall(r"[a-z]+", " ".join([_PLAIN_WORDS, *names]).casefold())
    return frozenset(word for word in words if len(word) >= _LEAST_LETTERS) | _SHORT_WORDS


def flatten_text(text: str, words: frozenset[str]) -> str:
    r"""Write a paragraph on one line with plain dashes, and split joined words and join hyphenated ones.

    Parameters
    ----------
    text : str
    words : frozenset of str
        Result of `citation_words`; text is split or joined only into these words.

    Examples
    --------
    >>> flatten_text("O.D.G. Low BackGuide-\nlines2016", citation_words(["low back"]))
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
    text = _CUT_WORD.sub(lambda mark: _join_cut_word(mark, words), text)
    return _GLUED.sub(lambda mark: _split_glued(mark[0], words), text)


def texts_after(marks: Sequence[re.Match[str]], text: str) -> list[str]:
    """Return the text after each mark, up to the next one."""
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [text[mark.end() : end] for mark, end in zip(marks, ends, strict=False)]


def _join_cut_word(mark: re.Match[str], words: frozenset[str]) -> str:
    start, end = mark["start"].casefold(), mark["end"]
    is_whole = start in words and end in words
    is_cut = not is_whole and (start + end in words or _split_glued(start + end, words) != start + end)
    return mark["start"] + end if is_cut else mark[0]


@lru_cache(maxsize=10_000)
def _split_glued(glued: str, words: frozenset[str]) -> str:
    """Split a joined word into its words and year; return it unchanged if it consists of other text."""
    letters = glued.rstrip("0123456789")
    year = glued[len(letters) :]
    if len(letters) > _LONGEST:
        return glued
    parts = [letters] if letters.casefold() in words else _parts(letters, words)
    return " ".join(filter(None, [*parts, year])) if parts else glued


def _parts(letters: str, words: frozenset[str]) -> list[str]:
    """Split letters into words, preferring long ones; return an empty list if they are not all words."""
    reachable: dict[int, list[str]] = {len(letters): []}
    for start in range(len(letters) - 1, -1, -1):
        for end in range(len(letters), start, -1):
            rest = reachable.get(end)
            if rest is not None and letters[start:end].casefold() in words:
                reachable[start] = [letters[start:end], *rest]
                break
    return reachable.get(0, [])
