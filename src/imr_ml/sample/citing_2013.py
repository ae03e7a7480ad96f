"""Word the guideline sentences of 2013."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.sample.citing import MTUS_ORDER, odg_citation
from imr_ml.sample.facts import between, pick
from imr_ml.sample.wording import listed

if TYPE_CHECKING:
    from random import Random

    from imr_ml.sample.catalog import Families
    from imr_ml.sample.facts import ItemFacts

_TITLES = {
    "acupuncture": ("Acupuncture Medical Treatment Guidelines (2007)",),
    "postsurgical": ("Postsurgical Treatment Guidelines (2009)",),
    "chronic_pain": (
        "Chronic Pain Medical Treatment Guidelines (2009)",
        "Chronic Pain Medical Treatment Guidelines (May 2009)",
        "Chronic Pain Guidelines",
    ),
}
_ACOEM = (
    "{} (ACOEM Practice Guidelines, 2nd Edition (2004))",
    "ACOEM Practice Guidelines, {}",
    "American College of Occupational and Environmental Medicine (ACOEM), 2nd Edition, (2004), {}",
)
_IN_MTUS = ("which is part of the MTUS", "part of the Medical Treatment Utilization Schedule (MTUS)")
_OUTSIDE = ("which is not part of the MTUS", "a medical treatment guideline not part of the MTUS")
_NO_CRITERIA = ("did not cite any evidence-based criteria", "did not cite any guideline", "did not cite any criteria")
_AGREED_SHARE = 0.3


def guideline_sentences(rng: Random, item: ItemFacts, reviewer: str, references: tuple[str, ...]) -> tuple[str, str]:
    """Word what the administrator and the reviewer based their decisions on; `reviewer` is the latter's title."""
    administrator = _sentence(rng, item.ur_cites, item, "The Claims Administrator", "its", references)
    who = f"The {reviewer} Reviewer"
    if item.families == item.ur_families != {"none"} and rng.random() < _AGREED_SHARE:
        return administrator, f"{who} found the guidelines used by the Claims Administrator relevant."
    return administrator, _sentence(rng, item.cites, item, who, "his/her", references)


def own_guideline(rng: Random, item: ItemFacts, reviewer: str, references: tuple[str, ...]) -> str:
    """Word what the reviewer based the decision on, where the administrator's guideline is not printed."""
    return _sentence(rng, item.cites, item, f"The {reviewer} Reviewer", "his/her", references)


def _sentence(rng: Random, cites: Families, item: ItemFacts, who: str, whose: str, references: tuple[str, ...]) -> str:
    if "none" in cites:
        return f"{who} {pick(rng, _NO_CRITERIA)}."
    based = [f"the {_mtus(rng, topic, item)}, {pick(rng, _IN_MTUS)}" for topic in MTUS_ORDER if topic in cites]
    if "odg" in cites:
        based.append(f"the {odg_citation(rng, item, 0.1)}, {pick(rng, _OUTSIDE)}")
    if "other" in cites:
        based.append(f"{pick(rng, references)}, {pick(rng, _OUTSIDE)}")
    return f"{who} based {whose} decision on {listed(based)}."


def _mtus(rng: Random, topic: str, item: ItemFacts) -> str:
    if topic == "acoem":
        chapter = (item.region.chapter or "General Approaches 2004").rsplit(" ", 1)[0]
        return pick(rng, _ACOEM).format(chapter)
    # Opioids had no guideline of their own then.
    title = pick(rng, _TITLES["chronic_pain" if topic == "opioids" else topic])
    sections = {"chronic_pain": item.treatment.chronic_pain, "opioids": ("Opioids, criteria for use",)}.get(topic, ())
    section = f", {pick(rng, sections)}" if sections and rng.random() < 0.6 else ""
    return f"{title}{section}, page {between(rng, 8, 127)}" if rng.random() < 0.6 else f"{title}{section}"
