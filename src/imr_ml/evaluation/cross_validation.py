"""Compute out-of-fold predictions with folds grouped by case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset, Predictions, Predictor
from imr_ml.evaluation.splits import Split
from imr_ml.progress import StartProgress, silent


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions of each repeat of a cross-validation.

    Attributes
    ----------
    repeats : tuple of Predictions
        One a repeat, each for all requests in their order.
    """

    repeats: tuple[Predictions, ...]

    @property
    def mean_p_overturned(self) -> NDArray[np.float64]:
        """Mean over the repeats, shape (requests,)."""
        mean: NDArray[np.float64] = np.mean([repeat.p_overturned for repeat in self.repeats], axis=0)
        return mean


def out_of_fold(
    dataset: Dataset,
    builders: dict[str, Callable[[], Predictor]],
    repeats: list[list[Split]],
    jobs: int,
    start: StartProgress = silent,
    doing: str = "fitting held-out models",
) -> dict[str, OutOfFold]:
    """Out-of-fold predictions of each predictor, all on the same folds.

    Parameters
    ----------
    dataset : Dataset
    builders : dict of callable
        Makes an unfitted predictor; called anew for every fold.
    repeats : list of list of (train, test)
        Folds of each repeat.
    jobs : int
        Processes; -1 for all cores.
    start : callable, optional
        Starts a progress bar over the fits.
    doing : str, optional
        What the bar says.
    """
    from joblib import Parallel, delayed

    tasks = [
        (name, repeat, fold) for name in builders for repeat, folds in enumerate(repeats) for fold in range(len(folds))
    ]
    progress = start(doing, len(tasks))
    run = Parallel(n_jobs=jobs, return_as="generator")
    parts: dict[tuple[str, int], list[Predictions]] = {}
    results = run(delayed(fit_predict)(builders[name], dataset, repeats[repeat][fold]) for name, repeat, fold in tasks)
    for (name, repeat, _), predictions in zip(tasks, results, strict=True):
        parts.setdefault((name, repeat), []).append(predictions)
        progress(1)
    return {
        name: OutOfFold(tuple(join_folds(parts[name, repeat], repeats[repeat]) for repeat in range(len(repeats))))
        for name in builders
    }


def fit_predict(build: Callable[[], Predictor], dataset: Dataset, split: Split) -> Predictions:
    """Fit a new predictor on the training part of a split, and predict its test part.

    Parameters
    ----------
    build : callable
        Makes an unfitted predictor.
    dataset : Dataset
    split : (train, test)
    """
    train, test = dataset[split[0]], dataset.frame.iloc[split[1]]
    return build().fit(train.frame, train.labels, train.groups).predict(test)


def join_folds(parts: list[Predictions], folds: list[Split]) -> Predictions:
    """Predictions of the test parts in the order of the requests."""
    order = np.argsort(np.concatenate([test for _, test in folds]))
    return Predictions(
        np.concatenate([part.p_overturned for part in parts])[order],
        np.concatenate([part.family_probability for part in parts])[order],
        np.concatenate([part.family_set for part in parts])[order],
    )
