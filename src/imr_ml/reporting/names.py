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
    "case_size": "requests in the case",
    "pairs": "two facts together",
}
SECTION_NAMES = {
    "request": "Request",
    "clinical_summary": "Clinical summary",
    "ur_guideline": "UR guideline",
    "facts": "Facts",
    "numbers": "Numbers",
}
TERM_NAMES = {
    "_absent": "none named",
    "log_items_in_case": "number of requests",
    "log_days_injury_to_denial": "days from injury to denial",
}
