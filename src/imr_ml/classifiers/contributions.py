"""Compute the exact feature contributions of a linear score, measured from the average training request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


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
    """

    block: str
    term: str
    weight: float


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
    """Of the features that each row has, those that move its score most, largest first.

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
    return [
        _top_of_row(matrix.indices[start:end], matrix.data[start:end], scores, score, share, most)
        for start, end, score, share in zip(matrix.indptr[:-1], matrix.indptr[1:], which, reliability, strict=True)
    ]


def _top_of_row(
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    scores: LinearScores,
    score: int,
    share: float,
    most: int,
) -> list[Contribution]:
    weights = share * (values - scores.averages[columns]) * scores.coefficients[score][columns]
    top = np.argsort(-np.abs(weights), kind="stable")[:most]
    return [_contribution(str(scores.names[columns[place]]), float(weights[place])) for place in top if weights[place]]


def _contribution(name: str, weight: float) -> Contribution:
    block, _, term = name.partition("__")
    return Contribution(block, term, weight)
