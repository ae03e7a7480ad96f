"""Convert a spaCy doc to a section view: words, facts and quantities with offsets in the original text."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress, islice, pairwise, takewhile

from spacy.tokens import Doc

from imr_ml.nlp.components import DETERMINATION, Match, matches_of, sentence_starts
from imr_ml.nlp.pipeline import MAX_WORDS, Pipeline
from imr_ml.nlp.quantities import NUMBER_WORDS, find_quantities
from imr_ml.nlp.text import lower_case, token_columns
from imr_ml.nlp.types import Fact, NlpSettings, Quantity, SectionView

_MONTHS = frozenset({"january", "february", "march", "april", "may", "june", "july", "august", "september", "october"})
_MONTHS |= {
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
}
_ORDINAL_ENDS = frozenset({"st", "nd", "rd", "th"})
_CASE_PREFIX = re.compile(r"[cs]m\d\d")
# At most the period of "Nov.", the day, the comma and the year.
_DATE_TOKENS = 4
_WORD, _NUMBER, _NUMBER_WORD, _MONTH, _MARK, _HIDDEN = range(6)
_IS_WORD = (True, False, True, True, False, False)
_IS_NUMBER = (False, True, True, False, False, False)
# Upper edges of the buckets of quantity tokens, fine enough to separate a first course of care from a long one.
_EDGES: dict[str, tuple[int, ...]] = {
    "visits": (1, 2, 3, 4, 6, 8, 10, 12, 16, 18, 24, 36, 48),
    "weeks": (1, 2, 3, 4, 6, 8, 12, 26, 52),
    "days": (3, 7, 10, 14, 21, 30, 60, 90),
    "dose_mg": (1, 5, 10, 20, 30, 50, 100, 200, 400, 600, 800),
    "ingredients": (2, 3, 4),
    "count": (1, 2, 10, 20, 30, 40, 60, 90, 120, 180, 240),
    "refills": (0, 1, 2, 3, 5),
    "percent": (1, 2, 4, 5, 10, 20, 50, 100),
}


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Columns of the tokens of a doc."""

    words: list[str]
    classes: list[int]
    starts: list[int]
    ends: list[int]

    def word_mask(self) -> Iterator[bool]:
        """Flag words, as opposed to numbers, punctuation and masked text."""
        return map(_IS_WORD.__getitem__, self.classes)


class _Classes(dict[str, int]):
    """Cache of token classes by word."""

    def __missing__(self, word: str) -> int:
        kind = _class_of(word)
        if len(self) < MAX_WORDS:
            self[word] = kind
        return kind


@cache
def _classes() -> _Classes:
    return _Classes()


def _class_of(word: str) -> int:
    if word[0].isdigit():
        return _NUMBER
    if not word[0].isalpha() or word in _ORDINAL_ENDS or _CASE_PREFIX.match(word):
        return _MARK
    if word in NUMBER_WORDS:
        return _NUMBER_WORD
    return _MONTH if word in _MONTHS else _WORD


def read_doc(text: str, doc: Doc, pipeline: Pipeline, settings: NlpSettings) -> SectionView:
    """Build the section view of a text.

    Parameters
    ----------
    text : str
    doc : Doc
        Result of the pipeline for the text.
    pipeline : Pipeline
    settings : NlpSettings
    """
    tokens = _read_tokens(doc, pipeline, settings.mask_determination)
    facts, negated = _find_facts(text, doc, pipeline, tokens)
    quantities = _find_quantities(text, tokens)
    items: list[Fact | Quantity] = [*facts, *quantities] if settings.canonical_tokens else []
    words = (*_words(tokens, negated), *map(_canonical_token, items))
    offsets = (*_offsets(tokens), *((item.start, item.end) for item in items)) if settings.offsets else ()
    return SectionView(words, offsets, tuple(facts), tuple(quantities))


