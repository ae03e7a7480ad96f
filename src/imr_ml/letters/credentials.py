"""The reviewer's licenses and specialties: as a block of two labels, or in a sentence.

Knows both wordings. Knows nothing of the rest of a letter.
"""

from __future__ import annotations

import re
from typing import TypedDict

_LICENSURE = re.compile(r"State\(s\) of Licensure\s?: ?(?P<value>.*?)(?= ?Certification\(s\)|$)")
_SPECIALTIES = re.compile(r"Certification\(s\)/ ?Specialty\s?: ?(?P<value>.*)$")
# In a sentence, a list ends where the next clause begins.
_CLAUSE_END = r"(?=,? and (?:is|has|holds|licensed)\b|,? (?:is|has) |,? with an? |[.;](?: |$)|$)"
_CERTIFIED = re.compile(rf"\bboard[ -]certified in (?P<value>[^.;]{{1,200}}?){_CLAUSE_END}", re.IGNORECASE)
_SUBSPECIALTY = re.compile(
    rf"\b(?:has|holds|with) an? (?:sub-?specialty(?: certificate)?|fellowship training) in (?P<value>[^.;]{{1,200}}?)"
    rf"{_CLAUSE_END}",
    re.IGNORECASE,
)
_LICENSED = re.compile(rf"\blicensed to practice in (?P<value>[^.;]{{1,200}}?){_CLAUSE_END}", re.IGNORECASE)
_STATES = re.compile(r", (?:and )?| and ")


class Credentials(TypedDict):
    """The fields of a `Letter` that tell of its reviewer."""

    licensure: tuple[str, ...]
    specialties: tuple[str, ...]


def read_credentials(text: str) -> Credentials:
    """Licenses and specialties from the section that tells how the determination was made.

    Parameters
    ----------
    text : str
        That section on one line.

    Examples
    --------
    >>> read_credentials("The reviewer is Board Certified in Surgery and is licensed to practice in Ohio and Iowa.")
    {'licensure': ('Ohio', 'Iowa'), 'specialties': ('Surgery',)}
    """
    licensure, specialties = _LICENSURE.search(text), _SPECIALTIES.search(text)
    if licensure or specialties:
        return Credentials(
            licensure=_listed(licensure["value"]) if licensure else (),
            specialties=_listed(specialties["value"]) if specialties else (),
        )
    sentences = [mark["value"] for pattern in (_CERTIFIED, _SUBSPECIALTY) for mark in pattern.finditer(text)]
    licensed = _LICENSED.search(text)
    return Credentials(
        licensure=tuple(filter(None, _STATES.split(licensed["value"]))) if licensed else (),
        specialties=tuple(dict.fromkeys(part for value in sentences for part in _listed(value))),
    )


def _listed(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split(",") if part.strip())
