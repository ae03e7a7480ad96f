"""Negation: negspacy's NegEx with the terms of ``negation.toml`` and a limited reach."""

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
_CUES = ("Preceding", "Following", "Termination")
"""negspacy's names for them."""
_DENIABLE = ("treatment", "drug", "class", "diagnosis", "finding")


@Language.factory(NEGATION)
def make_negation(nlp: Language, name: str) -> "ScopedNegex":
    """Make negspacy's component with the terms of ``negation.toml``."""
    return ScopedNegex(nlp, name)


class ScopedNegex(Negex):  # type: ignore[misc]
    """negspacy's NegEx, with a cue reaching a limited number of tokens and one pass over the spans.

    negspacy compares each scope with all spans of a doc, and a cue there reaches to its scope's end. The
    denied matches stand in ``doc.user_data["denied"]``.
    """

    def __init__(self, nlp: Language, name: str) -> None:
        rules = negation_rules()
        self._reach_before, self._reach_after = rules.preceding_reach, rules.following_reach
        super().__init__(nlp, name, neg_termset=_terms(), ent_types=list(_DENIABLE))
        self._kinds = {nlp.vocab.strings[kind]: kind for kind in ("pseudo", *_CUES)}

    def negex(self, doc: Doc) -> Doc:
        """Mark the denied matches of a doc."""
        preceding, following, terminating = self.process_negations(doc)
        if not preceding and not following:
            return doc
        matches = [match for match in matches_of(doc) if match.label in _DENIABLE]
        scopes = self.termination_boundaries(doc, terminating)
        lists = self.termination_boundaries(doc, [cue for cue in terminating if doc[cue[1]].text != ";"])
        heading = [cue for cue in preceding if doc[cue[2] - 1].text == ":"]
        plain = [cue for cue in preceding if doc[cue[2] - 1].text != ":"]
        places = self._in_reach(matches, plain, following, scopes) | self._in_reach(matches, heading, [], lists)
        doc.user_data["denied"] = {matches[place] for place in places}
        return doc

    def process_negations(self, doc: Doc) -> tuple[list[_Cue], list[_Cue], list[_Cue]]:
        """Find preceding, following and terminating cues; the longest cue at a position counts."""
        cues = sorted(((self._kinds[kind], start, end) for kind, start, end in self.matcher(doc)), key=_longest_first)
        found: dict[str, list[_Cue]] = {kind: [] for kind in self._kinds.values()}
        longest = (0, 0)
        for kind, start, end in cues:
            is_within = end <= longest[1] and (start, end) != longest
            if not is_within:
                longest = (start, end)
                found[kind].append((0, start, end))
        pseudo = found["pseudo"]
        for kind in _CUES if pseudo else ():
            found[kind] = [cue for cue in found[kind] if not any(one[1] <= cue[1] < one[2] for one in pseudo)]
        return found["Preceding"], found["Following"], found["Termination"]

    def termination_boundaries(self, doc: Doc, terminating: list[_Cue]) -> list[tuple[int, int]]:
        """Cut a doc at its sentences and terminating cues, as half-open spans of tokens."""
        return list(pairwise(sorted([*sentence_starts(doc), *(cue[1] for cue in terminating), len(doc)])))

    def _in_reach(
        self,
        matches: list[Match],
        preceding: list[_Cue],
        following: list[_Cue],
        scopes: list[tuple[int, int]],
    ) -> set[int]:
        """Find the places of the matches that any cue reaches within its scope."""
        starts = [match.start for match in matches]
        scope_starts = [start for start, _ in scopes]
        reached = set[int]()
        for cue in preceding:
            end = min(scopes[bisect_right(scope_starts, cue[1]) - 1][1], cue[2] + self._reach_before)
            reached.update(range(bisect_left(starts, cue[2]), bisect_left(starts, end)))
        for cue in following:
            start = max(scopes[bisect_right(scope_starts, cue[1]) - 1][0], cue[1] - self._reach_after)
            before = range(bisect_left(starts, start), bisect_left(starts, cue[1]))
            reached.update(place for place in before if matches[place].end <= cue[1])
        return reached


def _longest_first(cue: tuple[str, int, int]) -> tuple[int, int]:
    return cue[1], -cue[2]


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
