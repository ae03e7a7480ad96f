"""Build the spaCy pipeline on first use: blank English, span rules, negation."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache

import spacy
from spacy.language import Language

from imr_ml.nlp.components import DETERMINATION, SPAN_RULER
from imr_ml.nlp.negation import NEGATION
from imr_ml.nlp.rules import Pattern, RuleBook, determination_rules, rule_book
from imr_ml.nlp.text import ClinicalTokenizer
from imr_ml.nlp.types import Kind

MAX_WORDS = 100_000
"""Words that the vocabulary and the tables beside it remember for good."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule behind a span; ``capitals`` says that it counts in capitals only, ``classes`` are a drug's."""

    kind: Kind
    value: str
    classes: tuple[str, ...]
    rule: str
    capitals: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A built pipeline and what is needed to read its docs.

    Attributes
    ----------
    nlp : Language
    rules : dict of int to Rule
        By the span id of the ruler's matches.
    markers : dict of int to str
        ``"always"``, ``"unless_ur"`` or ``"ur"`` by the span id of determination wording.
    """

    nlp: Language
    rules: dict[int, Rule]
    markers: dict[int, str]

    def reading(self) -> AbstractContextManager[object]:
        """Context to make docs in: once the vocabulary is full, it forgets the new words of each context.

        A vocabulary that never forgets grows with every misspelling. The tokenizer remembers only words that stay, so
        the common ones, which come first, do.
        """
        return nullcontext() if len(self.nlp.vocab.strings) < MAX_WORDS else self.nlp.memory_zone()


@cache
def pipeline(negation: bool) -> Pipeline:
    """Build the pipeline, once per process and setting (about half a second)."""
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    book = rule_book()
    entries = [*(_entry(pattern) for pattern in book.patterns), *_determination_entries()]
    nlp.add_pipe(SPAN_RULER).add_patterns(entries)  # type: ignore[attr-defined]
    if negation:
        nlp.add_pipe(NEGATION)
    ids = nlp.vocab.strings
    rules = {ids.add(_span_id(pattern)): _rule(pattern, book) for pattern in book.patterns}
    markers = {ids.add(name): name for name in ("always", "unless_ur", "ur")}
    return Pipeline(nlp, rules, markers)


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
