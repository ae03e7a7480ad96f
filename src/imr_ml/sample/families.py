"""Draw the guideline families that the administrator and the reviewer cite."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from imr_ml.guidelines.types import FAMILIES
from imr_ml.sample.chance import Table, draw, table

if TYPE_CHECKING:
    from random import Random

    from imr_ml.sample.draw import Case, ItemFacts
    from imr_ml.sample.model import CitingRates, Families, Treatment

MTUS_2016 = date(2016, 7, 28)
"""Opioids guideline and chronic pain guideline of 2016 in force (8 CCR 9792.24.2 and 9792.24.4)."""
MTUS_2017 = date(2017, 12, 1)
"""ACOEM chapters adopted by reference, chronic pain and opioids among them."""

_CHRONIC_DAYS = 90
_CACHE_SIZE = 1 << 15
_Factors = tuple[tuple[str, float], ...]


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
    """Draw the topics that the administrator cites for one item, given its habit in the letter.

    Parameters
    ----------
    rng : Random
    treatment : Treatment
    habit : str
    rates : CitingRates
    """
    if habit == "nothing":
        return frozenset({"none"})
    if habit == "outside" and treatment.odg:
        return frozenset({"odg"})
    informed = rng.random() < rates.ur_informed
    cites = draw(rng, treatment.reviewer_table if informed else treatment.administrator_table)
    if cites != {"none"} and treatment.odg and rng.random() < rates.ur_adds_odg:
        return cites | {"odg"}
    return cites


def reviewer_cites(rng: Random, item: ItemFacts, case: Case, rates: CitingRates) -> Families:
    """Draw the topics that the reviewer cites for one item, of which all else is known.

    Parameters
    ----------
    rng : Random
    item : ItemFacts
    case : Case
    rates : CitingRates
    """
    factors = _factors(item, item.overturned, case.odg_fond, case, rates)
    return draw(rng, _sets(item.treatment, item.ur_cites, factors, rates.agreement))


def family_probabilities(item: ItemFacts, case: Case, rates: CitingRates) -> tuple[float, ...]:
    """Return the probability that the reviewer cites each family, in the taxonomy's order.

    It is what the model gives to one who knows every fact that a letter states before the decision: neither the
    outcome nor whether this reviewer is fond of ODG.

    Parameters
    ----------
    item : ItemFacts
    case : Case
    rates : CitingRates
    """
    total = [0.0] * len(FAMILIES)
    edition = max((day for day in (MTUS_2016, MTUS_2017) if day <= case.dates.decision), default=date.min)
    for overturned, p in ((True, item.p_overturned), (False, 1 - item.p_overturned)):
        for fond, share in ((True, rates.odg_fond_share), (False, 1 - rates.odg_fond_share)):
            factors = _factors(item, overturned, fond, case, rates)
            shares = _shares(item.treatment, item.ur_cites, factors, rates.agreement, edition)
            total = [sum_ + p * share * one for sum_, one in zip(total, shares, strict=True)]
    return tuple(total)


def _factors(item: ItemFacts, overturned: bool, odg_fond: bool, case: Case, rates: CitingRates) -> _Factors:
    """By which the weight of a set with a topic is multiplied."""
    odg = rates.odg_fond_factor if odg_fond else rates.odg_other_factor
    if overturned and case.signals["neuro_deficit"]:
        odg *= rates.overturned_odg_factor
    factors = [("odg", odg)]
    if item.region.chapter is None and not item.treatment.general:
        factors.append(("acoem", rates.no_chapter_factor))
    if (case.dates.denial - case.dates.injury).days > _CHRONIC_DAYS:
        factors.append(("chronic_pain", rates.chronic_factor))
    return tuple(factors)


@lru_cache(maxsize=_CACHE_SIZE)
def _sets(treatment: Treatment, ur_cites: Families, factors: _Factors, agreement: float) -> Table[Families]:
    """The reviewers' sets of topics, to draw from."""
    weighted = []
    for cites, prior in treatment.reviewer_sets:
        overlap = len(cites & ur_cites) / len(cites | ur_cites)
        weight = prior * (1 + (agreement - 1) * overlap)
        for topic, factor in factors:
            if topic in cites:
                weight *= factor
        weighted.append((cites, weight))
    return table(weighted)


@lru_cache(maxsize=_CACHE_SIZE)
def _shares(
    treatment: Treatment, ur_cites: Families, factors: _Factors, agreement: float, edition: date
) -> tuple[float, ...]:
    """The probability of each family, in the taxonomy's order, by an edition of the MTUS."""
    sets = _sets(treatment, ur_cites, factors, agreement)
    shares = dict.fromkeys(FAMILIES, 0.0)
    for cites, high, low in zip(sets.values, sets.cumulative, (0.0, *sets.cumulative), strict=False):
        for family in families_on(cites, edition):
            shares[family] += (high - low) / sets.cumulative[-1]
    return tuple(shares.values())
