"""Detect negation with negspacy's NegEx, the terms in ``negation.toml`` and a limited reach."""

from bisect import bisect_left, bisect_right
from itertools import pairwise

from negspacy.negation import Negex
from negspacy.termsets import termset
from spacy.language import Language
from spacy.tokens import Doc

from imr_ml.nlp.components import Match, matches_of, sentence_starts
from imr_ml.nlp.rules import negation_rules

NEGATION = "imr_negation"
_Cue = tuple[int, int, int]
# Names of cues in negspacy.
_CUES = ("Preceding", "Following", "Termination")
_NEGATABLE = ("treatment", "drug", "class", "diagnosis", "finding")


@Language.factory(NEGATION)
def make_negation(nlp: Language, name: str) -> "ScopedNegex":
    """Create the negation component with the terms in ``negation.toml``."""
    return ScopedNegex(nlp, name)


class ScopedNegex(Negex):  # type: ignore[misc]
    """NegEx in which a cue reaches a limited number of tokens.

    In negspacy a cue reaches to the end of its scope, and each scope is compared with all spans of a doc. This
    component looks the spans up by position. It stores the negated matches in ``doc.user_data["negated"]``.
    """

    def __init__(self, nlp: Language, name: str) -> None:
        rules = negation_rules()
        self._reach_before, self._reach_after = rules.preceding_reach, rules.following_reach
        super().__init__(nlp, name, neg_termset=_merge_terms(), ent_types=list(_NEGATABLE))
        self._kinds = {nlp.vocab.strings[kind]: kind for kind in ("pseudo", *_CUES)}

    def negex(self, doc: Doc) -> Doc:
        """Store the negated matches of a doc."""
        preceding, following, terminating = self.process_negations(doc)
        if not preceding and not following:
            return doc
        matches = [match for match in matches_of(doc) if match.label in _NEGATABLE]
        scopes = self.termination_boundaries(doc, terminating)
        list_scopes = self.termination_boundaries(doc, [cue for cue in terminating if doc[cue[1]].text != ";"])
        list_headings = [cue for cue in preceding if doc[cue[2] - 1].text == ":"]
        others = [cue for cue in preceding if doc[cue[2] - 1].text != ":"]
        indices = self._find_reached(matches, others, following, scopes) | self._find_reached(
            matches, list_headings, [], list_scopes
        )
        doc.user_data["negated"] = {matches[index] for index in indices}
        return doc

    def process_negations(self, doc: Doc) -> tuple[list[_Cue], list[_Cue], list[_Cue]]:
        """Find preceding, following and terminating cues; a longer cue replaces those inside it."""
        cues = sorted(((self._kinds[kind], start, end) for kind, start, end in self.matcher(doc)), key=_longest_first)
        by_kind: dict[str, list[_Cue]] = {kind: [] for kind in self._kinds.values()}
        longest = (0, 0)
        for kind, start, end in cues:
            is_within = end <= longest[1] and (start, end) != longest
            if not is_within:
                longest = (start, end)
                by_kind[kind].append((0, start, end))
        pseudo = by_kind["pseudo"]
        for kind in _CUES if pseudo else ():
            by_kind[kind] = [cue for cue in by_kind[kind] if not any(start <= cue[1] < end for _, start, end in pseudo)]
        return by_kind["Preceding"], by_kind["Following"], by_kind["Termination"]

    def termination_boundaries(self, doc: Doc, terminating: list[_Cue]) -> list[tuple[int, int]]:
        """Split a doc at sentence starts and terminating cues into half-open token spans."""
        return list(pairwise(sorted([*sentence_starts(doc), *(cue[1] for cue in terminating), len(doc)])))

    def _find_reached(
        self,
        matches: list[Match],
        preceding: list[_Cue],
        following: list[_Cue],
        scopes: list[tuple[int, int]],
    ) -> set[int]:
        """Return the indices of matches within the reach and the scope of a cue."""
        starts = [match.start for match in matches]
        scope_starts = [start for start, _ in scopes]
        reached = set[int]()
        for cue in preceding:
            end = min(scopes[bisect_right(scope_starts, cue[1]) - 1][1], cue[2] + self._reach_before)
            reached.update(range(bisect_left(starts, cue[2]), bisect_left(starts, end)))
        for cue in following:
            start = max(scopes[bisect_right(scope_starts, cue[1]) - 1][0], cue[1] - self._reach_after)
            before = range(bisect_left(starts, start), bisect_left(starts, cue[1]))
            reached.update(index for index in before if matches[index].end <= cue[1])
        return reached


def _longest_first(cue: tuple[str, int, int]) -> tuple[int, int]:
    return cue[1], -cue[2]


def _merge_terms() -> dict[str, list[str]]:
    rules = negation_rules()
    terms: dict[str, list[str]] = termset("en_clinical").get_patterns()
    added = {
        "pseudo_negations": rules.add_pseudo,
        "preceding_negations": rules.add_preceding,
        "following_negations": rules.add_following,
        "termination": rules.add_termination,
    }
    return {key: sorted((set(terms[key]) - set(rules.remove)) | set(added[key])) for key in added}
