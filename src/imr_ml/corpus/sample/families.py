"""Who cites what: the draw of the guideline families of administrator and reviewer.

Knows how the reviewer's families depend on treatment, region, the administrator's families, the age of the
injury and the outcome, and how families change with the editions of the MTUS. Knows nothing of wording.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from imr_ml.corpus.sample.chance import draw, table

if TYPE_CHECKING:
    from random import Random

    from imr_ml.corpus.sample.catalog import Families, Region, Treatment
    from imr_ml.corpus.sample.facts import Case
    from imr_ml.corpus.sample.model import CitingRates

MTUS_2016 = date(2016, 7, 28)
"""Opioids guideline and chronic pain guideline of 2016 in force (8 CCR 9792.24.2 and 9792.24.4)."""
MTUS_2017 = date(2017, 12, 1)
"""ACOEM chapters adopted by reference, chronic pain and opioids among them."""

_NONE: Families = frozenset({"none"})
_CHRONIC_DAYS = 90


def families_on(topics: Families, decision: date) -> Families:
    """Map cited topics to the guideline families that they belong to on a decision date.

    Before July 2016 opioids were a part of the chronic pain guideline; from December 2017 both are ACOEM
    chapters.
    """
    if decision < MTUS_2016:
        return frozenset("chronic_pain" if topic == "opioids" else topic for topic in topics)
    if decision >= MTUS_2017:
        return frozenset("acoem" if topic in ("opioids", "chronic_pain") else topic for topic in topics)
    return topics


def administrator_cites(rng: Random, treatment: Treatment, habit: str, rates: CitingRates) -> Families:
    """Draw the topics that the administrator cites for one item, given its habit in the letter."""
    if habit == "nothing":
        return _NONE
    if habit == "outside" and treatment.odg:
        return frozenset({"odg"})
    informed = rng.random() < rates.ur_informed
    cites = draw(rng, treatment.reviewer_table if informed else treatment.administrator_sets)
    if cites != _NONE and treatment.odg and rng.random() < rates.ur_adds_odg:
        return cites | {"odg"}
    return cites


def reviewer_cites(
    rng: Random,
    treatment: Treatment,
    region: Region,
    ur_cites: Families,
    overturned: bool,
    case: Case,
    rates: CitingRates,
) -> Families:
    """Draw the topics that the reviewer cites for one item."""
    factors = {"odg": rates.odg_fond_factor if case.odg_fond else rates.odg_other_factor}
    if overturned and case.signals["neuro_deficit"]:
        factors["odg"] *= rates.overturned_odg_factor
    if region.chapter is None and not treatment.general:
        factors["acoem"] = rates.no_chapter_factor
    if (case.dates.denial - case.dates.injury).days > _CHRONIC_DAYS:
        factors["chronic_pain"] = rates.chronic_factor
    weighted = ((cites, _weight(cites, prior, ur_cites, factors, rates)) for cites, prior in treatment.reviewer_sets)
    return draw(rng, table(weighted))


def _weight(
    families: Families, prior: float, ur_cites: Families, factors: dict[str, float], rates: CitingRates
) -> float:
    overlap = len(families & ur_cites) / len(families | ur_cites)
    weight = prior * (1 + (rates.agreement - 1) * overlap)
    for family, factor in factors.items():
        if family in families:
            weight *= factor
    return weight
