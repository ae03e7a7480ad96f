"""Split requests so that no case is on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imr_ml.errors import ImrError
from imr_ml.evaluation.settings import EvaluationSettings

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


class SplitError(ImrError):
    """Too few cases to evaluate; the message gives the number found and the number needed."""


def fold_numbers(folds: Sequence[Split]) -> NDArray[np.int64]:
    """Fold in which each request is held out, shape (requests,)."""
    numbers = np.empty(sum(len(test) for _, test in folds), dtype=np.int64)
    for number, (_, test) in enumerate(folds):
        numbers[test] = number
    return numbers


def grouped_folds(
    overturned: NDArray[np.bool_], groups: NDArray[np.int64], folds: int, seed: int, *, stratify: bool = True
) -> list[Split]:
    """Folds grouped by case.

    Parameters
    ----------
    overturned : (requests,) bool
    groups : (requests,) int
        Case of each request.
    folds : int
    seed : int
    stratify : bool, default True
        Whether each fold shall hold about the same share of overturned requests.

    Returns
    -------
    list of (train, test)
        Indices; every request is in exactly one test part.

    Raises
    ------
    SplitError
        Where there are fewer cases of either outcome than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    for outcome, chosen in (("overturned", overturned), ("upheld", ~overturned)):
        cases = len(np.unique(groups[chosen]))
        if cases < folds:
            raise SplitError(
                f"only {cases} case(s) with a request {outcome}, and {folds} folds need {folds}: "
                "add letters or use fewer folds"
            )
    kind = StratifiedGroupKFold if stratify else GroupKFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(groups)), overturned, groups))


def repeated_folds(
    overturned: NDArray[np.bool_], groups: NDArray[np.int64], settings: EvaluationSettings
) -> list[list[Split]]:
    """Grouped folds of each repeat of a cross-validation.

    Parameters
    ----------
    overturned : (requests,) bool
    groups : (requests,) int
    settings : EvaluationSettings
        With the repeats to run.

    Raises
    ------
    SplitError
        See `grouped_folds`.
    """
    return [
        grouped_folds(overturned, groups, settings.folds, settings.seed + repeat, stratify=settings.stratify)
        for repeat in range(settings.repeats)
    ]
