"""Compute the exact feature contributions of a linear score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


class Contribution(NamedTuple):
    """One feature's share of a linear score.

    Attributes
    ----------
    block : str
        Block of features, e.g. ``"summary"`` or ``"findings"``.
    term : str
        Token, phrase or fact within the block.
    weight : float
        What it added to the score, in log-odds before calibration: the score is the sum over all features and the
        intercept.
    """

    block: str
    term: str
    weight: float


def top_contributions(
    matrix: csr_matrix,
    coefficients: NDArray[np.float64],
    which: NDArray[np.int64],
    names: NDArray[np.str_],
    most: int,
) -> list[list[Contribution]]:
    """The features that moved each row's score most, largest first.

    Parameters
    ----------
    matrix : (rows, features) sparse matrix
    coefficients : (scores, features) float
    which : (rows,) int
        The score that is told of each row.
    names : (features,) str
        ``block__term``, as `ColumnTransformer` names them.
    most : int
    """
    return [
        _top_of_row(matrix.indices[start:end], matrix.data[start:end], coefficients[score], names, most)
        for start, end, score in zip(matrix.indptr[:-1], matrix.indptr[1:], which, strict=True)
    ]


def _top_of_row(
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    names: NDArray[np.str_],
    most: int,
) -> list[Contribution]:
    weights = values * coefficients[columns]
    top = np.argsort(-np.abs(weights), kind="stable")[:most]
    return [_contribution(str(names[columns[place]]), float(weights[place])) for place in top if weights[place]]


def _contribution(name: str, weight: float) -> Contribution:
    block, _, term = name.partition("__")
    return Contribution(block, term, weight)
