"""Convert predictions, cohorts and precedents to the columns that scoring adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from imr_ml.classifiers.conformal import EVEN
from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.features.frame import ABSENT
from imr_ml.guidelines.coverage import acoem_chapter
from imr_ml.guidelines.types import FAMILIES
from imr_ml.score_columns import UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from imr_ml.classifiers.conformal import OutcomeSets
    from imr_ml.classifiers.types import Predictions
    from imr_ml.model_files import LoadedModel
    from imr_ml.precedents.cohorts import CohortRates
    from imr_ml.precedents.decided import DecidedRequests, Query
    from imr_ml.precedents.neighbours import Neighbours, Precedent

Columns = dict[str, object]
_ACOEM = FAMILIES.index("acoem")
_DIGITS = 4
_SUMMARY = "clinical_summary"
_TOO_SHORT = f"{_SUMMARY}: too short to tell"


def outcome_columns(predictions: Predictions, sets: OutcomeSets, little_known: NDArray[np.bool_]) -> Columns:
    """Predict an outcome if the prediction set contains only the likelier one and enough of the text is known.

    Parameters
    ----------
    predictions : Predictions
    sets : OutcomeSets
    little_known : (rows,) bool
        Rows of which the model knows too little text.
    """
    confident = sets.confident(predictions.p_overturned) & ~little_known
    likelier = np.where(predictions.p_overturned >= EVEN, "overturned", "upheld")
    return {
        "p_overturned": predictions.p_overturned,
        "outcome_pred": np.where(confident, likelier, UNCERTAIN),
        "confident": confident,
    }


def text_warnings(
    features: Mapping[str, Any], matrix: csr_matrix, model: LoadedModel, little_known: NDArray[np.bool_]
) -> list[str | None]:
    """Warn about requests whose outcome is uncertain because the model knows too little of their text; else None.

    Parameters
    ----------
    features : mapping of str to array
        Columns of the feature frame.
    matrix : (rows, features) sparse matrix
    model : LoadedModel
    little_known : (rows,) bool
        Rows of which the model knows too little text.
    """
    warnings: list[str | None] = [None] * len(little_known)
    baseline, places = model.model.baseline_, np.flatnonzero(little_known)
    if baseline is None or not len(places):
        return warnings
    for place, known in zip(places.tolist(), baseline.outcome.count(matrix[places]).tolist(), strict=True):
        texts = (features[name][place] for name in ("request_tokens", "summary_tokens"))
        words = sum(len(set(text.split()) - {ABSENT}) for text in texts)
        warnings[place] = _TOO_SHORT if 2 * known >= words else f"{_SUMMARY}: the model knows {known} of {words} words"
    return warnings


def family_columns(predictions: Predictions, features: pd.DataFrame | Mapping[str, Any]) -> Columns:
    """Families with their probabilities; missing if the model was trained without families."""
    names = np.array(FAMILIES)
    probability = predictions.family_probability
    if np.isnan(probability).all():
        nothing = dict.fromkeys(("families_pred", "primary_family", "acoem_chapter"))
        return nothing | {f"p_{name}": np.nan for name in FAMILIES}
    columns: Columns = {
        "families_pred": [FAMILY_SEPARATOR.join(names[row]) for row in predictions.family_set],
        "primary_family": names[predictions.primary_family],
        "acoem_chapter": _chapters(predictions.family_set[:, _ACOEM].tolist(), features),
    }
    return columns | {f"p_{name}": probability[:, place] for place, name in enumerate(FAMILIES)}


def precedent_columns(precedents: list[list[Precedent]], neighbours: Neighbours, query: Query) -> Columns:
    """Precedents of each request as JSON; an empty list, with the reason, if no earlier decided request is similar.

    Parameters
    ----------
    precedents : list of list of Precedent
    neighbours : Neighbours
        The index that found them.
    query : Query
        Query of the same rows.
    """
    records = [[_precedent_record(one, neighbours.decided) for one in row] for row in precedents]
    return {
        "precedents": [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in records],
        "precedents_reason": [
            None if row else neighbours.explain_absence(query, place) for place, row in enumerate(precedents)
        ],
    }


def cohort_columns(rates: CohortRates) -> Columns:
    """Overturn rate of each request's cohort, with its interval."""
    return {
        "cohort_rate": rates.rate,
        "cohort_low": rates.low,
        "cohort_high": rates.high,
        "cohort_requests": [None if np.isnan(size) else int(size) for size in rates.requests],
        "cohort_tier": rates.tier,
        "cohort_reason": rates.reason,
    }


def _chapters(is_acoem: list[bool], features: pd.DataFrame | Mapping[str, Any]) -> list[str | None]:
    rows = zip(is_acoem, features["request_body_parts"], features["ur_guideline"], strict=True)
    known: dict[tuple[str, str | None], str | None] = {}
    chapters = []
    for acoem, parts, cited in rows:
        key = parts.replace(ABSENT, ""), cited if isinstance(cited, str) else None
        if acoem and key not in known:
            known[key] = acoem_chapter(key[0].split(), key[1])
        chapters.append(known[key] if acoem else None)
    return chapters


def _precedent_record(precedent: Precedent, decided: DecidedRequests) -> dict[str, object]:
    row = precedent.row
    item, year = decided.item[row], decided.decided_year[row]
    return {
        "case_number": str(decided.case_number[row]) or None,
        "item": None if np.isnan(item) else int(item),
        "outcome": "overturned" if decided.overturned[row] else "upheld",
        "families": decided.families_of(row),
        "decided": None if np.isnan(year) else int(year),
        "similarity": round(precedent.similarity, _DIGITS),
        "shares": precedent.shares,
        "request": decided.request[row] if decided.request else None,
    }
