"""Settings of an evaluation, and splits of requests that leave each case on one side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset
from imr_ml.errors import ImrError
from imr_ml.features.settings import LARGE_TABLE

_SMALL_TABLE = 2000
_REPEATS_OF_SMALL_TABLE = 5
Split = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes
    ----------
    repeats : int
        Cross-validations with different folds; 0 takes 5 for tables under 2,000 requests and 1 above.
    resamples : int
        Bootstrap resamples of the cases.
    jobs : int
        Processes; -1 for all cores.
    stratify : bool
        Whether folds are stratified by outcome besides being grouped by case.
    permutations : int
        How often outcomes are shuffled to see what chance gives; 0 leaves that test out.
    compare_masking : bool
        Whether the model is also evaluated with determination language masked where it is not, or the other way round;
        that reads every text and fits every held-out model twice.
    learning_curve : bool
        Whether the model and the baselines are also fitted on parts of the cases.
    tested_folds : int
        How many of the folds are held out in turn; 0 takes one for tables above `large_from` requests, else all.
    large_from : int
        Requests above which folds are not stratified either: they are so large that chance does it.
    """

    folds: int = 5
    repeats: int = 0
    resamples: int = 1000
    seed: int = 0
    jobs: int = -1
    stratify: bool = True
    permutations: int = 0
    compare_masking: bool = False
    learning_curve: bool = False
    tested_folds: int = 0
    large_from: int = LARGE_TABLE

    @property
    def tested_parts(self) -> str:
        """The folds that are held out, e.g. ``"5 folds"`` or ``"1 of 5 folds"``."""
        return (
            f"{self.tested_folds} of {self.folds} folds"
            if 0 < self.tested_folds < self.folds
            else f"{self.folds} folds"
        )

    def for_requests(self, requests: int) -> EvaluationSettings:
        """Fill in the numbers of repeats and tested folds for a table of that size."""
        repeats = self.repeats or (_REPEATS_OF_SMALL_TABLE if requests < _SMALL_TABLE else 1)
        is_large = requests > self.large_from
        tested = self.tested_folds or (1 if is_large and repeats == 1 else self.folds)
        return replace(self, repeats=repeats, tested_folds=tested, stratify=self.stratify and not is_large)


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
        Whether each fold holds about the same share of overturned requests.

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
