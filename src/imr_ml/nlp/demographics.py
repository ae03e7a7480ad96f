"""Find the worker's age and sex in a clinical summary."""

import re
from dataclasses import dataclass
from typing import Literal

Sex = Literal["male", "female"]

_AGE_FORMS = (
    r"(?P<old>\d{1,3})\s*-?\s*(?:years?|yrs?)\.?\s*-?\s*old\b",
    r"(?P<yo>\d{1,3})\s*-?\s*y\s*[/.]?\s*[/.]?\s*o\b\.?",
    r"(?P<of_age>\d{1,3})\s*years?\s+of\s+age\b",
    r"\baged?\s*:?\s*(?P<aged>\d{1,3})\b",
)
_AGE = re.compile("|".join(_AGE_FORMS), re.IGNORECASE)
_SEX_WORDS: dict[str, Sex] = {"male": "male", "man": "male", "gentleman": "male", "m": "male"}
_SEX_WORDS |= {"female": "female", "woman": "female", "lady": "female", "f": "female"}
_SEX_AFTER_AGE = re.compile(
    r"[\s,-]*(?:(?!fe?male)[a-z-]+[\s,]+){0,3}?(male|female|man|woman|gentleman|lady|m|f)\b", re.IGNORECASE
)
_WORKER = r"(?:injured\s+)?(?:worker|patient|claimant|employee|applicant)"
_IS_A = r"is\s+an?\s+(?:[\w-]+\s+){0,4}?"
_SEX_OF_WORKER = re.compile(
    rf"\b(?P<before>male|female)\s+{_WORKER}\b|\b{_WORKER}\s+{_IS_A}(?P<after>male|female|man|woman)\b",
    re.IGNORECASE,
)
# Workers are adults or working minors; other ages in a summary belong to children, scars or prostheses.
_YOUNGEST, _OLDEST = 14, 99


@dataclass(frozen=True, slots=True)
class Demographics:
    """Age in whole years and sex; None if the text does not state it."""

    age_years: int | None = None
    sex: Sex | None = None


def find_demographics(text: str) -> Demographics:
    """Find the first plausible age, and the sex next to it or next to a word such as "worker".

    >>> find_demographics("A 48 year old male fell.")
    Demographics(age_years=48, sex='male')
    >>> find_demographics("A 52-yo woman."), find_demographics("Seen for pain.")
    (Demographics(age_years=52, sex='female'), Demographics(age_years=None, sex=None))
    """
    for match in _AGE.finditer(text):
        age = int(match[match.lastgroup or 0])
        if _YOUNGEST <= age <= _OLDEST:
            beside = _SEX_AFTER_AGE.match(text, match.end())
            return Demographics(age, _SEX_WORDS[beside[1].lower()] if beside else _sex_of_worker(text))
    return Demographics(None, _sex_of_worker(text))


def _sex_of_worker(text: str) -> Sex | None:
    match = _SEX_OF_WORKER.search(text)
    return _SEX_WORDS[match[match.lastgroup or 0].lower()] if match else None
