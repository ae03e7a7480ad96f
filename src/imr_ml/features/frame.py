"""Build the feature frame from the requests table: section tokens, facts and numbers.

Only columns with the role `FEATURE` are read; outcomes, reviewers and the other requests of a letter never are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imr_ml.corpus.schema import FAMILY_SEPARATOR, FEATURE_COLUMNS
from imr_ml.guidelines.coverage import default_coverage
from imr_ml.memory import shared_texts
from imr_ml.nlp.types import NlpSettings
from imr_ml.progress import StartProgress, no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Facts that a source provides as codes, such as the DMHC's categories. A single code says little about the outcome, so
# combinations of treatment, diagnosis and kind of review are features too.
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
# Columns from which further facts are derived.
_READ_ON = ("treatments", "request_body_parts", "drug_classes", "sex", "category")
CODE_COLUMNS = tuple(names[0] for names in _CODES if len(names) == 1)
# Days since the injury: acute up to a month, chronic from three months on (8 CCR 9792.20, chronic pain).
_STAGES = {"acute": 30, "subacute": 90, "chronic": np.inf}


def feature_frame(
    requests: pd.DataFrame,
    settings: NlpSettings | None = None,
    start: StartProgress = no_progress,
    *,
    views: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Build the inputs of a model for each request: tokens of its sections, facts and numbers.

    Parameters
    ----------
    requests : DataFrame
        Completed requests table; columns that are not features are ignored.
    settings : NlpSettings, optional
    start : callable, optional
        Starts a progress bar over the distinct texts.
    views : bool, default False
        Whether to include the view of each section, which has the offsets of its terms.
    jobs : int, default 1
        Number of processes for many texts; -1 uses all cores.

    Returns
    -------
    DataFrame
        Same index; the feature columns of the table, `TOKEN_COLUMNS`, `FACT_COLUMNS`, `NUMBER_COLUMNS`, `CASE_COLUMNS`
        and ``codes``, and `imr_ml.nlp.frame.VIEW_COLUMNS` if requested.
    """
    return frame_of_columns(feature_columns(requests, settings, start, views=views, jobs=jobs), requests.index)


def frame_of_columns(columns: Mapping[str, Any], index: pd.Index) -> pd.DataFrame:
    """Convert the result of `feature_columns` to a data frame."""
    # As objects, because pandas' string type would copy a text into each row that shares it.
    texts = [name for name, values in columns.items() if values.dtype == object]
    objects = {name: pd.Series(columns[name], index=index, dtype="object") for name in texts}
    return pd.DataFrame({**columns, **objects}, index=index)


def feature_columns(
    requests: pd.DataFrame,
    settings: NlpSettings | None = None,
    start: StartProgress = no_progress,
    *,
    views: bool = False,
    jobs: int = 1,
) -> dict[str, Any]:
    """Build the columns of `feature_frame` by name, each an array or Series of shape (requests,).

    Scoring uses the columns directly: for one request, building a data frame takes as long as reading its texts.

    Parameters
    ----------
    requests : DataFrame
    settings : NlpSettings, optional
    start : callable, optional
    views : bool, default False
    jobs : int, default 1
    """
    from imr_ml.nlp.frame import section_columns

    missing = pd.Series(np.nan, index=requests.index)
    present = {name: requests[name] for name in FEATURE_COLUMNS if name in requests}
    known = {**dict.fromkeys(FEATURE_COLUMNS, missing), **present}
    read = section_columns(requests, settings or NlpSettings(), start, views=views, jobs=jobs)
    days = _days(requests, "date_of_injury", "ur_denial_date")
    ur_families = [families if isinstance(families, str) else "" for families in known["ur_families"]]
    of_read = {name: read[name].tolist() for name in _READ_ON}
    derived: dict[str, Any] = {
        "log_days_injury_to_denial": np.log1p(np.clip(days, 0, None)),
        "log_items_in_case": np.log1p(known["items_in_case"].to_numpy(np.float64)),
        "treated_body_parts": list(map(_pairs, of_read["treatments"], of_read["request_body_parts"])),
        "ur_families": list(map(_as_tokens, ur_families)),
        "ur_cites_nothing": [families == "none" for families in ur_families],
        "sex": [sex or "" for sex in of_read["sex"]],
        "category": list(map(_as_token, of_read["category"])),
        "codes": _codes(requests),
        "guideline_topics": _topics(of_read["treatments"], of_read["drug_classes"]),
        "guideline_region": _covered(of_read["request_body_parts"], default_coverage().regions_of),
        "injury_stage": list(map(_stage, days.tolist())),
    }
    columns = {**known, **read, **derived}
    for name in (*TOKEN_COLUMNS, *FACT_COLUMNS):
        columns[name] = shared_texts(text or ABSENT for text in columns[name])
    for name in (*NUMBER_COLUMNS, *CASE_COLUMNS):
        columns[name] = np.asarray(columns[name], dtype=np.float64)
    columns["codes"] = shared_texts(columns["codes"])
    return columns


