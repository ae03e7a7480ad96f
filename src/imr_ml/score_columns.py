"""Define the columns that scoring adds: order, type and meaning.

Output files, the served model and its signature all use these definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imr_ml.guidelines.types import FAMILIES

UNCERTAIN = "uncertain"
Kind = Literal["text", "number", "count", "flag"]
PANDAS_TYPES: dict[Kind, str] = {"text": "string", "number": "float64", "count": "Int64", "flag": "boolean"}


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """A column that scoring adds; its value may be missing in any row."""

    name: str
    kind: Kind
    meaning: str


ADDED = (
    ScoreColumn("p_overturned", "number", "calibrated probability that the denial is overturned"),
    ScoreColumn("outcome_pred", "text", "upheld or overturned if confident, else uncertain"),
    ScoreColumn("confident", "flag", "whether the prediction set contains only the more probable outcome"),
    ScoreColumn("families_pred", "text", "predicted guideline families, joined by |; never empty"),
    ScoreColumn("primary_family", "text", "most probable of the predicted families"),
    ScoreColumn(
        "acoem_chapter", "text", "ACOEM chapter, from UR or a body part; missing unless families_pred contains acoem"
    ),
    *(ScoreColumn(f"p_{family}", "number", f"probability that {family} is cited") for family in FAMILIES),
    ScoreColumn("evidence", "text", "JSON: contributions to outcome and primary family in log-odds, with text offsets"),
    ScoreColumn("precedents", "text", "JSON list: similar decided requests, one per case, same treatment first"),
    ScoreColumn("precedents_reason", "text", "why there is no precedent; missing if there is one"),
    ScoreColumn("cohort_rate", "number", "share overturned among decided requests of the same cohort"),
    ScoreColumn("cohort_low", "number", "lower bound of its 95% Wilson interval"),
    ScoreColumn("cohort_high", "number", "upper bound of its 95% Wilson interval"),
    ScoreColumn("cohort_requests", "count", "decided requests in the cohort, at least 20"),
    ScoreColumn("cohort_tier", "text", "characteristics that the cohort shares"),
    ScoreColumn("cohort_reason", "text", "why there is no cohort; missing if there is one"),
    ScoreColumn(
        "in_training", "flag", "whether the model was trained on the row's case, which makes its scores optimistic"
    ),
    ScoreColumn("model_version", "text", "first 12 digits of the classifiers' SHA-256"),
    ScoreColumn(
        "warnings", "text", "by column, cells that could not be parsed and texts that are too short; missing if none"
    ),
    ScoreColumn("error", "text", "why the row could not be scored; all other added columns are then missing"),
)
SCORE_COLUMNS = tuple(column.name for column in ADDED)


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """User options of scoring.

    Attributes
    ----------
    evidence : bool
        Include feature contributions.
    precedents : int
        Number of precedents per request; 0 for none.
    coverage : float or None
        Share of cases whose prediction set must contain their outcome, between 0 and 1; None for the model's.
    """

    evidence: bool = True
    precedents: int = 3
    coverage: float | None = None

    def __post_init__(self) -> None:
        if self.precedents < 0:
            raise ValueError(f"precedents must be 0 or more, not {self.precedents}")
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, not {self.coverage}")
