"""Build the spaCy pipeline on first use: tokenizer, span ruler, negation."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import spacy
from spacy.attrs import LOWER  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.strings import StringStore
from spacy.vocab import Vocab

from imr_ml.nlp.components import DETERMINATION, SPAN_RULER
from imr_ml.nlp.negation import NEGATION
from imr_ml.nlp.rules import Pattern, RuleBook, determination_rules, rule_book
from imr_ml.nlp.text import TOKENIZER
from imr_ml.nlp.types import Kind

MAX_WORDS = 100_000
"""Number of words that the vocabulary and the caches of words keep permanently."""
MAX_FORGOTTEN = 1_000_000
"""Number of forgotten words after which the vocabulary is rebuilt, as its hash tables keep a slot for each."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rule of a span; with ``capitals``, only text in capitals matches; ``classes`` are the drug's."""

    kind: Kind
    value: str
    classes: tuple[str, ...]
    rule: str
    capitals: bool


class WordCache(dict[int, str]):
    """Cache of words by id in the vocabulary."""

    def __init__(self, strings: StringStore) -> None:
        self._strings = strings

    def __missing__(self, orth: int) -> str:
        word = self._strings[orth]
        if len(self) < MAX_WORDS:
            self[orth] = word
        return word


@dataclass(slots=True)
class Pipeline:
    """A pipeline and the tables to interpret its docs.

    Attributes
    ----------
    nlp : Language
    rules : dict of int to Rule
        By span id.
    markers : dict of int to str
        Kind of determination wording (``"always"``, ``"unless_ur"`` or ``"ur"``) by span id.
    words : WordCache
    forgotten : int
        Number of words that the vocabulary has forgotten.
    """

    nlp: Language
    rules: dict[int, Rule]
    markers: dict[int, str]
    words: WordCache
    forgotten: int = 0


@contextmanager
def open_pipeline(negation: bool) -> Iterator[Pipeline]:
    """Yield the pipeline; once its vocabulary is full, words that are new in a context are forgotten at its end.

    Otherwise the vocabulary would grow with every misspelling. The tokenizer caches only permanent words, which
    include the common ones because these occur first. Docs are invalid after the context.
    """
    if build_pipeline(negation).forgotten >= MAX_FORGOTTEN:
        build_pipeline.cache_clear()
        # A pipeline and its components refer to each other.
        gc.collect()
    pipeline = build_pipeline(negation)
    strings = pipeline.nlp.vocab.strings
    words = len(strings)
    if words < MAX_WORDS:
        yield pipeline
        return
    with pipeline.nlp.memory_zone():
        yield pipeline
        pipeline.forgotten += len(strings) - words


@cache
def build_pipeline(negation: bool, /) -> Pipeline:
    """Build the pipeline in about 0.1 s; cached per process and setting."""
    # Skip the shape and some twenty other attributes that spaCy computes for each new word.
    vocab = Vocab(lex_attr_getters={LOWER: str.lower})
    nlp = spacy.blank("en", vocab=vocab, config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})
    book = rule_book()
    entries = [*(_ruler_entry(pattern) for pattern in book.patterns), *_determination_entries()]
    nlp.add_pipe(SPAN_RULER).add_patterns(entries)  # type: ignore[attr-defined]
    if negation:
        nlp.add_pipe(NEGATION)
    ids = nlp.vocab.strings
    rules = {ids.add(_span_id(pattern)): _build_rule(pattern, book) for pattern in book.patterns}
    markers = {ids.add(name): name for name in ("always", "unless_ur", "ur")}
    return Pipeline(nlp, rules, markers, WordCache(ids))


def _build_rule(pattern: Pattern, book: RuleBook) -> Rule:
    value = pattern.rule.partition(":")[2]
    classes = book.drugs[value].classes if pattern.kind == "drug" else ()
    return Rule(pattern.kind, value, classes, pattern.rule, pattern.capitals)


def _span_id(pattern: Pattern) -> str:
    return f"{pattern.rule}{'^' if pattern.capitals else ''}"


def _ruler_entry(pattern: Pattern) -> dict[str, str]:
    return {"label": pattern.kind, "pattern": pattern.phrase, "id": _span_id(pattern)}


def _determination_entries() -> Iterator[dict[str, str]]:
    for marker, phrases in determination_rules().model_dump().items():
        for phrase in phrases:
            yield {"label": DETERMINATION, "pattern": phrase, "id": marker}
