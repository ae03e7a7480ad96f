"""The spaCy pipeline: blank English, sentences, span rules, negation; built when first asked for.

Knows spaCy, negspacy and the rule files. Knows nothing of requests or tables.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import spacy
from negspacy.negation import Negex
from negspacy.termsets import termset
from spacy.language import Language
from spacy.pipeline import Sentencizer, SpanRuler
from spacy.tokens import Doc, Span

from imr_ml.nlp.rules import Pattern, RuleBook, determination_rules, negation_rules, rule_book
from imr_ml.nlp.text import ClinicalTokenizer
from imr_ml.nlp.types import Kind

FACTS = "facts"
DETERMINATION = "determination"
_Cue = tuple[int, int, int]
_DENIABLE = ("treatment", "drug", "class", "diagnosis", "finding")
_ABBREVIATED = frozenset({"dr", "mr", "mrs", "ms", "vs", "approx", "e.g", "i.e", "st", "dept", "pg", "p.r.n"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a span came from; ``capitals`` says that it counts in capitals only, ``classes`` are a drug's."""

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


@cache
def pipeline(negation: bool) -> Pipeline:
    """Build the pipeline, once per process and setting (about half a second)."""
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    nlp.add_pipe("imr_sentences")
    ruler = nlp.add_pipe("imr_span_ruler")
    book = rule_book()
    ruler.add_patterns([_entry(pattern) for pattern in book.patterns] + list(_determination_entries()))  # type: ignore[attr-defined]
    if negation:
        nlp.add_pipe("imr_negation")
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


def _determination_entries() -> Iterable[dict[str, str]]:
    for marker, phrases in determination_rules().model_dump().items():
        for phrase in phrases:
            yield {"label": DETERMINATION, "pattern": phrase, "id": marker}


@Language.factory("imr_sentences")
def make_sentences(nlp: Language, name: str) -> "ClinicalSentencizer":
    """Make spaCy's sentencizer with this room's rule."""
    del nlp
    return ClinicalSentencizer(name)


class ClinicalSentencizer(Sentencizer):  # type: ignore[misc]
    """Starts a sentence after each full stop that ends no abbreviation or initial."""

    def predict(self, docs: Iterable[Doc]) -> list[list[bool]]:
        """Whether each token starts a sentence."""
        return [self._starts(doc) for doc in docs]

    def _starts(self, doc: Doc) -> list[bool]:
        starts = [False] * len(doc)
        if not starts:
            return starts
        starts[0] = True
        orths: Any = doc.to_array("ORTH")
        stop, question, exclamation = (doc.vocab.strings[mark] for mark in ".?!")
        for end in np.flatnonzero((orths == stop) | (orths == question) | (orths == exclamation)).tolist():
            if 0 < end < len(starts) - 1 and not _continues(doc[end - 1].text):
                starts[end + 1] = True
        return starts


