"""Parse guideline citations: "MTUS Low Back Complaints 2004, Section(s): Special Studies" -> `Citation`."""

from __future__ import annotations

import re
from itertools import pairwise
from operator import itemgetter

from imr_ml.guidelines.matcher import Matcher, build_matcher, flatten_text, texts_after
from imr_ml.guidelines.taxonomy import Guideline, Source, Taxonomy
from imr_ml.guidelines.types import Citation, Family

_CITES_NOTHING = re.compile(
    r"\bdid not (?:cite|provide|reference|rely)\b|\bno (?:guidelines?|citations?) (?:was|were)\b", re.IGNORECASE
)
_OUTSIDE = re.compile(
    r"(?:\bThe (?:Claims Administrator|(?:Expert|Physician|Professional) Reviewer) )?"
    r"\bbased (?:his/her|their|its|his|her) decision on recommendations?(?:\(s\))? outside of the MTUS"
    r"(?: guidelines?)?\.?",
    re.IGNORECASE,
)
_OUTSIDE_TITLE = "recommendations outside of the MTUS"
_ANOTHER_SOURCE = re.compile(r",? and other medical treatment guidelines?:? ", re.IGNORECASE)
_SECTIONS = re.compile(r"\bsections?(?:\(s\))?: ?", re.IGNORECASE)
_PAGES = re.compile(
    r"\b(?:pages?(?:\(s\))?|pgs?\.?|pp?\.?)[:\s]*(?P<list>\d{1,4}(?: ?(?:-|,|and|&|to) ?\d{1,4}\b)*)(?: of \d{1,4}\b)?",
    re.IGNORECASE,
)
_PAGE_RANGE = re.compile(r"(\d+)(?: ?(?:-|to) ?(\d+))?")
_EDITION = re.compile(
    r"\(?\b(?:19|20)\d\d\)?|\(?\b\d{1,2}(?:st|nd|rd|th) ed(?:ition|\.)?(?: ?\(web\))?\)?|\btreatment index\b"
    r"|\btreatment in workers'? comp(?:ensation)?\b|^ *(?:medical )?(?:treatment )?guidelines?\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_TRAILING_AND = re.compile(r"[,;]? and(?: the)?$")
BASED_ON = re.compile(
    r"\b(?:decisions? )?(?:was |were )?based (?:on|upon) (?:the )?(?P<non>non-?\s?)?MTUS\b"
    r"(?: (?:citation|guidelines?)s?\b)?[:,]? ?",
    re.IGNORECASE,
)
# Wording of 2013; the text after it states whether the source is part of the MTUS.
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
FRAME = " .,:;-"
"""Characters to strip from titles and sections."""


def find_citations(text: str, taxonomy: Taxonomy | None = None) -> list[Citation]:
    """Find the citations in a guideline paragraph, with or without line breaks, in order.

    Returns
    -------
    list of Citation
        Empty if the paragraph states that nothing was cited. Sources that the taxonomy lacks become a `Citation` of
        family ``OTHER`` with their wording as its title.

    Examples
    --------
    >>> [c.title for c in find_citations("Decision based on MTUS Knee Complaints 2004, Section(s): Initial Care.")]
    ['Knee Complaints']
    """
    matcher = build_matcher(taxonomy)
    flat = flatten_text(text, matcher.words)
    based_on = BASED_ON.search(flat)
    if not based_on and _CITES_NOTHING.search(flat):
        return []
    rest, outside = _OUTSIDE.subn(" ", flat) if "outside" in flat else (flat, 0)
    citations = [
        citation for mtus, clause in split_clauses(rest) for citation in _clause_citations(mtus, clause, matcher)
    ]
    return citations or [Citation(Family.OTHER, _OUTSIDE_TITLE, mtus=False)] * bool(outside)


def families_in(text: str, taxonomy: Taxonomy | None = None) -> set[str]:
    """Find the guideline families that a paragraph cites; ``{"none"}`` if it cites nothing.

    Examples
    --------
    >>> families_in("The Expert Reviewer did not cite any medical evidence for its decision.")
    {'none'}
    """
    return {citation.family.value for citation in find_citations(text, taxonomy)} or {Family.NONE.value}


def _clause_citations(mtus: bool | None, clause: str, matcher: Matcher) -> list[Citation]:
    """Citations in a clause; an unlabeled clause is MTUS if it names an MTUS title and no other source."""
    if mtus is None:
        return _sources_named(clause, matcher) or _mtus_citations(clause, matcher)
    return _mtus_citations(clause, matcher) if mtus else _other_citations(clause, matcher)


def _mtus_citations(clause: str, matcher: Matcher) -> list[Citation]:
    marks = matcher.titles(clause)
    if not marks:
        return _other_citations(clause, matcher)
    rests = texts_after([mark for mark, _ in marks], clause)
    return [_citation(guideline, mark[0], rest, matcher) for (mark, guideline), rest in zip(marks, rests, strict=True)]


def _other_citations(clause: str, matcher: Matcher) -> list[Citation]:
    citations = []
    for part in _ANOTHER_SOURCE.split(clause):
        citations += _sources_named(part, matcher) or [_unknown(part)]
    return citations


def _sources_named(part: str, matcher: Matcher) -> list[Citation]:
    """Return a citation for each source outside the MTUS that the part names.

    The text from one source's name to the next belongs to that source; text before the first belongs to the first.
    """
    matches = [(source, names, names.search(part)) for source, names in matcher.sources]
    marks = sorted(((mark.start(), source, names) for source, names, mark in matches if mark), key=itemgetter(0))
    if not marks:
        return []
    bounds = [0, *(start for start, _, _ in marks[1:]), len(part)]
    return [
        _source_citation(source, names, part[start:end], matcher)
        for (_, source, names), (start, end) in zip(marks, pairwise(bounds), strict=True)
    ]


def _source_citation(source: Source, names: re.Pattern[str], text: str, matcher: Matcher) -> Citation:
    guideline = matcher.acoem_chapter(text) if source.family is Family.ACOEM else None
    sections = _sections(text, matcher)
    if not sections and source.family is Family.ODG:
        sections = _unlabeled_sections(names.sub(" ", text).replace("( )", " "), matcher)
    return Citation(
        family=source.family,
        title=guideline.title if guideline else source.title,
        mtus=False,
        guideline=guideline.id if guideline else source.id,
        chapter=guideline.chapter if guideline else None,
        year=_year(text),
        sections=sections,
        pages=_pages(text),
        topics=matcher.topics_of(sections),
    )


def _unknown(part: str) -> Citation:
    return Citation(Family.OTHER, part.strip(" .,"), mtus=False, year=_year(part), pages=_pages(part))


def _citation(guideline: Guideline, title: str, rest: str, matcher: Matcher) -> Citation:
    year = _year(_SECTIONS.split(rest, maxsplit=1)[0])
    dated = title.endswith("(") or _YEAR.match(rest) is not None
    sections = _sections(rest, matcher) or (() if dated else _unlabeled_sections(rest, matcher))
    return Citation(
        family=guideline.family_in(year),
        title=guideline.title,
        mtus=True,
        guideline=guideline.id,
        chapter=guideline.chapter,
        year=year,
        sections=sections,
        pages=_pages(rest),
        topics=matcher.topics_of(sections),
    )


def _sections(text: str, matcher: Matcher) -> tuple[str, ...]:
    """Return the sections labeled as such."""
    label = _SECTIONS.search(text)
    return _listed(text[label.end() :], matcher) if label else ()


def _unlabeled_sections(text: str, matcher: Matcher) -> tuple[str, ...]:
    """Return sections without a label, which follow the title and precede their pages."""
    return _listed(_EDITION.sub(" ", _PAGES.sub(";", text)), matcher)


def _listed(text: str, matcher: Matcher) -> tuple[str, ...]:
    listed = _TRAILING_AND.sub("", text.strip(" .,;"))
    parts = (" ".join(part.split()).strip(FRAME) for part in matcher.sections.findall(listed))
    return tuple(part for part in parts if part and part != "()")


def _pages(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(
        (int(first), int(last or first))
        for mark in _PAGES.finditer(text)
        for first, last in _PAGE_RANGE.findall(mark["list"])
    )


def _year(text: str) -> int | None:
    mark = _YEAR.search(text)
    return int(mark[0]) if mark else None


def split_clauses(text: str) -> list[tuple[bool | None, str]]:
    """Split a paragraph into (is_mtus, wording) for each source cited; `is_mtus` is None if not stated."""
    marks = list(BASED_ON.finditer(text))
    if not marks:
        return _old_clauses(text)
    clauses = [clause.strip(" .,") for clause in texts_after(marks, text)]
    return [(mark["non"] is None, clause) for mark, clause in zip(marks, clauses, strict=True) if clause]


def _old_clauses(text: str) -> list[tuple[bool | None, str]]:
    """Split a paragraph in the wording of 2013, "its decision on X, which is (not) part of the MTUS", or another."""
    marks = list(_DECISION_ON.finditer(text))
    if not marks:
        return [("MTUS" in text or None, text)] if text.strip(FRAME) else []
    return [
        clause
        for mark, following in zip(marks, texts_after(marks, text), strict=True)
        for clause in _parts_of_mtus(_NEXT_SENTENCE.split(following, maxsplit=1)[0], mark[0])
    ]


def _parts_of_mtus(clause: str, opening: str) -> list[tuple[bool | None, str]]:
    """Split a clause after each "which is (not) part of the MTUS"; the opening decides for the rest."""
    parts: list[tuple[bool | None, str]] = []
    start = 0
    for mark in _PART_OF_MTUS.finditer(clause):
        parts.append((mark["non"] is None, clause[start : mark.start()].strip(FRAME)))
        start = mark.end()
    parts.append(("MTUS" in opening or None, clause[start:].strip(FRAME)))
    return [(mtus, part) for mtus, part in parts if part]
