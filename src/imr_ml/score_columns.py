"""The columns that scoring adds, in their order: what each holds and of which type.

The one place where they are said; files, the served model and its signature take them from here.
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
    """One column that scoring adds; any may be missing in a row."""

    name: str
    kind: Kind
    meaning: str


ADDED = (
    ScoreColumn("p_overturned", "number", "calibrated probability that the denial is overturned"),
    ScoreColumn("outcome_pred", "text", "upheld or overturned where confident, else uncertain"),
    ScoreColumn("confident", "flag", "whether the coverage rules one outcome out, and the other is the likelier one"),
    ScoreColumn("families_pred", "text", "guideline families expected to be cited, joined by |; never empty"),
    ScoreColumn("primary_family", "text", "the likeliest of them"),
    ScoreColumn("acoem_chapter", "text", "chapter, where acoem is among families_pred and a body part or UR gives it"),
    *(ScoreColumn(f"p_{family}", "number", f"probability that {family} is cited") for family in FAMILIES),
    ScoreColumn("evidence", "text", "JSON: outcome and primary family as sums of terms in log-odds, with places"),
    ScoreColumn("precedents", "text", "JSON list: decided requests like this one, one of a case, same treatment first"),
    ScoreColumn("precedents_reason", "text", "why there is no precedent; missing where there is one"),
    ScoreColumn("cohort_rate", "number", "share overturned among decided requests of the same cohort"),
    ScoreColumn("cohort_low", "number", "lower end of its 95 % Wilson interval"),
    ScoreColumn("cohort_high", "number", "upper end of it"),
    ScoreColumn("cohort_requests", "count", "decided requests in the cohort, at least 20"),
    ScoreColumn("cohort_tier", "text", "what the cohort has in common"),
    ScoreColumn("cohort_reason", "text", "why there is no cohort; missing where there is one"),
    ScoreColumn("in_training", "flag", "whether the model was trained on the row's case, so that its scores flatter"),
    ScoreColumn("model_version", "text", "first 12 digits of the classifiers' SHA-256"),
    ScoreColumn("warnings", "text", "by column, cells that could not be read, and too little text; missing if none"),
    ScoreColumn("error", "text", "why the row could not be scored; everything else is missing then"),
)
SCORE_COLUMNS = tuple(column.name for column in ADDED)


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """What the user may choose when scoring.

    Attributes
    ----------
    evidence : bool
        Whether to tell what moved each prediction.
    precedents : int
        Precedents listed for each request; 0 lists none.
    coverage : float or None
        Share of cases whose prediction set shall hold their outcome, between 0 and 1; None takes the model's.
    """

    evidence: bool = True
    precedents: int = 3
    coverage: float | None = None

    def __post_init__(self) -> None:
        if self.precedents < 0:
            raise ValueError(f"precedents must be 0 or more, not {self.precedents}")
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, not {self.coverage}")
