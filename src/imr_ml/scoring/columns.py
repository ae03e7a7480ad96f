"""What a model says of requests -> the values of the added columns.

Knows predictions, precedents and cohorts. Knows nothing of rows that could not be read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.conformal import EVEN
from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.features.columns import ABSENT
from imr_ml.guidelines.coverage import acoem_chapter
from imr_ml.guidelines.types import FAMILIES
from imr_ml.score_columns import UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.classifiers.conformal import OutcomeSets
    from imr_ml.classifiers.types import Predictions
    from imr_ml.precedents.cohorts import CohortRates
    from imr_ml.precedents.decided import DecidedRequests
    from imr_ml.precedents.neighbours import Precedent

Columns = dict[str, object]
_ACOEM = FAMILIES.index("acoem")
_DIGITS = 4


def outcome_columns(predictions: Predictions, sets: OutcomeSets) -> Columns:
    """The outcome where the set leaves one, and it is the likelier one."""
    confident = sets.confident(predictions.p_overturned)
    likelier = np.where(predictions.p_overturned >= EVEN, "overturned", "upheld")
    return {
        "p_overturned": predictions.p_overturned,
        "outcome_pred": np.where(confident, likelier, UNCERTAIN),
        "confident": confident,
    }


def family_columns(predictions: Predictions, features: pd.DataFrame) -> Columns:
    """Families with their probabilities, all missing where the model's source tells none."""
    names = np.array(FAMILIES)
    probability = predictions.family_probability
    if np.isnan(probability).all():
        nothing = dict.fromkeys(("families_pred", "primary_family", "acoem_chapter"))
        return nothing | {f"p_{name}": np.nan for name in FAMILIES}
    columns: Columns = {
        "families_pred": [FAMILY_SEPARATOR.join(names[row]) for row in predictions.family_set],
        "primary_family": names[probability.argmax(axis=1)],
        "acoem_chapter": _chapters(predictions.family_set[:, _ACOEM].tolist(), features),
    }
    return columns | {f"p_{name}": probability[:, place] for place, name in enumerate(FAMILIES)}


def precedent_column(found: list[list[Precedent]], decided: DecidedRequests) -> Columns:
    """Precedents of each request as JSON; an empty list where no decided request may be told or is like it."""
    return {"precedents": [json.dumps([_told(one, decided) for one in row], separators=(",", ":")) for row in found]}


def cohort_columns(rates: CohortRates) -> Columns:
    """The cohort's rate with its interval."""
    return {
        "cohort_rate": rates.rate,
        "cohort_low": rates.low,
        "cohort_high": rates.high,
        "cohort_requests": [None if np.isnan(size) else int(size) for size in rates.requests],
        "cohort_tier": rates.tier,
    }


def _chapters(is_acoem: list[bool], features: pd.DataFrame) -> list[str | None]:
    rows = zip(is_acoem, features["request_body_parts"], features["ur_guideline"], strict=True)
    known: dict[tuple[str, str | None], str | None] = {}
    chapters = []
    for acoem, parts, cited in rows:
        key = parts.replace(ABSENT, ""), cited if isinstance(cited, str) else None
        if acoem and key not in known:
            known[key] = acoem_chapter(key[0].split(), key[1])
        chapters.append(known[key] if acoem else None)
    return chapters


def _told(precedent: Precedent, decided: DecidedRequests) -> dict[str, object]:
    row = precedent.row
    item, year = decided.item[row], decided.decided_year[row]
    return {
        "case_number": str(decided.case_number[row]) or None,
        "item": None if np.isnan(item) else int(item),
        "outcome": "overturned" if decided.overturned[row] else "upheld",
        "families": decided.families_of(row),
        "decided": None if np.isnan(year) else int(year),
        "similarity": round(precedent.similarity, _DIGITS),
    }
