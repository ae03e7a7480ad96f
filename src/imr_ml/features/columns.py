"""The columns of a feature frame.

Knows their names. How they are made, `frame` knows; how they are weighed, `matrix`.
"""

TOKEN_COLUMNS = ("request_tokens", "summary_tokens", "ur_tokens")
# Which guidelines have a section on what is requested, and on how old an injury they are about.
GUIDELINE_COLUMNS = ("guideline_topics", "guideline_region", "injury_stage")
FACT_COLUMNS = (
    "category",
    "treatments",
    "request_body_parts",
    "treated_body_parts",
    "summary_body_parts",
    "drug_classes",
    "diagnoses",
    "findings",
    "ur_families",
    "sex",
    *GUIDELINE_COLUMNS,
)
NUMBER_COLUMNS = (
    "visits",
    "weeks",
    "dose_mg",
    "count",
    "refills",
    "log_days_injury_to_denial",
    "age",
    "partial_authorisation",
    "associated_surgical_service",
    "retrospective",
    "postoperative",
    "ur_cites_nothing",
)
# A block of its own: the more requests a letter decides, the fewer are overturned, and more plainly so than any other
# number tells.
CASE_COLUMNS = ("log_items_in_case",)
# Facts that are learnt together, two by two: which guideline covers a treatment depends on the body part, on how long
# ago the injury was and on what the claims administrator relied on.
PAIRED_COLUMNS = (
    "category",
    "treatments",
    "request_body_parts",
    "drug_classes",
    "ur_families",
    *GUIDELINE_COLUMNS,
)
# Stands where a section or a kind of fact has nothing: an absence can be learnt from, and no block is ever empty.
ABSENT = "_absent"
