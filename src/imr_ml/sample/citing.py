"""Word guideline paragraphs: "Decision based on MTUS ..., Section(s): ..."."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.sample.facts import pick
from imr_ml.sample.families import MTUS_2016, MTUS_2017

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from imr_ml.sample.catalog import Families
    from imr_ml.sample.facts import ItemFacts
    from imr_ml.sample.model import CitingRates

_NO_EVIDENCE = "The {who} did not cite any medical evidence for its decision."
_OUTSIDE = "The {who} based their decision on recommendation(s) outside of the MTUS Guidelines. "
_ODG_NAMES = (
    "Official Disability Guidelines (ODG)",
    "Official Disability Guidelines (ODG),",
    "Official Disability Guidelines (ODG),",
    "Official Disability Guidelines,",
    "ODG",
)
_ANOTHER = " and Other Medical Treatment Guidelines: "
_GENERAL = ("Initial Approaches to Treatment", "Cornerstones of Disability Prevention and Management")
MTUS_ORDER = ("acoem", "postsurgical", "acupuncture", "chronic_pain", "opioids")


def guideline_paragraphs(
    rng: Random, item: ItemFacts, decision: date, rates: CitingRates, references: tuple[str, ...]
) -> tuple[str, str]:
    """Word what follows ``Claims Administrator guideline:`` and ``MAXIMUS guideline:``."""
    return (
        _paragraph(rng, item.ur_cites, item, decision, rates.ur_bare, "Claims Administrator", references),
        _paragraph(rng, item.cites, item, decision, rates.bare, "Expert Reviewer", references),
    )


def _paragraph(
    rng: Random,
    cites: Families,
    item: ItemFacts,
    decision: date,
    bare: float,
    who: str,
    references: tuple[str, ...],
) -> str:
    if "none" in cites:
        return _NO_EVIDENCE.format(who=who)
    mtus = [_mtus(rng, topic, item, decision, bare) for topic in MTUS_ORDER if topic in cites]
    outside = [odg_citation(rng, item, bare)] if "odg" in cites else []
    if "other" in cites:
        outside.append(pick(rng, references))
    inside = f"Decision based on MTUS {', and '.join(mtus)}." if mtus else _OUTSIDE.format(who=who).rstrip()
    return f"{inside} Decision based on Non-MTUS Citation {_ANOTHER.join(outside)}." if outside else inside


def _mtus(rng: Random, topic: str, item: ItemFacts, decision: date, bare: float) -> str:
    title, sections = _title_and_sections(rng, topic, item, decision)
    return title if not sections or rng.random() < bare else f"{title}, Section(s): {pick(rng, sections)}"


def _title_and_sections(rng: Random, topic: str, item: ItemFacts, decision: date) -> tuple[str, tuple[str, ...]]:
    treatment, region = item.treatment, item.region
    if topic == "acupuncture":
        return "Acupuncture Treatment 2007", ()
    if topic == "postsurgical":
        return "Postsurgical Treatment 2009", (region.postsurgical,) if region.postsurgical else ()
    if topic == "acoem":
        return _acoem(rng, item, decision)
    if decision >= MTUS_2017:
        return ("Opioids 2017", ()) if topic == "opioids" else ("Chronic Pain 2017", ())
    if topic == "opioids" and decision >= MTUS_2016:
        return "Opioid Treatment 2016", treatment.opioids
    year = 2016 if decision >= MTUS_2016 else 2009
    return f"Chronic Pain Medical Treatment {year}", treatment.chronic_pain


def _acoem(rng: Random, item: ItemFacts, decision: date) -> tuple[str, tuple[str, ...]]:
    chapter = item.region.chapter_2017 if decision >= MTUS_2017 else item.region.chapter
    if chapter is None or (item.treatment.general and rng.random() < 0.5):
        if decision >= MTUS_2017:
            return "Initial Approaches to Treatment 2017", ()
        return "General Approaches 2004", _GENERAL
    return chapter, item.treatment.acoem


def odg_citation(rng: Random, item: ItemFacts, bare: float) -> str:
    """Word a citation of ODG; half a share of ``bare`` names no chapter."""
    name = pick(rng, _ODG_NAMES)
    if rng.random() < bare / 2 or not item.treatment.odg:
        return name.rstrip(",")
    chapter = pick(rng, ("Pain Chapter", "Pain (Chronic)", "Pain")) if _is_drug(item) else pick(rng, item.region.odg)
    topic = pick(rng, item.treatment.odg)
    form = rng.random()
    if form < 0.2:
        return f"{name} {chapter}"
    return f"{name} {chapter}: {topic}" if form < 0.35 else f"{name} {chapter}, {topic}"


def _is_drug(item: ItemFacts) -> bool:
    return item.treatment.category == "Pharmaceuticals"
