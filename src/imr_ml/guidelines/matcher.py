"""A taxonomy made ready for matching: its titles as patterns, its names and sections as keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from imr_ml.guidelines.taxonomy import Guideline, Source, Taxonomy, default_taxonomy, folded
from imr_ml.guidelines.types import Family
from imr_ml.guidelines.wording import words_of

_PARENTHESIS = re.compile(r"\s*\([^()]*\)$")


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
        One section of a list: up to a comma, but for titles that hold one.
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
        found = []
        for mark in self.undated.finditer(clause):
            guideline = self.by_name.get(folded(mark["title"] or mark["alone"] or "")) or self.by_chapter.get(
                int(mark["chapter"] or 0)
            )
            if guideline:
                found.append((mark, guideline))
        return found

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


_PLAIN = str.maketrans("", "", "\u00ae\u2122")


def matcher_of(taxonomy: Taxonomy | None) -> Matcher:
    """Matcher of a taxonomy, the package's own where None; made once."""
    return _default_matcher() if taxonomy is None else _matcher(taxonomy)


@cache
def _default_matcher() -> Matcher:
    return _matcher(default_taxonomy())


@cache
def _matcher(taxonomy: Taxonomy) -> Matcher:
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
