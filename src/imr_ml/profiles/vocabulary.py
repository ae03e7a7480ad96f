"""Measure how much of a request's vocabulary a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.features.frame import ABSENT, TOKEN_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix
    from sklearn.compose import ColumnTransformer

_SECTIONS = ("request", "summary", "ur_guideline")
_ENTRIES_AT_ONCE = 5_000_000


def word_columns(features: ColumnTransformer) -> NDArray[np.bool_]:
    """Which columns of a fitted feature matrix count a single word of a section, shape (features,)."""
    is_word = np.zeros(max(place.stop for place in features.output_indices_.values()), dtype=bool)
    for section in _SECTIONS:
        start = features.output_indices_[section].start
        vocabulary = features.named_transformers_[section].vocabulary_
        is_word[[start + place for term, place in vocabulary.items() if " " not in term and term != ABSENT]] = True
    return is_word


def in_several_groups(matrix: csr_matrix, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which columns have an entry in rows of more than one group, shape (features,)."""
    first = np.full(matrix.shape[1], np.iinfo(np.int64).max)
    last = np.full(matrix.shape[1], -1)
    rows_at_once = max(1, _ENTRIES_AT_ONCE * matrix.shape[0] // max(1, matrix.nnz))
    for start in range(0, matrix.shape[0], rows_at_once):
        rows = slice(start, start + rows_at_once)
        ends = matrix.indptr[start : min(start + rows_at_once, matrix.shape[0]) + 1]
        columns, of_entry = matrix.indices[ends[0] : ends[-1]], np.repeat(groups[rows], np.diff(ends))
        np.minimum.at(first, columns, of_entry)
        np.maximum.at(last, columns, of_entry)
    return first < last


def coverage(frame: pd.DataFrame, matrix: csr_matrix, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each row's distinct words, counted section by section, that are known.

    Parameters
    ----------
    frame : DataFrame
        Feature frame.
    matrix : (rows, features) sparse matrix
        Feature matrix of the same rows.
    known : (features,) bool
        Columns of the words that count as known.

    Returns
    -------
    (rows,) float
        NaN of a row without words.
    """
    words = sum(_distinct(frame[column]) for column in TOKEN_COLUMNS)
    row_of_entry = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    covered = np.bincount(row_of_entry, weights=known[matrix.indices], minlength=matrix.shape[0])
    share: NDArray[np.float64] = np.divide(covered, words, out=np.full(len(frame), np.nan), where=words > 0)
    return share


def _distinct(texts: pd.Series) -> NDArray[np.int64]:
    counts = {text: len(set(text.split()) - {ABSENT}) for text in texts.unique()}
    return np.asarray(texts.map(counts), dtype=np.int64)
