"""Requests in, the same rows out with predictions: one chunk in memory.

Knows the output contract. What can't be scored keeps its row and gets its reason.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from imr_ml.classifiers.conformal import EVEN
from imr_ml.corpus.schema import FAMILY_SEPARATOR, REQUIRED_COLUMNS, SchemaError, require_columns, row_errors, typed
from imr_ml.corpus.table import complete_requests
from imr_ml.features import feature_frame
from imr_ml.guidelines import FAMILIES

if TYPE_CHECKING:
    from imr_ml.classifiers import Evidence, Predictions
    from imr_ml.model_files import LoadedModel

SCORE_COLUMNS = (
    "p_overturned",
    "outcome_pred",
    "confident",
    "families_pred",
    "primary_family",
    *(f"p_{family}" for family in FAMILIES),
    "evidence",
    "model_version",
    "error",
)
UNCERTAIN = "uncertain"
EVIDENCE_TERMS = 5


def check_columns(columns: list[str], source: str) -> None:
    """Check that a table can be scored and that scoring would not overwrite a column.

    Raises
    ------
    SchemaError
        For a required column that is missing or a column that scoring adds.
    """
    require_columns(pd.DataFrame(columns=columns), REQUIRED_COLUMNS, source)
    taken = [name for name in SCORE_COLUMNS if name in columns]
    if taken:
        raise SchemaError(f"{source}: has column(s) that scoring adds: {', '.join(taken)}; rename or drop them")


def score_frame(frame: pd.DataFrame, model: LoadedModel, *, evidence: bool = True) -> pd.DataFrame:
    """Score requests.

    Parameters
    ----------
    frame : DataFrame
        Requests as they came; other columns than the schema's pass through. A row whose ``error`` is already set, such
        as a letter that could not be read, keeps it and is not scored.
    model : LoadedModel
    evidence : bool, default True
        Whether to tell what moved each prediction.

    Returns
    -------
    DataFrame
        The same rows and columns in the same order, then `SCORE_COLUMNS`. A row that can't be scored has its reason
        in ``error`` and nothing in the other added columns.
    """
    table = typed(frame)
    reasons = row_errors(frame, table)
    if "error" in frame:
        reasons = frame["error"].astype("string").fillna(reasons)
    usable = reasons.isna().to_numpy()
    scored = pd.DataFrame(index=frame.index, columns=list(SCORE_COLUMNS), dtype="object")
    if usable.any():
        scored.loc[usable] = _scored(table[usable], model, evidence=evidence).to_numpy(dtype="object")
    scored["error"] = reasons
    return frame.drop(columns="error", errors="ignore").join(_in_types(scored))


def _scored(table: pd.DataFrame, model: LoadedModel, *, evidence: bool) -> pd.DataFrame:
    features = feature_frame(complete_requests(table), model.nlp)
    if evidence:
        predictions, found = model.model.predict_with_evidence(features, EVIDENCE_TERMS)
        told: list[str | None] = [_evidence(row) for row in found]
    else:
        predictions, told = model.model.predict(features), [None] * len(features)
    columns = _outcome_columns(predictions, model) | _family_columns(predictions)
    columns |= {"evidence": told, "model_version": model.version, "error": None}
    return pd.DataFrame(columns, index=table.index)[list(SCORE_COLUMNS)]


def _outcome_columns(predictions: Predictions, model: LoadedModel) -> dict[str, object]:
    confident = model.outcome_sets.confident(predictions.p_overturned)
    likelier = np.where(predictions.p_overturned >= EVEN, "overturned", "upheld")
    return {
        "p_overturned": predictions.p_overturned,
        "outcome_pred": np.where(confident, likelier, UNCERTAIN),
        "confident": confident,
    }


def _family_columns(predictions: Predictions) -> dict[str, object]:
    names = np.array(FAMILIES)
    likeliest = predictions.family_probability.argmax(axis=1)
    columns: dict[str, object] = {
        "families_pred": [FAMILY_SEPARATOR.join(names[row]) for row in predictions.family_set],
        "primary_family": names[likeliest],
    }
    return columns | {f"p_{name}": predictions.family_probability[:, place] for place, name in enumerate(FAMILIES)}


def _evidence(evidence: Evidence) -> str:
    told = {
        name: [contribution._asdict() for contribution in contributions]
        for name, contributions in (("outcome", evidence.outcome), ("primary_family", evidence.family))
    }
    return json.dumps(told, ensure_ascii=False)


def _in_types(scored: pd.DataFrame) -> pd.DataFrame:
    """Fixed types, so that every chunk of a file has the same."""
    kinds = {name: "float64" if name.startswith("p_") else "string" for name in SCORE_COLUMNS}
    return scored.astype(kinds | {"confident": "boolean"})
