"""Turn a spaCy doc into a section view: words, facts and quantities with their offsets in the original text."""

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
from imr_ml.nlp.text import lowered, token_columns
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
# Day, comma, year, and the full stop of "Nov.".
_DATE_TOKENS = 4
_WORD, _NUMBER, _NUMBER_WORD, _MONTH, _MARK, _HIDDEN = range(6)
_KEPT = (True, False, True, True, False, False)
_COUNTS = (False, True, True, False, False, False)
# Upper edges of the buckets that quantity tokens name: enough to separate a first course of care from a long one.
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
    """A doc's tokens as columns."""

    words: list[str]
    classes: list[int]
    starts: list[int]
    ends: list[int]

    def word_mask(self) -> Iterator[bool]:
        """Flag the tokens that are words, not numbers, punctuation or masked text."""
        return map(_KEPT.__getitem__, self.classes)


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


def read_doc(text: str, doc: Doc, built: Pipeline, settings: NlpSettings) -> SectionView:
    """Make the section view of a text from its doc.

    Parameters
    ----------
    text : str
    doc : Doc
    built : Pipeline
    settings : NlpSettings
    """
    tokens = _tokens(doc, built, settings.mask_determination)
    facts, negated = _facts(text, doc, built, tokens)
    quantities = _quantities(text, tokens)
    named: list[Fact | Quantity] = [*facts, *quantities] if settings.canonical_tokens else []
    words = (*_words(tokens, negated), *map(_canonical, named))
    offsets = (*_offsets(tokens), *((item.start, item.end) for item in named)) if settings.offsets else ()
    return SectionView(words, offsets, tuple(facts), tuple(quantities))


def masked_sentences(doc: Doc, built: Pipeline) -> Iterator[tuple[int, int]]:
    """Find the sentences that state the reviewer's conclusion, as half-open spans of tokens."""
    marks = [(m.start, built.markers[m.span_id]) for m in matches_of(doc) if m.label == DETERMINATION]
    if all(marker == "ur" for _, marker in marks):
        return
    for first, last in pairwise([*sentence_starts(doc), len(doc)]):
        markers = {marker for start, marker in marks if first <= start < last}
        if "always" in markers or ("unless_ur" in markers and "ur" not in markers):
            yield first, last


def _tokens(doc: Doc, built: Pipeline, mask_determination: bool) -> _Tokens:
    columns = token_columns(doc)
    words = list(map(built.words.__getitem__, columns.orths.tolist()))
    classes = list(map(_classes().__getitem__, words))
    if _MONTH in classes:
        for place in _dates(classes):
            classes[place] = _HIDDEN
    if mask_determination:
        for first, last in masked_sentences(doc, built):
            classes[first:last] = [_HIDDEN] * (last - first)
    return _Tokens(words, classes, columns.starts.tolist(), columns.ends.tolist())


def _dates(classes: Sequence[int]) -> set[int]:
    """Find month names with a number beside them ("Nov. 8, 2016"), and those numbers."""
    hidden = set[int]()
    for place, kind in enumerate(classes):
        if kind != _MONTH:
            continue
        after = takewhile(lambda at: classes[at] in (_NUMBER, _MARK), range(place + 1, len(classes)))
        numbers = [at for at in islice(after, _DATE_TOKENS) if classes[at] == _NUMBER][:2]
        if place and classes[place - 1] == _NUMBER:
            numbers.append(place - 1)
        if numbers:
            hidden.update((place, *numbers))
    return hidden


def _facts(text: str, doc: Doc, built: Pipeline, tokens: _Tokens) -> tuple[list[Fact], set[int]]:
    """List the facts outside masked places, and the places of denied words."""
    denied: set[Match] = doc.user_data.get("denied", set())
    facts, negated = list[Fact](), set[int]()
    for match in matches_of(doc):
        first, last, label, span_id = match
        if label == DETERMINATION or tokens.classes[first] == _HIDDEN:
            continue
        rule = built.rules[span_id]
        start, end = tokens.starts[first], tokens.ends[last - 1]
        if rule.capitals and not text[start:end].removesuffix("s").isupper():
            continue
        is_denied = match in denied
        if is_denied:
            negated.update(range(first, last))
        facts.append(Fact(rule.kind, rule.value, start, end, is_denied, rule.rule))
        for name in rule.classes:
            facts.append(Fact("class", name, start, end, is_denied, rule.rule))
    return facts, negated


def _quantities(text: str, tokens: _Tokens) -> list[Quantity]:
    numbers = compress(tokens.starts, map(_COUNTS.__getitem__, tokens.classes))
    return find_quantities(lowered(text), numbers)


def _words(tokens: _Tokens, negated: set[int]) -> Iterator[str]:
    words = tokens.words.copy()
    for place in negated:
        words[place] = f"no_{words[place]}"
    return compress(words, tokens.word_mask())


def _offsets(tokens: _Tokens) -> Iterator[tuple[int, int]]:
    return compress(zip(tokens.starts, tokens.ends, strict=True), tokens.word_mask())


def _canonical(item: Fact | Quantity) -> str:
    if isinstance(item, Quantity):
        return quantity_token(item)
    return f"{'no_' if item.negated else ''}{item.kind}={item.value}"


def quantity_token(quantity: Quantity) -> str:
    """Name the quantity's bucket: ``visits_12`` for 11 or 12, ``visits_over_48`` beyond the last edge."""
    edges = _EDGES[quantity.unit]
    place = bisect_left(edges, quantity.value)
    return f"{quantity.unit}_{edges[place]}" if place < len(edges) else f"{quantity.unit}_over_{edges[-1]}"
