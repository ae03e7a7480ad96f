"""Format feature contributions as JSON, with their offsets in the text of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imr_ml.reporting.names import feature_name

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.classifiers.contributions import Contribution
    from imr_ml.classifiers.types import Evidence
    from imr_ml.nlp.types import Fact, SectionView

Place = tuple[int, int]
SECTIONS = ("request", "clinical_summary", "ur_guideline", "facts", "numbers")
_VIEW_OF = {"request": "request_view", "clinical_summary": "summary_view", "ur_guideline": "ur_view"}
_TEXT_BLOCKS = {"request": "request", "summary": "clinical_summary", "ur_guideline": "ur_guideline"}
_FACT_BLOCKS = {
    "treatments": ("request", "treatment"),
    "request_body_parts": ("request", "body"),
    "drug_classes": ("request", "class"),
    "summary_body_parts": ("clinical_summary", "body"),
    "diagnoses": ("clinical_summary", "diagnosis"),
    "findings": ("clinical_summary", "finding"),
}
_FACT_PAIRS = "pairs"
_PAIRS = "treated_body_parts"
_NUMBER_BLOCKS = ("numbers", "case_size")
_DIGITS = 4


class SectionPlaces:
    """Find the offsets of words and facts in one section.

    Parameters
    ----------
    view : SectionView
        View of the section with token offsets.
    text : str
        The section as the user wrote it.
    shift : int
        Number of characters that were removed from its beginning before parsing.
    """

    def __init__(self, view: SectionView, text: str, shift: int) -> None:
        self._view, self._text, self._shift = view, text, shift

    def of_term(self, term: str) -> list[Place]:
        """Return the offsets of a word or phrase; words separated only by punctuation or blanks form one span."""
        words = term.split(" ")
        starts = self._tokens.get(words[0], [])
        matches = [at for at in starts if list(self._view.tokens[at : at + len(words)]) == words]
        return self._shifted(
            place for at in matches for place in self._joined(self._view.offsets[at : at + len(words)])
        )

    def of_fact(self, kind: str, value: str) -> list[Place]:
        """Return the offsets of a fact; the prefix ``no_`` of a value selects its negated mentions."""
        return self._shifted((fact.start, fact.end) for fact in self._facts.get((kind, value), []))

    @cached_property
    def _tokens(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for at, token in enumerate(self._view.tokens):
            positions.setdefault(token, []).append(at)
        return positions

    @cached_property
    def _facts(self) -> dict[tuple[str, str], list[Fact]]:
        facts: dict[tuple[str, str], list[Fact]] = {}
        for fact in self._view.facts:
            name = f"no_{fact.value}" if fact.negated else fact.value
            facts.setdefault((fact.kind, name), []).append(fact)
        return facts

    def _joined(self, words: tuple[Place, ...]) -> Iterator[Place]:
        start, end = words[0]
        for first, last in words[1:]:
            between = self._text[end + self._shift : first + self._shift]
            if first < end or any(map(str.isalnum, between)):
                yield start, end
                start = first
            end = last
        yield start, end

    def _shifted(self, places: Iterator[Place]) -> list[Place]:
        return sorted({(start + self._shift, end + self._shift) for start, end in places})


def evidence_json(evidence: list[Evidence], texts: pd.DataFrame, features: Mapping[str, Any]) -> list[str]:
    """Format the evidence of each request as compact JSON.

    Parameters
    ----------
    evidence : list of Evidence
    texts : DataFrame
        The sections as the user wrote them, columns `request`, `clinical_summary` and maybe `ur_guideline`.
    features : mapping of str to array
        Columns of the feature frame of the same rows, with views.

    Returns
    -------
    list of str
        For each request, an object with the lists ``outcome`` and ``primary_family``. Each entry has a ``section``
        (one of `SECTIONS`), a readable ``name``, ``term``, ``weight``, ``fact`` (its kind) unless it is a word,
        ``absent`` if the request lacks it, and ``places``, half-open pairs of character offsets in the section. A
        weight is the change in log-odds compared with the average training request. ``sums`` contains for both
        predictions ``base_rate``, ``everything_else`` and ``log_odds`` of the predicted probability; the latter is the
        sum of the two others and all weights.
    """
    cache: dict[tuple[str, str], SectionPlaces | None] = {}
    columns = {section: _places(section, texts, features, cache) for section in _VIEW_OF}
    return [
        _format_row(row, {section: places[number] for section, places in columns.items()})
        for number, row in enumerate(evidence)
    ]


def _places(
    section: str, texts: pd.DataFrame, features: Mapping[str, Any], cache: dict[tuple[str, str], SectionPlaces | None]
) -> list[SectionPlaces | None]:
    """Return the places of a section in each row; rows with the same text share them."""
    originals = texts[section] if section in texts else [None] * len(texts)
    rows: list[SectionPlaces | None] = []
    for text, parsed, view in zip(originals, features[section], features[_VIEW_OF[section]], strict=True):
        if view is None or not isinstance(text, str):
            rows.append(None)
            continue
        if (section, text) not in cache:
            cache[section, text] = SectionPlaces(view, text, text.index(parsed))
        rows.append(cache[section, text])
    return rows


def _format_row(evidence: Evidence, sections: dict[str, SectionPlaces | None]) -> str:
    entries: dict[str, list[dict[str, object]]] = {"outcome": [], "primary_family": []}
    sums: dict[str, dict[str, float]] = {}
    for name, explanation in (("outcome", evidence.outcome), ("primary_family", evidence.family)):
        if explanation is None:
            continue
        weights = [round(term.weight, _DIGITS) for term in explanation.terms]
        entries[name] = [
            _entry(term, weight, sections) for term, weight in zip(explanation.terms, weights, strict=True)
        ]
        sums[name] = {
            "base_rate": explanation.base_rate,
            "everything_else": explanation.log_odds - explanation.base_rate - sum(weights),
            "log_odds": explanation.log_odds,
        }
    return json.dumps(entries | {"sums": sums}, ensure_ascii=False, separators=(",", ":"))


def _entry(contribution: Contribution, weight: float, sections: dict[str, SectionPlaces | None]) -> dict[str, object]:
    block, term = contribution.block, contribution.term
    section, places = _locate(block, term, sections)
    if not contribution.is_present:
        places = []
    entry: dict[str, object] = {
        "section": section,
        "name": feature_name(block, term, is_present=contribution.is_present),
        "term": term,
        "weight": weight,
    }
    if block not in _TEXT_BLOCKS:
        entry["fact"] = block
    if not contribution.is_present:
        entry["absent"] = True
    return entry | ({"places": places} if places else {})


def _locate(block: str, term: str, sections: dict[str, SectionPlaces | None]) -> tuple[str, list[Place]]:
    """Return the section of a feature and its offsets there."""
    if section := _TEXT_BLOCKS.get(block):
        places = sections[section]
        return section, places.of_term(term) if places else []
    if block in _FACT_BLOCKS:
        section, kind = _FACT_BLOCKS[block]
        places = sections[section]
        return section, places.of_fact(kind, term) if places else []
    if block == _PAIRS:
        treatment, _, body = term.partition("@")
        places = sections["request"]
        return "request", sorted(
            places.of_fact("treatment", treatment) + places.of_fact("body", body)
        ) if places else []
    if block == _FACT_PAIRS:
        sections_of_parts = {
            _locate(part.partition("__")[0], part.partition("__")[2], sections)[0] for part in term.split(" ")
        }
        return sections_of_parts.pop() if len(sections_of_parts) == 1 else "facts", []
    return ("numbers" if block in _NUMBER_BLOCKS else "facts"), []