def _continues(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATED


@Language.factory("imr_span_ruler")
def make_span_ruler(nlp: Language, name: str) -> "LongestSpanRuler":
    """Make spaCy's span ruler under the key the rest of this room reads."""
    return LongestSpanRuler(nlp, name, spans_key=FACTS, phrase_matcher_attr="LOWER", overwrite=True)


class LongestSpanRuler(SpanRuler):
    """A span ruler over phrases that keeps the longest match of each label, and lets labels overlap.

    spaCy's own filter would let "lumbar" of a diagnosis hide the body part; and it sorts spans, which costs
    more than the matching.
    """

    def add_patterns(self, patterns: list[dict[str, str]]) -> None:  # type: ignore[override]
        """Add phrases, each a dict of ``label``, ``pattern`` and ``id``."""
        super().add_patterns(patterns)  # type: ignore[arg-type]
        add = self.nlp.vocab.strings.add
        self._names = {
            match: (add(name["label"]), add(name["id"])) for match, name in self._match_label_id_map.items()
        }
        self._determination = add(DETERMINATION)

    def match(self, doc: Doc) -> list[Span]:
        """Spans in text order, none overlapping another of its label."""
        free_from: dict[int, int] = {}
        spans = []
        for match, start, end in sorted(self.phrase_matcher(doc), key=_longest_first):
            label, span_id = self._names[match]
            if start >= free_from.get(label, 0) or label == self._determination:
                free_from[label] = end
                spans.append(Span(doc, start, end, label=label, span_id=span_id))
        return spans

    def set_annotations(self, doc: Doc, matches: list[Span]) -> None:
        """Facts and determination wording under a key each, since few docs hold the latter."""
        doc.spans[DETERMINATION] = [span for span in matches if span.label == self._determination]
        doc.spans[FACTS] = [span for span in matches if span.label != self._determination]


def _longest_first(match: tuple[int, int, int]) -> tuple[int, int]:
    return match[1], -match[2]


@Language.factory("imr_negation")
def make_negation(nlp: Language, name: str) -> "ScopedNegex":
    """Make negspacy's component with the terms of ``negation.toml``."""
    return ScopedNegex(nlp, name)


class ScopedNegex(Negex):  # type: ignore[misc]
    """negspacy's NegEx, with a cue reaching a limited number of tokens and one pass over the spans.

    negspacy compares each scope with all spans of a doc, and a cue there reaches to its scope's end.
    Denied spans are listed in ``doc.user_data["denied"]`` as (start, end, label) besides the extension
    ``span._.negex``.
    """

    def __init__(self, nlp: Language, name: str) -> None:
        rules = negation_rules()
        self._reach_before, self._reach_after = rules.preceding_reach, rules.following_reach
        super().__init__(nlp, name, neg_termset=_terms(), ent_types=list(_DENIABLE), span_keys=[FACTS])

    def negex(self, doc: Doc) -> Doc:
        """Mark the denied spans of a doc."""
        preceding, following, terminating = self.process_negations(doc)
        if not preceding and not following:
            return doc
        spans = list(doc.spans[FACTS])
        cues = self._cues_near(spans, preceding, following, self.termination_boundaries(doc, terminating))
        denied = set()
        for place, (before, after) in cues.items():
            span = spans[place]
            self._apply_negation(span, before, after)
            if span._.negex:
                denied.add((span.start, span.end, span.label_))
        doc.user_data["denied"] = denied
        return doc

    def _cues_near(
        self, spans: list[Span], preceding: list[_Cue], following: list[_Cue], scopes: list[tuple[int, int]]
    ) -> dict[int, tuple[list[_Cue], list[_Cue]]]:
        """List the cues before and after each span that has any in scope and reach, by the span's place."""
        starts = [span.start for span in spans]
        scope_starts = [start for start, _ in scopes]
        near: dict[int, tuple[list[_Cue], list[_Cue]]] = defaultdict(lambda: ([], []))
        for cue in preceding:
            end = min(scopes[bisect_right(scope_starts, cue[1]) - 1][1], cue[2] + self._reach_before)
            for place in range(bisect_left(starts, cue[2]), bisect_left(starts, end)):
                near[place][0].append(cue)
        for cue in following:
            start = max(scopes[bisect_right(scope_starts, cue[1]) - 1][0], cue[1] - self._reach_after)
            for place in range(bisect_left(starts, start), bisect_left(starts, cue[1])):
                if spans[place].end <= cue[1]:
                    near[place][1].append(cue)
        return near


def _terms() -> dict[str, list[str]]:
    rules = negation_rules()
    terms: dict[str, list[str]] = termset("en_clinical").get_patterns()
    added = {
        "pseudo_negations": rules.add_pseudo,
        "preceding_negations": rules.add_preceding,
        "following_negations": rules.add_following,
        "termination": rules.add_termination,
    }
    return {key: sorted((set(terms[key]) - set(rules.remove)) | set(added[key])) for key in added}
