"""Draw the guideline families that administrators and reviewers cite, and write the citations."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from random import Random

from imr_ml.guidelines.types import FAMILIES
from imr_ml.sample.chance import Table, draw, draw_between, pick, table
from imr_ml.sample.facts import Case, ItemFacts
from imr_ml.sample.model import CitingRates, Families, Format, Treatment
from imr_ml.sample.wording import Draft, join_words

MTUS_2016 = date(2016, 7, 28)
"""Effective date of the opioid and chronic pain guidelines of 2016 (8 CCR 9792.24.2 and 9792.24.4)."""
MTUS_2017 = date(2017, 12, 1)
"""Adoption of the ACOEM chapters by reference, including chronic pain and opioids."""
_CHRONIC_DAYS = 90
_CACHE_SIZE = 1 << 15
_Factors = tuple[tuple[str, float], ...]
_MTUS_ORDER = ("acoem", "postsurgical", "acupuncture", "chronic_pain", "opioids")
_REVIEWERS_2013 = {
    Format.EARLIEST: "Expert",
    Format.PROFESSIONAL_REVIEW: "Professional",
    Format.NUMBERED: "Physician",
}
_AGREED_SHARE = 0.3
_BARE_SHARE_2013 = 0.1
_DETAIL_SHARE_2013 = 0.6


def families_on(topics: Families, decision: date) -> Families:
    """Map cited topics to guideline families on a decision date.

    Opioids are part of the chronic pain guideline before July 2016; both are ACOEM chapters from December 2017.
    """
    if decision < MTUS_2016:
        return frozenset("chronic_pain" if topic == "opioids" else topic for topic in topics)
    if decision >= MTUS_2017:
        return frozenset("acoem" if topic in ("opioids", "chronic_pain") else topic for topic in topics)
    return topics


def draw_administrator_topics(rng: Random, treatment: Treatment, habit: str, rates: CitingRates) -> Families:
    """Draw the topics that the administrator cites for a treatment, given its `habit` in the letter."""
    if habit == "nothing":
        return frozenset({"none"})
    if habit == "outside" and treatment.odg:
        return frozenset({"odg"})
    informed = rng.random() < rates.ur_informed
    cites = draw(rng, treatment.reviewer_table if informed else treatment.administrator_table)
    if cites != {"none"} and treatment.odg and rng.random() < rates.ur_adds_odg:
        return cites | {"odg"}
    return cites


def draw_reviewer_topics(rng: Random, item: ItemFacts, case: Case, rates: CitingRates) -> Families:
    """Draw the topics that the reviewer cites for an item, given all its other facts."""
    factors = _weight_factors(item, item.overturned, case.odg_fond, case, rates)
    return draw(rng, _weigh_sets(item.treatment, item.ur_cites, factors, rates.agreement))


def family_probabilities(item: ItemFacts, case: Case, rates: CitingRates) -> tuple[float, ...]:
    """Compute the probability that the reviewer cites each family, in the taxonomy's order.

    It is conditional on all facts that a letter states before the decision, but not on the outcome or the reviewer's
    preference for ODG.
    """
    total = [0.0] * len(FAMILIES)
    edition = max((day for day in (MTUS_2016, MTUS_2017) if day <= case.dates.decision), default=date.min)
    for overturned, p in ((True, item.p_overturned), (False, 1 - item.p_overturned)):
        for fond, share in ((True, rates.odg_fond_share), (False, 1 - rates.odg_fond_share)):
            factors = _weight_factors(item, overturned, fond, case, rates)
            shares = _family_shares(item.treatment, item.ur_cites, factors, rates.agreement, edition)
            total = [sum_ + p * share * of_family for sum_, of_family in zip(total, shares, strict=True)]
    return tuple(total)


def _weight_factors(item: ItemFacts, overturned: bool, odg_fond: bool, case: Case, rates: CitingRates) -> _Factors:
    """Return factors for the weights of sets that contain a topic."""
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
def _weigh_sets(treatment: Treatment, ur_cites: Families, factors: _Factors, agreement: float) -> Table[Families]:
    """Weigh the sets of topics that reviewers cite, to draw from."""
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
def _family_shares(
    treatment: Treatment, ur_cites: Families, factors: _Factors, agreement: float, edition: date
) -> tuple[float, ...]:
    """Compute the probability of each family, in the taxonomy's order, under an edition of the MTUS."""
    sets = _weigh_sets(treatment, ur_cites, factors, agreement)
    shares = dict.fromkeys(FAMILIES, 0.0)
    for cites, high, low in zip(sets.values, sets.cumulative, (0.0, *sets.cumulative), strict=False):
        for family in families_on(cites, edition):
            shares[family] += (high - low) / sets.cumulative[-1]
    return tuple(shares.values())


