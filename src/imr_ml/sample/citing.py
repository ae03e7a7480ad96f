"""Word what the administrator and the reviewer cite: "Decision based on MTUS ..., Section(s): ..."."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.sample.chance import between, pick
from imr_ml.sample.families import MTUS_2016, MTUS_2017
from imr_ml.sample.model import Format
from imr_ml.sample.wording import listed

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from imr_ml.sample.draw import ItemFacts, LetterFacts
    from imr_ml.sample.model import CitingRates, Families

_MTUS_ORDER = ("acoem", "postsurgical", "acupuncture", "chronic_pain", "opioids")
_ODG_NAMES = (
    "Official Disability Guidelines (ODG)",
    "Official Disability Guidelines (ODG),",
    "Official Disability Guidelines (ODG),",
    "Official Disability Guidelines,",
    "ODG",
)
_GENERAL = ("Initial Approaches to Treatment", "Cornerstones of Disability Prevention and Management")

_REVIEWERS_2013 = {
    Format.EARLIEST: "Expert",
    Format.PROFESSIONAL_REVIEW: "Professional",
    Format.NUMBERED: "Physician",
}
_TITLES_2013 = {
    "acupuncture": ("Acupuncture Medical Treatment Guidelines (2007)",),
    "postsurgical": ("Postsurgical Treatment Guidelines (2009)",),
    "chronic_pain": (
        "Chronic Pain Medical Treatment Guidelines (2009)",
        "Chronic Pain Medical Treatment Guidelines (May 2009)",
        "Chronic Pain Guidelines",
    ),
}
_ACOEM_2013 = (
    "{} (ACOEM Practice Guidelines, 2nd Edition (2004))",
    "ACOEM Practice Guidelines, {}",
    "American College of Occupational and Environmental Medicine (ACOEM), 2nd Edition, (2004), {}",
)
_IN_MTUS = ("which is part of the MTUS", "part of the Medical Treatment Utilization Schedule (MTUS)")
_NOT_IN_MTUS = ("which is not part of the MTUS", "a medical treatment guideline not part of the MTUS")
_NO_CRITERIA = ("did not cite any evidence-based criteria", "did not cite any guideline", "did not cite any criteria")
_AGREED_SHARE = 0.3
_BARE_SHARE_2013 = 0.1
_DETAIL_SHARE_2013 = 0.6


def word_guidelines(
    rng: Random, item: ItemFacts, facts: LetterFacts, rates: CitingRates, references: tuple[str, ...]
) -> tuple[str, str]:
    """Word what administrator and reviewer cite for one item, as the letter's format does.

    Parameters
    ----------
    rng : Random
        The letter's stream.
    item : ItemFacts
        The item.
    facts : LetterFacts
        Its letter; a professional review does not print what the administrator cites.
    rates : CitingRates
        How often a citation names no section.
    references : tuple of str
        Names of other literature.
    """
    if facts.format.headed:
        day = facts.dates.decision
        return (
            _paragraph(rng, item.ur_cites, item, day, rates.ur_bare, "Claims Administrator", references),
            _paragraph(rng, item.cites, item, day, rates.bare, "Expert Reviewer", references),
        )
    reviewer = f"The {_REVIEWERS_2013[facts.format]} Reviewer"
    administrator = ""
    if facts.format is not Format.PROFESSIONAL_REVIEW:
        administrator = _sentence(rng, item.ur_cites, item, "The Claims Administrator", "its", references)
        if item.families == item.ur_families != {"none"} and rng.random() < _AGREED_SHARE:
            return administrator, f"{reviewer} found the guidelines used by the Claims Administrator relevant."
    return administrator, _sentence(rng, item.cites, item, reviewer, "his/her", references)


def _paragraph(
    rng: Random, cites: Families, item: ItemFacts, day: date, bare: float, who: str, references: tuple[str, ...]
) -> str:
    if "none" in cites:
        return f"The {who} did not cite any medical evidence for its decision."
    mtus = [_mtus(rng, topic, item, day, bare) for topic in _MTUS_ORDER if topic in cites]
    outside = [_odg(rng, item, bare)] if "odg" in cites else []
    if "other" in cites:
        outside.append(pick(rng, references))
    inside = f"The {who} based their decision on recommendation(s) outside of the MTUS Guidelines."
    if mtus:
        inside = f"Decision based on MTUS {', and '.join(mtus)}."
    if not outside:
        return inside
    return f"{inside} Decision based on Non-MTUS Citation {' and Other Medical Treatment Guidelines: '.join(outside)}."


def _mtus(rng: Random, topic: str, item: ItemFacts, day: date, bare: float) -> str:
    title, sections = _title_and_sections(rng, topic, item, day)
    return title if not sections or rng.random() < bare else f"{title}, Section(s): {pick(rng, sections)}"


def _title_and_sections(rng: Random, topic: str, item: ItemFacts, day: date) -> tuple[str, tuple[str, ...]]:
    treatment, region = item.treatment, item.region
    if topic == "acupuncture":
        return "Acupuncture Treatment 2007", ()
    if topic == "postsurgical":
        return "Postsurgical Treatment 2009", (region.postsurgical,) if region.postsurgical else ()
    if topic == "acoem":
        return _acoem(rng, item, day)
    if day >= MTUS_2017:
        return ("Opioids 2017", ()) if topic == "opioids" else ("Chronic Pain 2017", ())
    if topic == "opioids" and day >= MTUS_2016:
        return "Opioid Treatment 2016", treatment.opioids
    return f"Chronic Pain Medical Treatment {2016 if day >= MTUS_2016 else 2009}", treatment.chronic_pain


def _acoem(rng: Random, item: ItemFacts, day: date) -> tuple[str, tuple[str, ...]]:
    chapter = item.region.chapter_2017 if day >= MTUS_2017 else item.region.chapter
    if chapter is None or (item.treatment.general and rng.random() < 0.5):
        if day >= MTUS_2017:
            return "Initial Approaches to Treatment 2017", ()
        return "General Approaches 2004", _GENERAL
    return chapter, item.treatment.acoem


def _odg(rng: Random, item: ItemFacts, bare: float) -> str:
    """A citation of ODG; half a share of ``bare`` names no chapter."""
    name = pick(rng, _ODG_NAMES)
    if rng.random() < bare / 2 or not item.treatment.odg:
        return name.rstrip(",")
    is_drug = item.treatment.category == "Pharmaceuticals"
    chapter = pick(rng, ("Pain Chapter", "Pain (Chronic)", "Pain") if is_drug else item.region.odg)
    topic = pick(rng, item.treatment.odg)
    form = rng.random()
    if form < 0.2:
        return f"{name} {chapter}"
    return f"{name} {chapter}: {topic}" if form < 0.35 else f"{name} {chapter}, {topic}"


def _sentence(rng: Random, cites: Families, item: ItemFacts, who: str, whose: str, references: tuple[str, ...]) -> str:
    """What one party based its decision on, as the letters of 2013 word it."""
    if "none" in cites:
        return f"{who} {pick(rng, _NO_CRITERIA)}."
    based = [f"the {_mtus_2013(rng, topic, item)}, {pick(rng, _IN_MTUS)}" for topic in _MTUS_ORDER if topic in cites]
    if "odg" in cites:
        based.append(f"the {_odg(rng, item, _BARE_SHARE_2013)}, {pick(rng, _NOT_IN_MTUS)}")
    if "other" in cites:
        based.append(f"{pick(rng, references)}, {pick(rng, _NOT_IN_MTUS)}")
    return f"{who} based {whose} decision on {listed(based)}."


def _mtus_2013(rng: Random, topic: str, item: ItemFacts) -> str:
    if topic == "acoem":
        chapter = (item.region.chapter or "General Approaches 2004").rsplit(" ", 1)[0]
        return pick(rng, _ACOEM_2013).format(chapter)
    # Opioids had no guideline of their own then.
    title = pick(rng, _TITLES_2013["chronic_pain" if topic == "opioids" else topic])
    sections = {"chronic_pain": item.treatment.chronic_pain, "opioids": ("Opioids, criteria for use",)}.get(topic, ())
    section = f", {pick(rng, sections)}" if sections and rng.random() < _DETAIL_SHARE_2013 else ""
    page = f", page {between(rng, 8, 127)}" if rng.random() < _DETAIL_SHARE_2013 else ""
    return f"{title}{section}{page}"
