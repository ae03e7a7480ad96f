"""Guideline citations: "MTUS Low Back Complaints 2004, Section(s): Special Studies" -> `Citation`.

Knows the wording that letters use and the taxonomy. Knows nothing of letters' layout.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from imr_ml.guidelines.taxonomy import Guideline, Source, Taxonomy, default_taxonomy, folded
from imr_ml.guidelines.types import Citation, Family

_CITES_NOTHING = re.compile(
    r"\bdid not (?:cite|provide|reference)\b|\bno (?:guidelines?|citations?) (?:was|were)\b", re.I
)
_BASED_ON = re.compile(
    r"(?:decisions? )?(?:was |were )?based (?:on|upon) (?:the )?(?P<non>non-?\s?)?MTUS\b"
    r"(?: (?:citation|guidelines?)s?\b)?[:,]? ?",
    re.I,
)
_OUTSIDE = re.compile(
    r"(?:the )?[\w ]{0,40}?based (?:their|its|his|her) decision on recommendations?(?:\(s\))? "
    r"outside of the MTUS(?: guidelines)?\.?",
    re.I,
)
_ANOTHER_SOURCE = re.compile(r",? and other medical treatment guidelines?:? ", re.I)
_SECTIONS = re.compile(r"sections?(?:\(s\))?: ?", re.I)
_PAGES = re.compile(
    r"\b(?:pages?(?:\(s\))?|pgs?\.?|pp?\.?)[:\s]*(?P<list>\d{1,4}(?: ?(?:-|,|and|&|to) ?\d{1,4}\b)*)", re.I
)
_PAGE_RANGE = re.compile(r"(\d+)(?: ?(?:-|to) ?(\d+))?")
# An extractor may end a line at a hyphen; hyphens come in several characters.
_CUT_WORD = re.compile(r"(?<=\w-)\s*\n\s*(?=[a-z])")
_HYPHENS = str.maketrans("\u2010\u2011\u2013", "---")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def find_citations(text: str, taxonomy: Taxonomy | None = None) -> list[Citation]:
    """Citations in a guideline paragraph, in the order written.

    Parameters
    ----------
    text : str
        One guideline paragraph of a letter, with or without line breaks.
    taxonomy : Taxonomy, optional
        What to match against; the package's own where not given.

    Returns
    -------
    list of Citation
        Empty where the paragraph says that nothing was cited. Wording that the taxonomy does not know becomes a
        `Citation` of family ``OTHER`` with that wording as its title.

    Examples
    --------
    >>> [c.title for c in find_citations("Decision based on MTUS Knee Complaints 2004, Section(s): Initial Care.")]
    ['Knee Complaints']
    """
    taxonomy = taxonomy or default_taxonomy()
    flat = " ".join(_CUT_WORD.sub("", text.translate(_HYPHENS)).split())
    if _CITES_NOTHING.search(flat) and not _BASED_ON.search(flat):
        return []
    return [
        citation
        for mtus, clause in _clauses(_OUTSIDE.sub(" ", flat))
        for citation in (_mtus_citations(clause, taxonomy) if mtus else _other_citations(clause, taxonomy))
    ]


def families_in(text: str, taxonomy: Taxonomy | None = None) -> set[str]:
    """Guideline families that a paragraph cites; ``{"none"}`` where it cites nothing.

    Examples
    --------
    >>> families_in("The Expert Reviewer did not cite any medical evidence for its decision.")
    {'none'}
    """
    return {citation.family.value for citation in find_citations(text, taxonomy)} or {Family.NONE.value}


def _clauses(text: str) -> list[tuple[bool, str]]:
    """(cited as MTUS, wording) for each "Decision based on" of the paragraph."""
    marks = list(_BASED_ON.finditer(text))
    if not marks:
        return [(bool(re.search(r"\bMTUS\b", text)), text)] if text.strip(" .") else []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        (mark["non"] is None, text[mark.end() : end].strip(" .,"))
        for mark, end in zip(marks, ends, strict=True)
        if text[mark.end() : end].strip(" .,")
    ]


def _mtus_citations(clause: str, taxonomy: Taxonomy) -> list[Citation]:
    marks = _title_marks(clause, taxonomy)
    if not marks:
        return _other_citations(clause, taxonomy)
    ends = [mark.start() for mark, _ in marks[1:]] + [len(clause)]
    return [
        _citation(guideline, clause[mark.start() : end], taxonomy, mtus=True)
        for (mark, guideline), end in zip(marks, ends, strict=True)
    ]


def _other_citations(clause: str, taxonomy: Taxonomy) -> list[Citation]:
    found = []
    for part in _ANOTHER_SOURCE.split(clause):
        named = _sources_named(part, taxonomy)
        found += named or [_unknown(part)]
    return found


def _sources_named(part: str, taxonomy: Taxonomy) -> list[Citation]:
    """A citation for each source outside of the MTUS whose name stands in the part.

    What stands from one source's name to the next one's is said of it; what stands before the first, of the first.
    """
    found = [(source, _any_of(source.names).search(part)) for source in taxonomy.source]
    marks = sorted(((mark.start(), source) for source, mark in found if mark), key=lambda pair: pair[0])
    bounds = [0, *(start for start, _ in marks[1:]), len(part)]
    return [
        _source_citation(source, part[start:end], taxonomy)
        for (_, source), (start, end) in zip(marks, pairwise(bounds), strict=False)
    ]


def _source_citation(source: Source, text: str, taxonomy: Taxonomy) -> Citation:
    guideline = _acoem_chapter(text, taxonomy) if source.family is Family.ACOEM else None
    return Citation(
        family=source.family,
        title=guideline.title if guideline else source.title,
        mtus=False,
        guideline=guideline.id if guideline else source.id,
        chapter=guideline.chapter if guideline else None,
        year=_year(text),
        sections=_sections(text, taxonomy),
        pages=_pages(text),
    )


def _unknown(part: str) -> Citation:
    return Citation(Family.OTHER, part.strip(" .,"), mtus=False, year=_year(part), pages=_pages(part))


def _citation(guideline: Guideline, text: str, taxonomy: Taxonomy, *, mtus: bool) -> Citation:
    year = _year(_SECTIONS.split(text)[0])
    return Citation(
        family=guideline.family_in(year),
        title=guideline.title,
        mtus=mtus,
        guideline=guideline.id,
        chapter=guideline.chapter,
        year=year,
        sections=_sections(text, taxonomy),
        pages=_pages(text),
    )


def _title_marks(clause: str, taxonomy: Taxonomy) -> list[tuple[re.Match[str], Guideline]]:
    """Where guideline titles stand: with their year, or in the older wording without one."""
    by_name = _guidelines_by_name(taxonomy)
    dated = list(_dated_title(taxonomy).finditer(clause))
    if dated:
        return [(mark, by_name[folded(mark["title"])]) for mark in dated]
    by_chapter = {guideline.chapter: guideline for guideline in taxonomy.guideline if guideline.chapter}
    found = []
    for mark in _undated_title(taxonomy).finditer(clause):
        guideline = by_name.get(folded(mark["title"] or mark["alone"] or "")) or by_chapter.get(
            int(mark["chapter"] or 0)
        )
        if guideline:
            found.append((mark, guideline))
    return found


def _acoem_chapter(part: str, taxonomy: Taxonomy) -> Guideline | None:
    marks = [pair for pair in _title_marks(part, taxonomy) if pair[1].family is Family.ACOEM]
    return marks[0][1] if marks else None


def _sections(text: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    parts = _SECTIONS.split(text, maxsplit=1)
    if len(parts) < 2:
        return ()
    listed = re.sub(r"[,;]? and$", "", parts[1].strip(" .,;"))
    whole = "|".join(re.escape(title) for title in taxonomy.comma_sections)
    found = re.findall(rf" *(?:{whole})(?= *[,;]|$)|(?:[^,;(]|\([^)]*\)|\()+", listed, re.I)
    return tuple(section.strip(" .") for section in found if section.strip(" ."))


def _pages(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(
        (int(first), int(last or first))
        for mark in _PAGES.finditer(text)
        for first, last in _PAGE_RANGE.findall(mark["list"])
    )


def _year(text: str) -> int | None:
    mark = _YEAR.search(text)
    return int(mark[0]) if mark else None


@cache
def _guidelines_by_name(taxonomy: Taxonomy) -> dict[str, Guideline]:
    return {folded(name): guideline for guideline in taxonomy.guideline for name in guideline.names}


@cache
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile("|".join(rf"\b{_loose(name)}\b" for name in longest_first), re.I)


def _loose(name: str) -> str:
    """Pattern for a title as people write it: with or without commas, "and" or "&", hyphen or space."""
    return r"[\s,&-]+(?:and\s+)?".join(re.escape(word) for word in folded(name).split())


@cache
def _dated_title(taxonomy: Taxonomy) -> re.Pattern[str]:
    return re.compile(rf"\b(?P<title>{_title_choice(taxonomy, 1)}),? (?:guidelines?,? )?\(?(?=(?:19|20)\d\d\b)", re.I)


@cache
def _undated_title(taxonomy: Taxonomy) -> re.Pattern[str]:
    chapter = r"chapter (?P<chapter>\d{1,2})\b[\s,:-]*"
    titles = rf"\b(?P<title>{_title_choice(taxonomy, 2)})\b"
    return re.compile(rf"(?:{chapter})(?:{titles})?|{titles.replace('?P<title>', '?P<alone>')}", re.I)


def _title_choice(taxonomy: Taxonomy, words: int) -> str:
    names = [name for guideline in taxonomy.guideline for name in guideline.names if len(name.split()) >= words]
    return "|".join(_loose(name) for name in sorted(names, key=len, reverse=True))
