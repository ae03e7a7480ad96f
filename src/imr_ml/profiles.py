"""Profile requests as rounded numbers and labels, without their texts.

Rounding keeps a profile from identifying a request. Both sides of a comparison are rounded to the same steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils import gen_batches

from imr_ml.classifiers.types import Predictions
from imr_ml.features.frame import ABSENT, TOKEN_COLUMNS
from imr_ml.features.matrix import FeatureBlocks
from imr_ml.features.rows import FeatureRows
from imr_ml.guidelines.types import FAMILIES

MAX_ROWS = 10_000
"""Maximum number of requests in a profile."""
NOT_STATED = "not stated"
# The column of age bands may contain arbitrary text.
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
_SECTIONS = ("request", "summary", "ur_guideline")
_ROWS_AT_ONCE = 1_000
_NUMBER, _LABEL, _LEVELS = "number.", "label.", ".levels"


@dataclass(frozen=True, slots=True)
class Profile:
    """Characteristics of requests.

    Attributes
    ----------
    case : (rows,) int
        Case of each row, from 0.
    numbers : dict of (rows,) float32
        Values by characteristic; NaN if unknown.
    labels : dict of (rows,) str
        Values by characteristic.
    drawn_from : int
        Number of requests that the rows were sampled from.
    """

    case: NDArray[np.int32]
    numbers: dict[str, NDArray[np.float32]]
    labels: dict[str, NDArray[np.str_]]
    drawn_from: int

    def __len__(self) -> int:
        return len(self.case)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.case.max()) + 1 if len(self) else 0

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return plain arrays by name, for a file."""
        arrays: dict[str, NDArray[np.generic]] = {"case": self.case, "drawn_from": np.array(self.drawn_from)}
        arrays |= {f"{_NUMBER}{name}": values for name, values in self.numbers.items()}
        for name, values in self.labels.items():
            levels, codes = np.unique(values, return_inverse=True)
            arrays |= {f"{_LABEL}{name}{_LEVELS}": levels, f"{_LABEL}{name}": codes.astype(np.int16)}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Rebuild a profile from what `arrays` returned."""
        numbers = [name for name in arrays if name.startswith(_NUMBER)]
        labels = [name for name in arrays if name.startswith(_LABEL) and not name.endswith(_LEVELS)]
        return cls(
            case=np.asarray(arrays["case"], dtype=np.int32),
            numbers={name.removeprefix(_NUMBER): np.asarray(arrays[name], dtype=np.float32) for name in numbers},
            labels={name.removeprefix(_LABEL): _decode_labels(arrays, name) for name in labels},
            drawn_from=int(np.asarray(arrays["drawn_from"], dtype=np.int64)),
        )


def _decode_labels(arrays: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.str_]:
    levels = np.asarray(arrays[f"{name}{_LEVELS}"], dtype=np.str_)
    # Models of version 0.1.0 contain the old label.
    levels = np.where(levels == "not told", NOT_STATED, levels)
    return levels[np.asarray(arrays[name], dtype=np.int16)]


def join_profiles(parts: Sequence[Profile], drawn_from: int) -> Profile:
    """Concatenate profiles with the same characteristics and a common numbering of cases."""
    first = parts[0]
    return Profile(
        case=np.concatenate([part.case for part in parts]),
        numbers={name: np.concatenate([part.numbers[name] for part in parts]) for name in first.numbers},
        labels={name: np.concatenate([part.labels[name] for part in parts]) for name in first.labels},
        drawn_from=drawn_from,
    )


def profile_requests(
    frame: pd.DataFrame,
    matrix: csr_matrix,
    predictions: Predictions,
    known_columns: NDArray[np.bool_],
    case: NDArray[np.int64],
    drawn_from: int,
) -> Profile:
    """Profile the rows of a feature frame.

    Parameters
    ----------
    frame, matrix : DataFrame, sparse matrix
        Feature frame, and feature matrix of the same rows.
    predictions : Predictions
        Predictions of a model that was not trained on these rows.
    known_columns : (features,) bool
        Marks the columns of known words.
    case : (rows,) int
        Case of each row, from 0.
    drawn_from : int
        Number of requests that the rows were sampled from.
    """
    values = {
        "age": frame["age"],
        "days_since_injury": np.expm1(frame["log_days_injury_to_denial"]),
        "items_in_case": np.expm1(frame["log_items_in_case"]),
        "request_chars": _lengths(frame["request"]),
        "summary_chars": _lengths(frame["clinical_summary"]),
        "ur_guideline_chars": _lengths(frame["ur_guideline"]),
        "vocabulary_coverage": vocabulary_coverage(frame, matrix, known_columns),
        "p_overturned": predictions.p_overturned,
    }
    numbers = {
        name: (np.round(np.asarray(values[name], dtype=np.float64) / step) * step).astype(np.float32)
        for name, step in _STEPS.items()
    }
    return Profile(case.astype(np.int32), numbers, _labels(frame, predictions), drawn_from)


def reference_profile(
    frame: pd.DataFrame,
    matrix: FeatureRows | csr_matrix,
    features: FeatureBlocks,
    held_out: Predictions,
    groups: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> Profile:
    """Profile the training data as new requests would look to the model.

    A word counts as known only if at least two groups contain it, because the model knows every word of its training
    texts.

    Parameters
    ----------
    frame, matrix : DataFrame, sparse matrix
        Feature frame and feature matrix that the model was fitted on.
    features : FeatureBlocks
        The fitted transformer of the matrix.
    held_out : Predictions
        Held-out predictions of the profiled rows.
    groups : (rows,) int
        Group of each row, from 0.
    rows : (profiled,) int
        Rows to profile; see `sampled_rows`.
    """
    known_columns = word_columns(features) & in_several_groups(matrix, groups)
    case = np.unique(groups[rows], return_inverse=True)[1]
    return profile_requests(frame.iloc[rows], matrix[rows], held_out, known_columns, case, len(frame))


def sampled_rows(groups: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return all rows, or those of randomly drawn groups if there are more than `MAX_ROWS`."""
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)[groups]
    return np.argsort(order, kind="stable")[:MAX_ROWS]


