"""Display names of families, cohorts and features, for pages and cards."""

FAMILY_NAMES = {
    "acoem": "ACOEM",
    "chronic_pain": "Chronic pain",
    "opioids": "Opioids",
    "acupuncture": "Acupuncture",
    "postsurgical": "Postsurgical",
    "odg": "ODG",
    "other": "Other source",
    "none": "None cited",
}
TIER_NAMES = {
    "category+body_part+ur_families": "same category, body part and guidelines cited by UR",
    "category+body_part": "same category and body part",
    "category": "same category",
}
FACT_NAMES = {
    "category": "category",
    "treatments": "treatment",
    "request_body_parts": "body part",
    "treated_body_parts": "treatment at body part",
    "summary_body_parts": "body part",
    "drug_classes": "drug class",
    "diagnoses": "diagnosis",
    "findings": "finding",
    "ur_families": "guideline cited by UR",
    "sex": "sex",
    "guideline_topics": "guideline section",
    "guideline_region": "guideline region",
    "injury_stage": "stage of the injury",
    "numbers": "number",
    "case_size": "number",
    "pairs": "two facts together",
    "codes": "code",
}
SECTION_NAMES = {
    "request": "Request",
    "clinical_summary": "Clinical summary",
    "ur_guideline": "UR guideline",
    "facts": "Facts",
    "numbers": "Numbers",
}
NUMBER_NAMES = {
    "visits": "number of visits",
    "weeks": "number of weeks",
    "dose_mg": "dose in mg",
    "count": "quantity",
    "refills": "number of refills",
    "log_days_injury_to_denial": "days from injury to denial",
    "age": "age",
    "partial_authorisation": "part of it was authorized",
    "associated_surgical_service": "service that goes with a surgery",
    "retrospective": "requested after the treatment",
    "postoperative": "after a surgery",
    "ur_cites_nothing": "UR cites no guideline",
    "log_items_in_case": "number of requests in the letter",
}
PAGE_NAMES = {"families": FAMILY_NAMES, "tiers": TIER_NAMES, "facts": FACT_NAMES, "sections": SECTION_NAMES}
"""Names for the scripts of pages."""
_MISSING = "missingindicator_"
_ABSENT = "_absent"
_DENIED = "no_"


def feature_name(block: str, term: str, *, is_present: bool = True) -> str:
    """Describe a feature in words, e.g. ``"number of requests in the letter"`` or ``"MRI at knee"``.

    Parameters
    ----------
    block : str
        Block of the feature matrix.
    term : str
        Feature within the block.
    is_present : bool, default True
        Whether the request has the feature.

    Examples
    --------
    >>> feature_name("numbers", "missingindicator_age")
    'age not stated'
    >>> feature_name("summary", "no_finding=muscle_spasm")
    'no muscle spasm'
    >>> feature_name("pairs", "treatments__mri request_body_parts___absent")
    'treatment mri + no body part named'
    >>> feature_name("findings", "spasm", is_present=False)
    'no mention of spasm'
    """
    if not is_present:
        kind = FACT_NAMES.get(block, "text")
        return f"some {kind} named" if term == _ABSENT else f"no mention of {feature_name(block, term)}"
    if term == _ABSENT:
        return f"no {FACT_NAMES[block]} named" if block in FACT_NAMES else "no text"
    if block in ("numbers", "case_size"):
        name = NUMBER_NAMES.get(term.removeprefix(_MISSING), spaced(term))
        return f"{name} not stated" if term.startswith(_MISSING) else name
    if block == "pairs":
        return " + ".join(_fact(*part.split("__", 1)) for part in term.split(" "))
    if block == "codes":
        return ", ".join(spaced(code.replace("=", " ")) for code in term.split("&"))
    if block == "ur_families":
        return FAMILY_NAMES[term]
    if block in FACT_NAMES:
        return f"{spaced(term.removeprefix(_DENIED))}, denied" if term.startswith(_DENIED) else spaced(term)
    return " ".join(map(_word, term.split(" ")))


def spaced(term: str) -> str:
    """Replace the separators of a token with spaces."""
    return term.replace("_", " ").replace("@", " at ").strip()


def _fact(block: str, term: str) -> str:
    name = feature_name(block, term)
    return name if term == _ABSENT else f"{FACT_NAMES[block]} {name}"


def _word(token: str) -> str:
    """Describe a token of a text; ``"no_drug=lidocaine"`` becomes ``"no lidocaine"``."""
    denied, plain = token.startswith(_DENIED), token.removeprefix(_DENIED)
    return f"{'no ' if denied else ''}{spaced(plain.partition('=')[2] or plain)}"
