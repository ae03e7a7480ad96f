"""Split sentences and match spans with spaCy's span ruler, keeping the longest match of each label."""

from typing import NamedTuple

import numpy as np
from spacy.language import Language
from spacy.pipeline import SpanRuler
from spacy.tokens import Doc

from imr_ml.nlp.text import token_columns

SPAN_RULER = "imr_span_ruler"
DETERMINATION = "determination"
_ABBREVIATED = frozenset({"dr", "mr", "mrs", "ms", "vs", "approx", "e.g", "i.e", "st", "dept", "pg", "p.r.n"})


class Match(NamedTuple):
    """A matched phrase: half-open token span, label (a kind or `DETERMINATION`) and its rule's span id."""

    start: int
    end: int
    label: str
    span_id: int


def sentence_starts(doc: Doc) -> list[int]:
    """Places of the tokens that start a sentence: the first, and each after a full stop that ends no abbreviation.

    Computed on demand: most texts contain nothing whose scope ends with a sentence.
    """
    starts: list[int] | None = doc.user_data.get("sentences")
    if starts is None:
        orths = token_columns(doc).orths
        stop, question, exclamation = (doc.vocab.strings[mark] for mark in ".?!")
        ends = np.flatnonzero((orths == stop) | (orths == question) | (orths == exclamation)).tolist()
        words = doc.vocab.strings
        starts = [0, *(end + 1 for end in ends if 0 < end < len(doc) - 1 and not _continues(words[orths[end - 1]]))]
        doc.user_data["sentences"] = starts
    return starts


def _continues(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATED


@Language.factory(SPAN_RULER)
def make_span_ruler(nlp: Language, name: str) -> "LongestSpanRuler":
    """Make spaCy's span ruler with this room's overlap rule."""
    return LongestSpanRuler(nlp, name, phrase_matcher_attr="LOWER")


class LongestSpanRuler(SpanRuler):
    """A span ruler over phrases that keeps the longest match of each label, and lets labels overlap.

    spaCy's own filter would let "lumbar" of a diagnosis hide the body part. The doc gets its matches as plain
    `Match` tuples (see `matches_of`): making a `Span` of each costs more than finding it.
    """

    def add_patterns(self, patterns: list[dict[str, str]]) -> None:  # type: ignore[override]
        """Add phrases, each a dict of ``label``, ``pattern`` and ``id``."""
        super().add_patterns(patterns)  # type: ignore[arg-type]
        add = self.nlp.vocab.strings.add
        self._names = {match: (name["label"], add(name["id"])) for match, name in self._match_label_id_map.items()}

    def __call__(self, doc: Doc) -> Doc:
        """Find the doc's matches."""
        doc.user_data["matches"] = self._longest(doc)
        return doc

    def _longest(self, doc: Doc) -> list[Match]:
        free_from: dict[str, int] = {}
        longest = []
        for match, start, end in sorted(self.phrase_matcher(doc), key=_longest_first):
            label, span_id = self._names[match]
            if start >= free_from.get(label, 0) or label == DETERMINATION:
                free_from[label] = end
                longest.append(Match(start, end, label, span_id))
        return longest


def matches_of(doc: Doc) -> list[Match]:
    """Get the matches that the span ruler found, in text order."""
    matches: list[Match] = doc.user_data["matches"]
    return matches


def _longest_first(match: tuple[int, int, int]) -> tuple[int, int]:
    return match[1], -match[2]
