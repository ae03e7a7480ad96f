"""Split requests so that no case is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset
from imr_ml.errors import ImrError
from imr_ml.evaluation.settings import EvaluationSettings

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


class SplitError(ImrError):
    """Too few cases to evaluate; the message gives the number found and the number needed."""


def fold_numbers(folds: Sequence[Split]) -> NDArray[np.int64]:
    """Fold in which each tested request is held out, shape (tested requests,)."""
    order = np.argsort(np.concatenate([test for _, test in folds]))
    numbers: NDArray[np.int64] = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])[order]
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
    tested = settings.tested_folds or None
    return [
        grouped_folds(overturned, groups, settings.folds, settings.seed + repeat, stratify=settings.stratify)[:tested]
        for repeat in range(settings.repeats)
    ]


def tested_rows(repeats: list[list[Split]]) -> NDArray[np.int64]:
    """Requests that each repeat tests on, in ascending order."""
    return np.sort(np.concatenate([test for _, test in repeats[0]]))


def tested_part(dataset: Dataset, repeats: list[list[Split]]) -> Dataset:
    """The requests that each repeat tests on, in their order; the whole data set where that is all of them."""
    rows = tested_rows(repeats)
    if len(rows) == len(dataset):
        return dataset
    part = dataset[rows]
    return replace(part, groups=np.unique(part.groups, return_inverse=True)[1])