def word_guidelines(draft: Draft, item: ItemFacts) -> tuple[str, str]:
    """Write the citations of administrator and reviewer for an item, in the letter's format."""
    format_, rates = draft.facts.format, draft.model.citing
    if format_.headed:
        administrator = _word_paragraph(draft, item, item.ur_cites, rates.ur_bare, "Claims Administrator")
        return administrator, _word_paragraph(draft, item, item.cites, rates.bare, "Expert Reviewer")
    reviewer = f"The {_REVIEWERS_2013[format_]} Reviewer"
    administrator = ""
    if format_ is not Format.PROFESSIONAL_REVIEW:
        administrator = _word_sentence(draft, item, item.ur_cites, "The Claims Administrator", "its")
        if item.families == item.ur_families != {"none"} and draft.rng.random() < _AGREED_SHARE:
            return administrator, f"{reviewer} found the guidelines used by the Claims Administrator relevant."
    return administrator, _word_sentence(draft, item, item.cites, reviewer, "his/her")


def _word_paragraph(draft: Draft, item: ItemFacts, cites: Families, bare: float, who: str) -> str:
    if "none" in cites:
        return f"The {who} did not cite any medical evidence for its decision."
    mtus = [_word_mtus(draft, topic, item, bare) for topic in _MTUS_ORDER if topic in cites]
    outside = [_word_odg(draft, item, bare)] if "odg" in cites else []
    if "other" in cites:
        outside.append(pick(draft.rng, draft.phrases.citations.references))
    inside = f"The {who} based their decision on recommendation(s) outside of the MTUS Guidelines."
    if mtus:
        inside = f"Decision based on MTUS {', and '.join(mtus)}."
    if not outside:
        return inside
    return f"{inside} Decision based on Non-MTUS Citation {' and Other Medical Treatment Guidelines: '.join(outside)}."


def _word_mtus(draft: Draft, topic: str, item: ItemFacts, bare: float) -> str:
    title, sections = _choose_title(draft, topic, item)
    if not sections or draft.rng.random() < bare:
        return title
    return f"{title}, Section(s): {pick(draft.rng, sections)}"


def _choose_title(draft: Draft, topic: str, item: ItemFacts) -> tuple[str, tuple[str, ...]]:
    treatment, region, day = item.treatment, item.region, draft.facts.dates.decision
    if topic == "acupuncture":
        return "Acupuncture Treatment 2007", ()
    if topic == "postsurgical":
        return "Postsurgical Treatment 2009", (region.postsurgical,) if region.postsurgical else ()
    if topic == "acoem":
        return _choose_acoem(draft, item)
    if day >= MTUS_2017:
        return ("Opioids 2017", ()) if topic == "opioids" else ("Chronic Pain 2017", ())
    if topic == "opioids" and day >= MTUS_2016:
        return "Opioid Treatment 2016", treatment.opioids
    return f"Chronic Pain Medical Treatment {2016 if day >= MTUS_2016 else 2009}", treatment.chronic_pain


def _choose_acoem(draft: Draft, item: ItemFacts) -> tuple[str, tuple[str, ...]]:
    is_2017 = draft.facts.dates.decision >= MTUS_2017
    chapter = item.region.chapter_2017 if is_2017 else item.region.chapter
    if chapter is None or (item.treatment.general and draft.rng.random() < 0.5):
        if is_2017:
            return "Initial Approaches to Treatment 2017", ()
        return "General Approaches 2004", draft.phrases.citations.general_sections
    return chapter, item.treatment.acoem


def _word_odg(draft: Draft, item: ItemFacts, bare: float) -> str:
    """Write a citation of ODG; half of the `bare` share names no chapter."""
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


def _word_sentence(draft: Draft, item: ItemFacts, cites: Families, who: str, whose: str) -> str:
    """Write the basis of one party's decision, in the wording of 2013."""
    rng, words = draft.rng, draft.phrases.citations
    if "none" in cites:
        return f"{who} {pick(rng, words.no_criteria)}."
    topics = [topic for topic in _MTUS_ORDER if topic in cites]
    based = [f"the {_word_mtus_2013(draft, topic, item)}, {pick(rng, words.in_mtus)}" for topic in topics]
    if "odg" in cites:
        based.append(f"the {_word_odg(draft, item, _BARE_SHARE_2013)}, {pick(rng, words.not_in_mtus)}")
    if "other" in cites:
        based.append(f"{pick(rng, words.references)}, {pick(rng, words.not_in_mtus)}")
    return f"{who} based {whose} decision on {join_words(based)}."


def _word_mtus_2013(draft: Draft, topic: str, item: ItemFacts) -> str:
    # There was no opioid guideline in 2013.
    rng, titles = draft.rng, draft.phrases.citations.titles_2013["chronic_pain" if topic == "opioids" else topic]
    title = pick(rng, titles)
    if topic == "acoem":
        return title.format((item.region.chapter or "General Approaches 2004").rsplit(" ", 1)[0])
    sections = {"chronic_pain": item.treatment.chronic_pain, "opioids": ("Opioids, criteria for use",)}.get(topic, ())
    section = f", {pick(rng, sections)}" if sections and rng.random() < _DETAIL_SHARE_2013 else ""
    page = f", page {draw_between(rng, 8, 127)}" if rng.random() < _DETAIL_SHARE_2013 else ""
    return f"{title}{section}{page}"
