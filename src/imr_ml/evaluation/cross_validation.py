"""Compute out-of-fold predictions with folds grouped by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset, Predictions, Predictor, join_predictions
from imr_ml.evaluation.baselines import PlainText
from imr_ml.evaluation.splits import Split
from imr_ml.features.settings import LARGE_TABLE
from imr_ml.memory import release_memory
from imr_ml.progress import Progress, StartProgress, no_progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions of each repeat of a cross-validation.

    Attributes
    ----------
    repeats : tuple of Predictions
        One per repeat, each for all tested requests in order.
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
    start: StartProgress = no_progress,
    description: str = "fitting held-out models",
    large_from: int = LARGE_TABLE,
) -> dict[str, OutOfFold]:
    """Compute out-of-fold predictions of each predictor, all on the same folds.

    Parameters
    ----------
    dataset : Dataset
    builders : dict of callable
        Each builds an unfitted predictor; called once per fold.
    repeats : list of list of (train, test)
        Folds of each repeat.
    jobs : int
        Number of processes; -1 for all cores.
    start : callable, optional
        Starts a progress bar over the fits.
    description : str, optional
        Text of the progress bar.
    large_from : int, optional
        For more requests than this, a single process fits the models, because each process needs a copy of the data.
    """
    tasks = [
        (name, repeat, fold) for name in builders for repeat, folds in enumerate(repeats) for fold in range(len(folds))
    ]
    progress = start(description, len(tasks))
    fits = [(builders[name], dataset, repeats[repeat][fold]) for name, repeat, fold in tasks]
    is_large = len(dataset) > large_from
    results = _fit_large(fits, progress) if is_large else run_parallel(fit_predict, fits, jobs, progress)
    parts: dict[tuple[str, int], list[Predictions]] = {}
    for (name, repeat, _), predictions in zip(tasks, results, strict=True):
        parts.setdefault((name, repeat), []).append(predictions)
    return {
        name: OutOfFold(tuple(join_folds(parts[name, repeat], repeats[repeat]) for repeat in range(len(repeats))))
        for name in builders
    }


def run_parallel(
    run: Callable[..., T], tasks: Iterable[tuple[Any, ...]], jobs: int, progress: Progress, **options: object
) -> Iterator[T]:
    """Call a function for each task in parallel, and yield the results in order.

    Parameters
    ----------
    run : callable
    tasks : iterable of tuple
        Arguments of each call.
    jobs : int
        Number of processes; -1 for all cores.
    progress : callable
        Called with 1 after each result.
    **options : object
        Further arguments of `joblib.Parallel`.
    """
    from joblib import Parallel, delayed

    for result in Parallel(n_jobs=jobs, return_as="generator", **options)(delayed(run)(*task) for task in tasks):
        yield result
        progress(1)


def _fit_large(fits: list[tuple[Callable[[], Predictor], Dataset, Split]], progress: Progress) -> Iterator[Predictions]:
    """Fit one model at a time; first, in a separate process that frees its memory, those that need only a sample."""
    from joblib.externals.loky import ProcessPoolExecutor

    predictions = {}
    with ProcessPoolExecutor(max_workers=1) as executor:
        for number, (build, dataset, split) in enumerate(fits):
            if build is PlainText:
                sample = _sample_cases(build, dataset, split)
                predictions[number] = executor.submit(fit_predict, build, *sample).result()
    for number, fit in enumerate(fits):
        release_memory()
        yield predictions.pop(number) if number in predictions else fit_predict(*fit)
        progress(1)


def _sample_cases(build: type[PlainText], dataset: Dataset, split: Split) -> tuple[Dataset, Split]:
    """Return the columns that a predictor reads, with at most `MOST_REQUESTS` training requests sampled by case."""
    train, test = split
    order = np.random.default_rng(0).permutation(int(dataset.groups.max()) + 1)[dataset.groups[train]]
    train = np.sort(train[np.argsort(order, kind="stable")[: build.MOST_REQUESTS]])
    part = dataset[np.concatenate([train, test])]
    rows = np.arange(len(part))
    return replace(part, frame=part.frame[list(build.COLUMNS)]), (rows[: len(train)], rows[len(train) :])


def fit_predict(build: Callable[[], Predictor], dataset: Dataset, split: Split) -> Predictions:
    """Fit a new predictor on the training part of a split, and predict its test part.

    Parameters
    ----------
    build : callable
        Builds an unfitted predictor.
    dataset : Dataset
    split : (train, test)
    """
    train, test = dataset[split[0]], dataset.frame.iloc[split[1]]
    return build().fit(train.frame, train.labels, train.groups).predict(test)


def join_folds(parts: list[Predictions], folds: list[Split]) -> Predictions:
    """Join predictions of the test parts, in the order of the requests."""
    order = np.argsort(np.concatenate([test for _, test in folds]))
    return join_predictions(parts)[order]