def _days(requests: pd.DataFrame, first: str, last: str) -> NDArray[np.float64]:
    """Days between the dates of two columns, NaN if one is missing."""
    if not (first in requests and last in requests):
        return np.full(len(requests), np.nan)
    begun, ended = (requests[name].to_numpy("datetime64[s]") for name in (first, last))
    days: NDArray[np.float64] = np.floor((ended - begun) / np.timedelta64(1, "D"))
    return days


def _stage(days: float) -> str:
    """Stage of an injury; empty if it is undated or later than the denial."""
    return next((stage for stage, most in _STAGES.items() if -1 < days <= most), "")


def _topics(treatments: list[str], drug_classes: list[str]) -> list[str]:
    return _covered(list(map(" ".join, zip(treatments, drug_classes, strict=True))), default_coverage().topics_of)


def _codes(requests: pd.DataFrame) -> list[str]:
    """Codes of each row, alone and together, e.g. ``"diagnosis=Asthma diagnosis=Asthma&treatment=Hormones"``."""
    if not any(name in requests for name in CODE_COLUMNS):
        return [ABSENT] * len(requests)
    missing = [None] * len(requests)
    columns = (requests.get(name, missing) for name in CODE_COLUMNS)
    rows = zip(*(map(_as_token, column) for column in columns), strict=True)
    return [_codes_of(row) if any(row) else ABSENT for row in rows]


def _codes_of(values: tuple[str, ...]) -> str:
    tokens = {name: f"{name}={value or ABSENT}" for name, value in zip(CODE_COLUMNS, values, strict=True)}
    return " ".join("&".join(tokens[name] for name in names) for names in _CODES)


def _covered(names: list[str], read: Callable[[list[str]], tuple[str, ...]]) -> list[str]:
    """Look up what the guidelines cover for each row's names, once per distinct row."""
    known = {row: " ".join(read(row.split())) for row in dict.fromkeys(names)}
    return [known[row] for row in names]


def _pairs(first: str, second: str) -> str:
    """Combine every fact of one kind with every fact of another, e.g. ``"mri@knee"``: guidelines are per body part."""
    return " ".join(f"{one}@{other}" for one in first.split() for other in second.split())


def _as_token(value: object) -> str:
    """A category as one token, e.g. ``"Evaluation_&_Management"``."""
    return "_".join(value.split()) if isinstance(value, str) else ""


def _as_tokens(families: str) -> str:
    return families.replace(FAMILY_SEPARATOR, " ")


TOKEN_COLUMNS = ("request_tokens", "summary_tokens", "ur_tokens")
# Guideline topics and body regions that cover the request, and the stage of the injury.
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
# A separate block, because it is the strongest single number: the more requests in a letter, the fewer are overturned.
CASE_COLUMNS = ("log_items_in_case",)
# Facts that are combined in pairs: which guideline covers a treatment depends on the body part, the age of the injury
# and the guideline that the claims administrator cited.
PAIRED_COLUMNS = (
    "category",
    "treatments",
    "request_body_parts",
    "drug_classes",
    "ur_families",
    *GUIDELINE_COLUMNS,
)
# Token for a section or a kind of fact without content: absence is informative, and no block is ever empty.
ABSENT = "_absent"
