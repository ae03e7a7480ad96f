"""Turn feature frames into profiles.

Every value is rounded, on whichever side it is compared, so that a profile tells no request apart and rounding is no
difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.types import Predictions
from imr_ml.features.frame import ABSENT
from imr_ml.guidelines.types import FAMILIES
from imr_ml.profiles.profile import MOST_ROWS, Profile
from imr_ml.profiles.vocabulary import coverage, in_several_groups, word_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix
    from sklearn.compose import ColumnTransformer

NOT_STATED = "not told"
_NOTHING = ABSENT.replace("_", " ")
# Whatever a table has in its column of age bands, only what looks like one is kept.
_AGE_BAND = r"\D{0,6}\d{1,3}\D{0,6}(?:\d{1,3}\D{0,6})?"
_STEPS = {
    "age": 1.0,
    "days_since_injury": 10.0,
    "items_in_case": 1.0,
    "request_chars": 10.0,
    "summary_chars": 10.0,
    "ur_guideline_chars": 10.0,
    "vocabulary_coverage": 0.001,
    "p_overturned": 0.001,
}


def profile_of(
    frame: pd.DataFrame,
    matrix: csr_matrix,
    predictions: Predictions,
    known: NDArray[np.bool_],
    case: NDArray[np.int64],
    drawn_from: int,
) -> Profile:
    """The profile of a feature frame's rows.

    Parameters
    ----------
    frame : DataFrame
        Feature frame.
    matrix : (rows, features) sparse matrix
        Feature matrix of the same rows.
    predictions : Predictions
        Of the same rows, by a model that did not learn from them.
    known : (features,) bool
        Columns of the words that count as known.
    case : (rows,) int
    drawn_from : int
        Requests that the rows were drawn from.
    """
    found = {
        "age": frame["age"],
        "days_since_injury": np.expm1(frame["log_days_injury_to_denial"]),
        "items_in_case": np.expm1(frame["log_items_in_case"]),
        "request_chars": _length(frame["request"]),
        "summary_chars": _length(frame["clinical_summary"]),
        "ur_guideline_chars": _length(frame["ur_guideline"]),
        "vocabulary_coverage": coverage(frame, matrix, known),
        "p_overturned": predictions.p_overturned,
    }
    numbers = {name: _rounded(np.asarray(values, dtype=np.float64), _STEPS[name]) for name, values in found.items()}
    return Profile(case.astype(np.int32), numbers, _labels(frame, predictions), drawn_from)


def reference_profile(
    frame: pd.DataFrame,
    matrix: csr_matrix,
    features: ColumnTransformer,
    held_out: Predictions,
    groups: NDArray[np.int64],
    seed: int,
) -> Profile:
    """The profile of what a model is trained on, as new requests would look to it.

    Of more than `MOST_ROWS` requests whole groups are drawn. A word counts as known where another group has it too, as
    every word of a training text is known to the model that learned from it.

    Parameters
    ----------
    frame, matrix
        Feature frame and feature matrix that the model was fitted on.
    features : ColumnTransformer
        Fitted; the matrix is its.
    held_out : Predictions
        Of every row, by models that did not learn from its group.
    groups : (rows,) int
        Counted from 0.
    seed : int
    """
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)[groups]
    rows = np.argsort(order, kind="stable")[:MOST_ROWS]
    known = word_columns(features) & in_several_groups(matrix, groups)
    case = np.unique(order[rows], return_inverse=True)[1]
    predictions = Predictions(held_out.p_overturned[rows], held_out.family_probability[rows], held_out.family_set[rows])
    return profile_of(frame.iloc[rows], matrix[rows], predictions, known, case, len(frame))


def _labels(frame: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.str_]]:
    bands = frame["age_band"].astype("string")
    labels = {
        "category": frame["category"].str.replace("_", " ").replace(_NOTHING, NOT_STATED),
        "ur_families": frame["ur_families"].str.replace(" ", " + ").replace(ABSENT, NOT_STATED),
        "age_band": bands.where(bands.str.fullmatch(_AGE_BAND).fillna(False)).fillna(NOT_STATED),
    }
    columns = {name: np.asarray(values, dtype=np.str_) for name, values in labels.items()}
    if not np.isnan(predictions.family_probability).all():
        columns["primary_family"] = np.array(FAMILIES)[predictions.primary_family]
    return columns


def _length(texts: pd.Series) -> pd.Series:
    return texts.astype("string").str.len().astype("Float64").astype("float64")


def _rounded(values: NDArray[np.float64], step: float) -> NDArray[np.float32]:
    return (np.round(values / step) * step).astype(np.float32)