def word_columns(features: FeatureBlocks) -> NDArray[np.bool_]:
    """Mark the columns of a fitted feature matrix that count one word of a section, shape (features,)."""
    is_word = np.zeros(max(place.stop for place in features.places.values()), dtype=bool)
    vectorizers = {name: fitted for name, fitted, _ in features.blocks}
    for section in _SECTIONS:
        start, vocabulary = features.places[section].start, vectorizers[section].vocabulary_
        is_word[[start + place for term, place in vocabulary.items() if " " not in term and term != ABSENT]] = True
    return is_word


def in_several_groups(matrix: FeatureRows | csr_matrix, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the columns with entries in rows of more than one group, shape (features,)."""
    first = np.full(matrix.shape[1], np.iinfo(np.int64).max)
    last = np.full(matrix.shape[1], -1)
    for rows in gen_batches(matrix.shape[0], _ROWS_AT_ONCE):
        part = matrix[rows]
        group_of_entry = np.repeat(groups[rows], np.diff(part.indptr))
        np.minimum.at(first, part.indices, group_of_entry)
        np.maximum.at(last, part.indices, group_of_entry)
    return first < last


def vocabulary_coverage(
    frame: pd.DataFrame, matrix: csr_matrix, known_columns: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the share of each row's distinct words in `known_columns`; NaN without words, shape (rows,)."""
    words = sum(_count_distinct(frame[column]) for column in TOKEN_COLUMNS)
    row_of_entry = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    covered = np.bincount(row_of_entry, weights=known_columns[matrix.indices], minlength=matrix.shape[0])
    share: NDArray[np.float64] = np.divide(covered, words, out=np.full(len(frame), np.nan), where=words > 0)
    return share


def _count_distinct(texts: pd.Series) -> NDArray[np.int64]:
    counts = {text: len(set(text.split()) - {ABSENT}) for text in texts.unique()}
    return np.asarray(texts.map(counts), dtype=np.int64)


def _labels(frame: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.str_]]:
    bands = frame["age_band"].astype("string")
    labels = {
        "category": frame["category"].str.replace("_", " ").replace(ABSENT.replace("_", " "), NOT_STATED),
        "ur_families": frame["ur_families"].str.replace(" ", " + ").replace(ABSENT, NOT_STATED),
        "age_band": bands.where(bands.str.fullmatch(_AGE_BAND).fillna(False)).fillna(NOT_STATED),
    }
    columns = {name: np.asarray(values, dtype=np.str_) for name, values in labels.items()}
    if not np.isnan(predictions.family_probability).all():
        columns["primary_family"] = np.array(FAMILIES)[predictions.primary_family]
    return columns


def _lengths(texts: pd.Series) -> pd.Series:
    return texts.astype("string").str.len().astype("Float64").astype("float64")
