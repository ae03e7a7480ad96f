"""Compute the exact feature contributions of a linear score, measured from the average training request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

# Of these a request has one value each, which says what it is not.
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
        What it adds to the log-odds of the prediction, beside a request with the training data's average of it.
    is_present : bool
        Whether the request has it; that it lacks what others have may weigh as much.
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
        What moves the prediction from there most, largest first.
    log_odds : float
        Of the prediction.
    """

    base_rate: float
    terms: list[Contribution]
    log_odds: float


@dataclass(frozen=True, slots=True)
class LinearScores:
    """Linear scores whose contributions are asked for.

    Attributes
    ----------
    coefficients : (scores, features) float
        Of the log-odds.
    averages : (features,) float
        Values that a feature contributes nothing at.
    names : (features,) str
        ``block__term``, as `ColumnTransformer` names them.
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
    """The features that move each row's score most, those that it lacks among them, largest first.

    Parameters
    ----------
    matrix : (rows, features) sparse matrix
    scores : LinearScores
    which : (rows,) int
        The score that is explained of each row.
    reliability : (rows,) float
        What a row's contributions are multiplied by.
    most : int
    """
    longest = int(np.diff(matrix.indptr).max(initial=0)) + most
    lacked = {score: _most_missed(scores, score, longest) for score in np.unique(which).tolist()}
    rows = zip(matrix.indptr[:-1], matrix.indptr[1:], which.tolist(), reliability.tolist(), strict=True)
    return [
        _top_of_row(matrix.indices[start:end], matrix.data[start:end], scores, score, share, lacked[score], most)
        for start, end, score, share in rows
    ]


def _most_missed(scores: LinearScores, score: int, longest: int) -> NDArray[np.int64]:
    """Columns that weigh most in a row that lacks them, the first first."""
    weights = np.abs(scores.averages * scores.coefficients[score])
    some = np.argsort(-weights, kind="stable")[:longest]
    shown: NDArray[np.int64] = some[
        [str(scores.names[column]).partition("__")[0] not in _ALWAYS_PRESENT for column in some]
    ]
    return shown


def _top_of_row(
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    scores: LinearScores,
    score: int,
    share: float,
    lacked: NDArray[np.int64],
    most: int,
) -> list[Contribution]:
    absent = lacked[~np.isin(lacked, columns)][:most]
    every = np.concatenate([columns, absent])
    shifts = np.concatenate([values, np.zeros(len(absent))]) - scores.averages[every]
    weights = share * shifts * scores.coefficients[score][every]
    top = np.argsort(-np.abs(weights), kind="stable")[:most]
    return [
        _contribution(str(scores.names[every[place]]), float(weights[place]), is_present=place < len(columns))
        for place in top.tolist()
        if weights[place]
    ]


def _contribution(name: str, weight: float, *, is_present: bool) -> Contribution:
    block, _, term = name.partition("__")
    return Contribution(block, term, weight, is_present)
