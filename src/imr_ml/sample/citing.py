"""Word what the administrator and the reviewer cite: "Decision based on MTUS ..., Section(s): ..."."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.sample.chance import between, pick
from imr_ml.sample.families import MTUS_2016, MTUS_2017
from imr_ml.sample.model import Format
from imr_ml.sample.wording import listed

if TYPE_CHECKING:
    from imr_ml.sample.draw import ItemFacts
    from imr_ml.sample.model import Families
    from imr_ml.sample.wording import Draft

_MTUS_ORDER = ("acoem", "postsurgical", "acupuncture", "chronic_pain", "opioids")
_REVIEWERS_2013 = {
    Format.EARLIEST: "Expert",
    Format.PROFESSIONAL_REVIEW: "Professional",
    Format.NUMBERED: "Physician",
}
_AGREED_SHARE = 0.3
_BARE_SHARE_2013 = 0.1
_DETAIL_SHARE_2013 = 0.6


def word_guidelines(draft: Draft, item: ItemFacts) -> tuple[str, str]:
    """Word what administrator and reviewer cite for one item, as the letter's format does."""
    format_, rates = draft.facts.format, draft.model.citing
    if format_.headed:
        administrator = _paragraph(draft, item, item.ur_cites, rates.ur_bare, "Claims Administrator")
        return administrator, _paragraph(draft, item, item.cites, rates.bare, "Expert Reviewer")
    reviewer = f"The {_REVIEWERS_2013[format_]} Reviewer"
    administrator = ""
    if format_ is not Format.PROFESSIONAL_REVIEW:
        administrator = _sentence(draft, item, item.ur_cites, "The Claims Administrator", "its")
        if item.families == item.ur_families != {"none"} and draft.rng.random() < _AGREED_SHARE:
            return administrator, f"{reviewer} found the guidelines used by the Claims Administrator relevant."
    return administrator, _sentence(draft, item, item.cites, reviewer, "his/her")


def _paragraph(draft: Draft, item: ItemFacts, cites: Families, bare: float, who: str) -> str:
    if "none" in cites:
        return f"The {who} did not cite any medical evidence for its decision."
    mtus = [_mtus(draft, topic, item, bare) for topic in _MTUS_ORDER if topic in cites]
    outside = [_odg(draft, item, bare)] if "odg" in cites else []
    if "other" in cites:
        outside.append(pick(draft.rng, draft.phrases.citations.references))
    inside = f"The {who} based their decision on recommendation(s) outside of the MTUS Guidelines."
    if mtus:
        inside = f"Decision based on MTUS {', and '.join(mtus)}."
    if not outside:
        return inside
    return f"{inside} Decision based on Non-MTUS Citation {' and Other Medical Treatment Guidelines: '.join(outside)}."


def _mtus(draft: Draft, topic: str, item: ItemFacts, bare: float) -> str:
    title, sections = _title_and_sections(draft, topic, item)
    if not sections or draft.rng.random() < bare:
        return title
    return f"{title}, Section(s): {pick(draft.rng, sections)}"


def _title_and_sections(draft: Draft, topic: str, item: ItemFacts) -> tuple[str, tuple[str, ...]]:
    treatment, region, day = item.treatment, item.region, draft.facts.dates.decision
    if topic == "acupuncture":
        return "Acupuncture Treatment 2007", ()
    if topic == "postsurgical":
        return "Postsurgical Treatment 2009", (region.postsurgical,) if region.postsurgical else ()
    if topic == "acoem":
        return _acoem(draft, item)
    if day >= MTUS_2017:
        return ("Opioids 2017", ()) if topic == "opioids" else ("Chronic Pain 2017", ())
    if topic == "opioids" and day >= MTUS_2016:
        return "Opioid Treatment 2016", treatment.opioids
    return f"Chronic Pain Medical Treatment {2016 if day >= MTUS_2016 else 2009}", treatment.chronic_pain


def _acoem(draft: Draft, item: ItemFacts) -> tuple[str, tuple[str, ...]]:
    is_2017 = draft.facts.dates.decision >= MTUS_2017
    chapter = item.region.chapter_2017 if is_2017 else item.region.chapter
    if chapter is None or (item.treatment.general and draft.rng.random() < 0.5):
        if is_2017:
            return "Initial Approaches to Treatment 2017", ()
        return "General Approaches 2004", draft.phrases.citations.general_sections
    return chapter, item.treatment.acoem


def _odg(draft: Draft, item: ItemFacts, bare: float) -> str:
    """A citation of ODG; half a share of ``bare`` names no chapter."""
    rng = draft.rng
    name = pick(rng, draft.phrases.citations.odg_names)
    if rng.random() < bare / 2 or not item.treatment.odg:
        return name.rstrip(",")
    is_drug = item.treatment.category == "Pharmaceuticals"
    chapter = pick(rng, ("Pain Chapter", "Pain (Chronic)", "Pain") if is_drug else item.region.odg)
    topic = pick(rng, item.treatment.odg)
    form = rng.random()
    if form < 0.2:
        return f"{name} {chapter}"
    return f"{name} {chapter}: {topic}" if form < 0.35 else f"{name} {chapter}, {topic}"


def _sentence(draft: Draft, item: ItemFacts, cites: Families, who: str, whose: str) -> str:
    """What one party based its decision on, as the letters of 2013 word it."""
    rng, words = draft.rng, draft.phrases.citations
    if "none" in cites:
        return f"{who} {pick(rng, words.no_criteria)}."
    topics = [topic for topic in _MTUS_ORDER if topic in cites]
    based = [f"the {_mtus_2013(draft, topic, item)}, {pick(rng, words.in_mtus)}" for topic in topics]
    if "odg" in cites:
        based.append(f"the {_odg(draft, item, _BARE_SHARE_2013)}, {pick(rng, words.not_in_mtus)}")
    if "other" in cites:
        based.append(f"{pick(rng, words.references)}, {pick(rng, words.not_in_mtus)}")
    return f"{who} based {whose} decision on {listed(based)}."


def _mtus_2013(draft: Draft, topic: str, item: ItemFacts) -> str:
    # Opioids had no guideline of their own then.
    rng, titles = draft.rng, draft.phrases.citations.titles_2013["chronic_pain" if topic == "opioids" else topic]
    title = pick(rng, titles)
    if topic == "acoem":
        return title.format((item.region.chapter or "General Approaches 2004").rsplit(" ", 1)[0])
    sections = {"chronic_pain": item.treatment.chronic_pain, "opioids": ("Opioids, criteria for use",)}.get(topic, ())
    section = f", {pick(rng, sections)}" if sections and rng.random() < _DETAIL_SHARE_2013 else ""
    page = f", page {between(rng, 8, 127)}" if rng.random() < _DETAIL_SHARE_2013 else ""
    return f"{title}{section}{page}"
