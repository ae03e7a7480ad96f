"""Data types of citations: guideline families and one cited guideline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imr_ml.errors import ImrError


class Family(StrEnum):
    """Family of guidelines that a citation belongs to."""

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
    """A taxonomy file is invalid; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A guideline reference by a reviewer or a claims administrator.

    Attributes
    ----------
    family : Family
        Group in the taxonomy, e.g. ``Family.ACOEM``.
    title : str
        The guideline's title in the taxonomy; if the taxonomy lacks it, the wording of the citation.
    mtus : bool
        Whether the letter cites it as part of the Medical Treatment Utilization Schedule.
    guideline : str or None
        Identifier of the taxonomy entry, e.g. ``"low_back"``; None if the taxonomy lacks it.
    chapter : int or None
        ACOEM chapter (2nd edition numbering); None for other guidelines.
    year : int or None
        Edition; None if not stated.
    sections : tuple of str
        Sections, as written.
    pages : tuple of (int, int)
        Inclusive page ranges, in the guideline's numbering.
    topics : tuple of str
        Taxonomy identifiers of the sections' topics, without sections that the taxonomy lacks.
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
