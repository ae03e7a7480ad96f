"""Compute the exact feature contributions of a linear score, measured from the average training request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

# Every request has exactly one value of these, so an absent value adds no information.
_ALWAYS_PRESENT = frozenset({"category", "sex", "injury_stage", "numbers", "case_size"})


class Contribution(NamedTuple):
    """One feature's share of a prediction.

    Attributes
    ----------
    block : str
        Block of features, e.g. ``"summary"`` or ``"findings"``.
    term : str
        Token, phrase or fact within the block.
    weight : float
        Change in the log-odds of the prediction, compared with the average training request.
    is_present : bool
        Whether the request has the feature. An absent feature contributes, too, if other requests have it.
    """

    block: str
    term: str
    weight: float
    is_present: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """The log-odds of one prediction as a sum.

    Attributes
    ----------
    base_rate : float
        Log-odds of the base rate in the training data.
    terms : list of Contribution
        Largest contributions, in descending order of size.
    log_odds : float
        Log-odds of the prediction.
    """

    base_rate: float
    terms: list[Contribution]
    log_odds: float


@dataclass(frozen=True, slots=True)
class LinearScores:
    """Linear scores to explain.

    Attributes
    ----------
    coefficients : (scores, features) float
        Coefficients of the log-odds.
    averages : (features,) float
        Feature values whose contribution is zero.
    names : (features,) str
        Column names, ``block__term``, as in `ColumnTransformer`.
    """

    coefficients: NDArray[np.float64]
    averages: NDArray[np.float64]
    names: NDArray[np.str_]


def top_contributions(
    matrix: csr_matrix,
    scores: LinearScores,
    which: NDArray[np.int64],
    reliability: NDArray[np.float64],
    most: int,
) -> list[list[Contribution]]:
    """Return the largest contributions to each row's score, including those of absent features, largest first.

    Parameters
    ----------
    matrix : (rows, features) sparse matrix
    scores : LinearScores
    which : (rows,) int
        Index of the score to explain in each row.
    reliability : (rows,) float
        Factor that each row's contributions are multiplied by.
    most : int
        Maximum number of contributions per row.
    """
    longest = int(np.diff(matrix.indptr).max(initial=0)) + most
    absent_columns = {score: _absent_columns(scores, score, longest) for score in np.unique(which).tolist()}
    rows = zip(matrix.indptr[:-1], matrix.indptr[1:], which.tolist(), reliability.tolist(), strict=True)
    return [
        _top_of_row(
            matrix.indices[start:end], matrix.data[start:end], scores, score, share, absent_columns[score], most
        )
        for start, end, score, share in rows
    ]


def _absent_columns(scores: LinearScores, score: int, longest: int) -> NDArray[np.int64]:
    """Return the columns that contribute most to a score if they are absent, largest first."""
    weights = np.abs(scores.averages * scores.coefficients[score])
    largest = np.argsort(-weights, kind="stable")[:longest]
    columns: NDArray[np.int64] = largest[
        [str(scores.names[column]).partition("__")[0] not in _ALWAYS_PRESENT for column in largest]
    ]
    return columns


def _top_of_row(
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    scores: LinearScores,
    score: int,
    share: float,
    absent_columns: NDArray[np.int64],
    most: int,
) -> list[Contribution]:
    absent = absent_columns[~np.isin(absent_columns, columns)][:most]
    all_columns = np.concatenate([columns, absent])
    shifts = np.concatenate([values, np.zeros(len(absent))]) - scores.averages[all_columns]
    weights = share * shifts * scores.coefficients[score][all_columns]
    top = np.argsort(-np.abs(weights), kind="stable")[:most]
    return [
        _contribution(str(scores.names[all_columns[place]]), float(weights[place]), is_present=place < len(columns))
        for place in top.tolist()
        if weights[place]
    ]


def _contribution(name: str, weight: float, *, is_present: bool) -> Contribution:
    block, _, term = name.partition("__")
    return Contribution(block, term, weight, is_present)
