"""What a citation is: the guideline families and one cited guideline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imr_ml.errors import ImrError


class Family(StrEnum):
    """Guideline family, the group that a citation belongs to."""

    ACOEM = "acoem"
    CHRONIC_PAIN = "chronic_pain"
    OPIOIDS = "opioids"
    ACUPUNCTURE = "acupuncture"
    POSTSURGICAL = "postsurgical"
    ODG = "odg"
    OTHER = "other"
    NONE = "none"


FAMILIES: tuple[str, ...] = tuple(family.value for family in Family)


class TaxonomyError(ImrError):
    """The taxonomy file is invalid; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One guideline reference as a reviewer or a claims administrator wrote it.

    Attributes
    ----------
    family : Family
        Group in the taxonomy, e.g. ``Family.ACOEM``.
    title : str
        The guideline's title in the taxonomy where it is known there, else the citation's own words.
    mtus : bool
        Whether the letter cites it as part of the Medical Treatment Utilization Schedule.
    guideline : str or None
        Identifier of the taxonomy entry, e.g. ``"low_back"``; None for what the taxonomy lacks.
    chapter : int or None
        ACOEM chapter (2nd edition numbering); None elsewhere.
    year : int or None
        Edition; None where the letter gives none.
    sections : tuple of str
        Sections, as written.
    pages : tuple of (int, int)
        Inclusive page ranges, in the guideline's own numbering.
    topics : tuple of str
        What the sections are about, by the taxonomy's identifiers; nothing for sections that it does not know.
    """

    family: Family
    title: str
    mtus: bool
    guideline: str | None = None
    chapter: int | None = None
    year: int | None = None
    sections: tuple[str, ...] = ()
    pages: tuple[tuple[int, int], ...] = ()
    topics: tuple[str, ...] = ()
