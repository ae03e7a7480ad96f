"""Build the spaCy pipeline on first use: blank English, span rules, negation."""

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
"""Words that the vocabulary and the tables beside it remember for good."""
MAX_FORGOTTEN = 1_000_000
"""Words that a vocabulary forgets before it is built anew: its hash tables keep a place for each of them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule behind a span; ``capitals`` says that it counts in capitals only, ``classes`` are a drug's."""

    kind: Kind
    value: str
    classes: tuple[str, ...]
    rule: str
    capitals: bool


class Words(dict[int, str]):
    """Cache of words by their id in the vocabulary."""

    def __init__(self, strings: StringStore) -> None:
        self._strings = strings

    def __missing__(self, orth: int) -> str:
        word = self._strings[orth]
        if len(self) < MAX_WORDS:
            self[orth] = word
        return word


@dataclass(slots=True)
class Pipeline:
    """A built pipeline and what is needed to read its docs.

    Attributes
    ----------
    nlp : Language
    rules : dict of int to Rule
        By the span id of the ruler's matches.
    markers : dict of int to str
        ``"always"``, ``"unless_ur"`` or ``"ur"`` by the span id of determination wording.
    words : Words
    forgotten : int
        Words that its vocabulary has forgotten.
    """

    nlp: Language
    rules: dict[int, Rule]
    markers: dict[int, str]
    words: Words
    forgotten: int = 0


@contextmanager
def reading(negation: bool) -> Iterator[Pipeline]:
    """Pipeline to make docs with; once its vocabulary is full, it forgets the new words of each context.

    A vocabulary that never forgets grows with every misspelling. The tokenizer remembers only words that stay, so
    the common ones, which come first, do. No doc may be used after the context.
    """
    if pipeline(negation).forgotten >= MAX_FORGOTTEN:
        pipeline.cache_clear()
        # A pipeline and its components refer to each other.
        gc.collect()
    built = pipeline(negation)
    strings = built.nlp.vocab.strings
    remembered = len(strings)
    if remembered < MAX_WORDS:
        yield built
        return
    with built.nlp.memory_zone():
        yield built
        built.forgotten += len(strings) - remembered


@cache
def pipeline(negation: bool, /) -> Pipeline:
    """Build the pipeline, once per process and setting (about a tenth of a second)."""
    # Nothing here asks for a word's shape or the twenty other attributes that English computes of each new word.
    vocab = Vocab(lex_attr_getters={LOWER: str.lower})
    nlp = spacy.blank("en", vocab=vocab, config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})
    book = rule_book()
    entries = [*(_entry(pattern) for pattern in book.patterns), *_determination_entries()]
    nlp.add_pipe(SPAN_RULER).add_patterns(entries)  # type: ignore[attr-defined]
    if negation:
        nlp.add_pipe(NEGATION)
    ids = nlp.vocab.strings
    rules = {ids.add(_span_id(pattern)): _rule(pattern, book) for pattern in book.patterns}
    markers = {ids.add(name): name for name in ("always", "unless_ur", "ur")}
    return Pipeline(nlp, rules, markers, Words(ids))


def _rule(pattern: Pattern, book: RuleBook) -> Rule:
    value = pattern.rule.partition(":")[2]
    classes = book.drugs[value].classes if pattern.kind == "drug" else ()
    return Rule(pattern.kind, value, classes, pattern.rule, pattern.capitals)


def _span_id(pattern: Pattern) -> str:
    return f"{pattern.rule}{'^' if pattern.capitals else ''}"


def _entry(pattern: Pattern) -> dict[str, str]:
    return {"label": pattern.kind, "pattern": pattern.phrase, "id": _span_id(pattern)}


def _determination_entries() -> Iterator[dict[str, str]]:
    for marker, phrases in determination_rules().model_dump().items():
        for phrase in phrases:
            yield {"label": DETERMINATION, "pattern": phrase, "id": marker}
