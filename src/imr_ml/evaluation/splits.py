"""Settings of an evaluation, and splits of requests that keep each case on one side."""

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
    """Settings of an evaluation.

    Attributes
    ----------
    repeats : int
        Cross-validations with different folds; 0 means 5 for tables under 2,000 requests and 1 for others.
    resamples : int
        Bootstrap resamples of the cases.
    jobs : int
        Number of processes; -1 for all cores.
    stratify : bool
        Whether folds are stratified by outcome as well as grouped by case.
    permutations : int
        Number of shuffles in the permutation test; 0 skips the test.
    compare_masking : bool
        Whether to evaluate the model both with determination language masked and unmasked; this reads every text and
        fits every held-out model twice.
    learning_curve : bool
        Whether to fit the model and the baselines on samples of the cases too.
    tested_folds : int
        Number of folds that are held out in turn; 0 means one for tables above `large_from` requests, else all.
    large_from : int
        Above this number of requests, folds are not stratified either: in folds that large, outcomes balance by chance.
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
        """Description of the folds that are held out, e.g. ``"5 folds"`` or ``"1 of 5 folds"``."""
        return (
            f"{self.tested_folds} of {self.folds} folds"
            if 0 < self.tested_folds < self.folds
            else f"{self.folds} folds"
        )

    def for_requests(self, requests: int) -> EvaluationSettings:
        """Return the settings with the numbers of repeats and tested folds for a table of this size."""
        repeats = self.repeats or (_REPEATS_OF_SMALL_TABLE if requests < _SMALL_TABLE else 1)
        is_large = requests > self.large_from
        tested = self.tested_folds or (1 if is_large and repeats == 1 else self.folds)
        return replace(self, repeats=repeats, tested_folds=tested, stratify=self.stratify and not is_large)


class SplitError(ImrError):
    """Too few cases to evaluate; the message states the actual and the required number."""


def fold_numbers(folds: Sequence[Split]) -> NDArray[np.int64]:
    """Return the fold in which each tested request is held out, shape (tested requests,)."""
    order = np.argsort(np.concatenate([test for _, test in folds]))
    numbers: NDArray[np.int64] = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])[order]
    return numbers


def grouped_folds(
    overturned: NDArray[np.bool_], groups: NDArray[np.int64], folds: int, seed: int, *, stratify: bool = True
) -> list[Split]:
    """Split requests into folds, grouped by case.

    Parameters
    ----------
    overturned : (requests,) bool
    groups : (requests,) int
        Case of each request.
    folds : int
    seed : int
    stratify : bool, default True
        Whether each fold has about the same share of overturned requests.

    Returns
    -------
    list of (train, test)
        Row indices; every request is in exactly one test part.

    Raises
    ------
    SplitError
        If there are fewer cases of either outcome than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    for outcome, has_outcome in (("overturned", overturned), ("upheld", ~overturned)):
        cases = len(np.unique(groups[has_outcome]))
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
    """Return the tested folds of each repeat of a cross-validation, grouped by case.

    Parameters
    ----------
    overturned : (requests,) bool
    groups : (requests,) int
        Case of each request.
    settings : EvaluationSettings
        From `EvaluationSettings.for_requests`.

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
    """Return the rows that each repeat tests, in ascending order."""
    return np.sort(np.concatenate([test for _, test in repeats[0]]))


def tested_part(dataset: Dataset, repeats: list[list[Split]]) -> Dataset:
    """Return the requests that each repeat tests, in order."""
    rows = tested_rows(repeats)
    if len(rows) == len(dataset):
        return dataset
    part = dataset[rows]
    return replace(part, groups=np.unique(part.groups, return_inverse=True)[1])
