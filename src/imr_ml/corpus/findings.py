"""Extract the pre-review part of a DMHC Findings narrative.

A determination leaks through any sentence of the reviewer, not only through the last one. So a narrative is kept up
to the first label or sentence that may be the reviewer's, whichever comes first, and where it does not begin as a
case summary does, it is dropped: a missing text costs less than one that gives the outcome away.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LABELLED = re.compile(
    r"^\W*(?:summary\s+reviewer\s*\d*\W+)?"
    r"(?:nature\s+of\s+statutory\s+criteria\s*/?\s*)?case\s+summary\s*:\s*|^\W*nature\s+of\s+statutory\s+criteria\s*:\s*",
    re.I,
)
# Without a label, only a narrative that begins with who asked for what is a case summary.
_ASKED = re.compile(
    r"^\W*(?:an?|the|this)\b[^.;]{0,120}?\b(?:enrollee|patient|member|beneficiary|insured|parents?|guardian)\b"
    r"[^.;]{0,120}?\b(?:has|have|had|is|are)?\s*(?:requested|requests|requesting|asked|seeks|seeking)\b",
    re.I,
)
_NEXT_LABEL = re.compile(
    r"\b(?:findings?|final\s+results?|results?|determinations?|conclusions?|rationale|analysis|discussion"
    r"|credentials(?:\s*/\s*qualifications)?|qualifications|summary\s+reviewer\s*\d*|reviewer\s*\d+)\s*:"
    r"|\bsummary\s+reviewer\s*\d",
    re.I,
)
# A sentence with a word that begins so may be the reviewer's, or tell what came of the request.
# fmt: off
_JUDGING = (
    "review", "upheld", "uphold", "overturn", "overrul", "revers", "affirm", "necess", "unnecess", "indicated",
    "warrant", "unwarrant", "appropriate", "inappropriate", "justif", "unjustif", "beneficial", "efficac",
    "effective", "ineffective", "superior", "support", "unsupport", "standard", "literature", "evidence",
    "study", "studies", "trial", "guideline", "criteri", "consensus", "determin", "conclu", "found", "find",
    "opinion", "recommend", "therefore", "thus", "hence", "accordingly", "should", "must", "ought", "entitled",
    "approv", "authoriz", "grant", "favor", "agree", "disagree", "fail", "insufficient", "credential", "qualif",
    "certified", "likely", "unlikely", "reasonabl", "unreasonabl", "merit",
)
# fmt: on
_WORD = re.compile(r"[a-z]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")


def pre_decision_summary(findings: str) -> str | None:
    """The case summary of a narrative, without the determination and all that follows; None where no cut is safe.

    Examples
    --------
    >>> pre_decision_summary(
    ...     "Nature of Statutory Criteria/Case Summary: An enrollee has requested a knee brace. "
    ...     "Findings: The brace is medically necessary. Final Result: Overturned."
    ... )
    'An enrollee has requested a knee brace.'
    >>> pre_decision_summary("The brace was medically necessary, so that the denial is overturned.")
    """
    text = " ".join(findings.split())
    label = _LABELLED.match(text)
    if label is None and _ASKED.match(text) is None:
        return None
    narrative = text[label.end() if label else 0 :]
    following = _NEXT_LABEL.search(narrative)
    kept: list[str] = []
    for sentence in _SENTENCE_END.split(narrative[: following.start()] if following else narrative):
        if _judges(sentence):
            break
        kept.append(sentence)
    return " ".join(kept).strip() or None


def _judges(sentence: str) -> bool:
    return any(map(_is_judging, _WORD.findall(sentence.lower())))


@lru_cache(maxsize=100_000)
def _is_judging(word: str) -> bool:
    return word.startswith(_JUDGING)
