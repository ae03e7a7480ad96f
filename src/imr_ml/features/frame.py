"""The requests table -> a feature frame: section tokens, facts and numbers of each request.

Knows which facts matter. Only the schema's feature columns come in here: what a request's outcome, reviewer or siblings
say never does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from imr_ml.corpus.schema import FAMILY_SEPARATOR, FEATURE_COLUMNS
from imr_ml.features.columns import ABSENT, CASE_COLUMNS, FACT_COLUMNS, NUMBER_COLUMNS, TOKEN_COLUMNS
from imr_ml.guidelines.coverage import default_coverage
from imr_ml.nlp import NlpSettings

if TYPE_CHECKING:
    import pandas as pd

# Facts that a source tells as codes of its own, such as the DMHC's categories. Alone they say little of an outcome:
# what was asked for, for which diagnosis, in which kind of review, is learnt together.
_CODES = (
    ("diagnosis_category",),
    ("diagnosis",),
    ("treatment_category",),
    ("treatment",),
    ("review_type",),
    ("age_band",),
    ("diagnosis_category", "diagnosis"),
    ("treatment_category", "treatment"),
    ("diagnosis_category", "treatment_category"),
    ("review_type", "treatment_category"),
    ("review_type", "treatment_category", "treatment"),
    ("review_type", "diagnosis_category", "diagnosis"),
    ("diagnosis_category", "diagnosis", "treatment_category", "treatment"),
)
CODE_COLUMNS = tuple(names[0] for names in _CODES if len(names) == 1)
# Days since the injury: acute up to a month, chronic from three months on (8 CCR 9792.20, chronic pain).
_STAGES = (-1, 30, 90, np.inf)


def feature_frame(
    requests: pd.DataFrame,
    settings: NlpSettings | None = None,
    progress: Callable[[int], object] | None = None,
    *,
    views: bool = False,
) -> pd.DataFrame:
    """What a model may see of each request: its sections as tokens, its facts and its numbers.

    Parameters
    ----------
    requests : DataFrame
        Requests table, completed; columns that are not features are not looked at.
    settings : NlpSettings, optional
    progress : callable, optional
        Called with the number of texts read.
    views : bool, default False
        Whether to keep what tells where in a text a term stands.

    Returns
    -------
    DataFrame
        Same index; the feature columns of the table, then `TOKEN_COLUMNS`, `FACT_COLUMNS`, `NUMBER_COLUMNS`
        and `CASE_COLUMNS`, and ``codes``; with views `imr_ml.nlp.frame.VIEW_COLUMNS` too.
    """
    import pandas as pd

    from imr_ml.nlp.frame import section_frame

    known = requests.reindex(columns=list(FEATURE_COLUMNS))
    read = section_frame(known, settings or NlpSettings(), progress, views=views)
    days = (pd.to_datetime(known["ur_denial_date"]) - pd.to_datetime(known["date_of_injury"])).dt.days
    derived: dict[str, Any] = {
        "log_days_injury_to_denial": np.log1p(days.astype("float64").clip(lower=0)),
        "log_items_in_case": np.log1p(known["items_in_case"].astype("float64")),
        "treated_body_parts": _pairs(read["treatments"], read["request_body_parts"]),
        "ur_families": known["ur_families"].astype("object").map(_as_tokens),
        "ur_cites_nothing": known["ur_families"].eq("none").fillna(False),
        "sex": read["sex"].astype("object").where(read["sex"].notna(), ""),
        "category": read["category"].astype("object").map(_as_token),
        "codes": _codes(known),
        "guideline_topics": _covered(read["treatments"] + " " + read["drug_classes"], default_coverage().topics_of),
        "guideline_region": _covered(read["request_body_parts"], default_coverage().regions_of),
        "injury_stage": pd.cut(days, _STAGES, labels=("acute", "subacute", "chronic")).astype("object").fillna(""),
    }
    frame = known.assign(**{name: read[name] for name in read.columns}).assign(**derived)
    texts = {name: frame[name].replace("", ABSENT) for name in (*TOKEN_COLUMNS, *FACT_COLUMNS)}
    numbers = {name: frame[name].astype("float64") for name in (*NUMBER_COLUMNS, *CASE_COLUMNS)}
    return frame.assign(**texts, **numbers)


def _codes(known: pd.DataFrame) -> list[str]:
    """Codes of each row, alone and together, e.g. ``"diagnosis=Asthma diagnosis=Asthma&treatment=Hormones"``."""
    values = {name: known[name].astype("object").map(_as_token) for name in CODE_COLUMNS}
    if not any(column.ne("").any() for column in values.values()):
        return [ABSENT] * len(known)
    told = {name: f"{name}=" + column.where(column.ne(""), ABSENT) for name, column in values.items()}
    rows = zip(*(told[name] for name in CODE_COLUMNS), strict=True)
    by_row = (dict(zip(CODE_COLUMNS, row, strict=True)) for row in rows)
    return [" ".join("&".join(row[name] for name in names) for names in _CODES) for row in by_row]


def _covered(names: pd.Series, told: Callable[[list[str]], tuple[str, ...]]) -> pd.Series:
    """What the guidelines cover of each row's names, each distinct row read once."""
    known = {row: " ".join(told(row.split())) for row in names.unique()}
    return names.map(known)


def _pairs(firsts: pd.Series, seconds: pd.Series) -> list[str]:
    """Every fact of one column with every fact of the other, e.g. ``"mri@knee"``: guidelines are per body part."""
    return [
        " ".join(f"{one}@{other}" for one in first.split() for other in second.split())
        for first, second in zip(firsts, seconds, strict=True)
    ]


def _as_token(value: object) -> str:
    """A category as one token, e.g. ``"Evaluation_&_Management"``."""
    return "_".join(value.split()) if isinstance(value, str) else ""


def _as_tokens(value: object) -> str:
    return value.replace(FAMILY_SEPARATOR, " ") if isinstance(value, str) else ""