def masked_sentences(doc: Doc, pipeline: Pipeline) -> Iterator[tuple[int, int]]:
    """Yield sentences that state the reviewer's conclusion, as half-open token spans."""
    marks = [
        (match.start, pipeline.markers[match.span_id]) for match in matches_of(doc) if match.label == DETERMINATION
    ]
    if all(marker == "ur" for _, marker in marks):
        return
    for first, last in pairwise([*sentence_starts(doc), len(doc)]):
        markers = {marker for start, marker in marks if first <= start < last}
        if "always" in markers or ("unless_ur" in markers and "ur" not in markers):
            yield first, last


def _read_tokens(doc: Doc, pipeline: Pipeline, mask_determination: bool) -> _Tokens:
    columns = token_columns(doc)
    words = list(map(pipeline.words.__getitem__, columns.orths.tolist()))
    classes = list(map(_classes().__getitem__, words))
    if _MONTH in classes:
        for index in _find_dates(classes):
            classes[index] = _HIDDEN
    if mask_determination:
        for first, last in masked_sentences(doc, pipeline):
            classes[first:last] = [_HIDDEN] * (last - first)
    return _Tokens(words, classes, columns.starts.tolist(), columns.ends.tolist())


def _find_dates(classes: Sequence[int]) -> set[int]:
    """Return the indices of month names with adjacent numbers ("Nov. 8, 2016"), and of these numbers."""
    hidden = set[int]()
    for month, kind in enumerate(classes):
        if kind != _MONTH:
            continue
        following = takewhile(lambda index: classes[index] in (_NUMBER, _MARK), range(month + 1, len(classes)))
        numbers = [index for index in islice(following, _DATE_TOKENS) if classes[index] == _NUMBER][:2]
        if month and classes[month - 1] == _NUMBER:
            numbers.append(month - 1)
        if numbers:
            hidden.update((month, *numbers))
    return hidden


def _find_facts(text: str, doc: Doc, pipeline: Pipeline, tokens: _Tokens) -> tuple[list[Fact], set[int]]:
    """Return the facts outside masked text, and the indices of negated words."""
    negated_matches: set[Match] = doc.user_data.get("negated", set())
    facts, negated = list[Fact](), set[int]()
    for match in matches_of(doc):
        first, last, label, span_id = match
        if label == DETERMINATION or tokens.classes[first] == _HIDDEN:
            continue
        rule = pipeline.rules[span_id]
        start, end = tokens.starts[first], tokens.ends[last - 1]
        if rule.capitals and not text[start:end].removesuffix("s").isupper():
            continue
        is_negated = match in negated_matches
        if is_negated:
            negated.update(range(first, last))
        facts.append(Fact(rule.kind, rule.value, start, end, is_negated, rule.rule))
        for name in rule.classes:
            facts.append(Fact("class", name, start, end, is_negated, rule.rule))
    return facts, negated


def _find_quantities(text: str, tokens: _Tokens) -> list[Quantity]:
    numbers = compress(tokens.starts, map(_IS_NUMBER.__getitem__, tokens.classes))
    return find_quantities(lower_case(text), numbers)


def _words(tokens: _Tokens, negated: set[int]) -> Iterator[str]:
    words = tokens.words.copy()
    for index in negated:
        words[index] = f"no_{words[index]}"
    return compress(words, tokens.word_mask())


def _offsets(tokens: _Tokens) -> Iterator[tuple[int, int]]:
    return compress(zip(tokens.starts, tokens.ends, strict=True), tokens.word_mask())


def _canonical_token(item: Fact | Quantity) -> str:
    if isinstance(item, Quantity):
        return quantity_token(item)
    return f"{'no_' if item.negated else ''}{item.kind}={item.value}"


def quantity_token(quantity: Quantity) -> str:
    """Return the token of a quantity's bucket, e.g. ``visits_12`` for 11 or 12 and ``visits_over_48`` above 48."""
    edges = _EDGES[quantity.unit]
    index = bisect_left(edges, quantity.value)
    return f"{quantity.unit}_{edges[index]}" if index < len(edges) else f"{quantity.unit}_over_{edges[-1]}"
