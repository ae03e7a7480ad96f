"""Split sentences and match phrases with spaCy's span ruler, keeping the longest match of each label."""

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
    """A matched phrase: half-open token span, label (a kind or `DETERMINATION`) and span id of the rule."""

    start: int
    end: int
    label: str
    span_id: int


def sentence_starts(doc: Doc) -> list[int]:
    """Indices of the tokens that start a sentence: the first, and any after a ".", "?" or "!" that ends a sentence.

    Computed on demand, as most texts have no cue that needs sentences.
    """
    starts: list[int] | None = doc.user_data.get("sentences")
    if starts is None:
        orths = token_columns(doc).orths
        stop, question, exclamation = (doc.vocab.strings[mark] for mark in ".?!")
        ends = np.flatnonzero((orths == stop) | (orths == question) | (orths == exclamation)).tolist()
        words = doc.vocab.strings
        starts = [
            0,
            *(end + 1 for end in ends if 0 < end < len(doc) - 1 and not _is_abbreviation(words[orths[end - 1]])),
        ]
        doc.user_data["sentences"] = starts
    return starts


def _is_abbreviation(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATED


@Language.factory(SPAN_RULER)
def make_span_ruler(nlp: Language, name: str) -> "LongestSpanRuler":
    """Create the span ruler, which ignores case."""
    return LongestSpanRuler(nlp, name, phrase_matcher_attr="LOWER")


class LongestSpanRuler(SpanRuler):
    """Span ruler that keeps the longest match of each label; matches of different labels may overlap.

    spaCy's filter would drop the body part "lumbar" inside a diagnosis. The doc stores `Match` tuples (see
    `matches_of`), because creating a `Span` takes longer than finding the match.
    """

    def add_patterns(self, patterns: list[dict[str, str]]) -> None:  # type: ignore[override]
        """Add phrases as dicts with the keys ``label``, ``pattern`` and ``id``."""
        super().add_patterns(patterns)  # type: ignore[arg-type]
        add = self.nlp.vocab.strings.add
        self._names = {match: (name["label"], add(name["id"])) for match, name in self._match_label_id_map.items()}

    def __call__(self, doc: Doc) -> Doc:
        """Store the matches of a doc."""
        doc.user_data["matches"] = self._find_longest(doc)
        return doc

    def _find_longest(self, doc: Doc) -> list[Match]:
        free_from: dict[str, int] = {}
        longest = []
        for match, start, end in sorted(self.phrase_matcher(doc), key=_longest_first):
            label, span_id = self._names[match]
            if start >= free_from.get(label, 0) or label == DETERMINATION:
                free_from[label] = end
                longest.append(Match(start, end, label, span_id))
        return longest


def matches_of(doc: Doc) -> list[Match]:
    """Return the matches of the span ruler in text order."""
    matches: list[Match] = doc.user_data["matches"]
    return matches


def _longest_first(match: tuple[int, int, int]) -> tuple[int, int]:
    return match[1], -match[2]
