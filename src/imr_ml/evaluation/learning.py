"""Compute the learning curve: metrics by number of training cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset, Predictor
from imr_ml.evaluation.comparison import compare, predictors
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, repeated_folds, tested_part
from imr_ml.progress import StartProgress, no_progress

SHARES = (0.2, 0.4, 0.6, 0.8)
"""Shares of a fold's training cases to fit on, in addition to all of them."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Metrics of models trained on a sample of the cases.

    Attributes
    ----------
    cases, requests : int
        Mean number of training cases and requests over the folds.
    estimates : dict
        Predictor (``"model"`` or a baseline) -> metric -> `Estimate`. The intervals are over the predicted cases; they
        do not include chance in the choice of training cases.
    """

    cases: int
    requests: int
    estimates: dict[str, dict[str, Estimate]]


def learning_curve(
    dataset: Dataset,
    build: Callable[[], Predictor],
    settings: EvaluationSettings,
    predicted: dict[str, OutOfFold],
    start: StartProgress = no_progress,
) -> tuple[LearningPoint, ...]:
    """Fit the model and the baselines on nested, growing samples of the training cases.

    All models predict the same held-out cases, in the folds of the evaluation's first repeat; the evaluation's own
    predictions are the last point.

    Parameters
    ----------
    dataset : Dataset
    build : callable
        Builds an unfitted model.
    settings : EvaluationSettings
        Settings of the evaluation.
    predicted : dict of OutOfFold
        Predictions of the evaluation, by predictor.
    start : callable, optional
        Starts a progress bar over the fits.
    """
    labels, groups = dataset.labels, dataset.groups
    whole = repeated_folds(labels.overturned, groups, settings)[0]
    parts = [
        [(_sample_rows(train, share, labels.overturned, groups, settings.seed), test) for train, test in whole]
        for share in SHARES
    ]
    builders = predictors(build, labels)
    fitted = out_of_fold(dataset, builders, parts, settings.jobs, start, "fitting on samples of the cases")
    tested, points = tested_part(dataset, [whole]), []
    for number, folds in enumerate([*parts, whole]):
        predictions = {
            name: OutOfFold(((*fitted[name].repeats, predicted[name].repeats[0])[number],)) for name in builders
        }
        cases = np.mean([len(np.unique(groups[train])) for train, _ in folds])
        requests = np.mean([len(train) for train, _ in folds])
        compared = compare(predictions, tested.labels, tested.groups, settings)
        points.append(LearningPoint(round(float(cases)), round(float(requests)), compared.estimates))
    return tuple(points)


def _sample_rows(
    train: NDArray[np.int64], share: float, overturned: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Return the rows of a stratified sample of the cases, with at least one case of each outcome.

    A larger share contains the rows of a smaller one.
    """
    cases, case_of = np.unique(groups[train], return_inverse=True)
    has_overturned = np.bincount(case_of, weights=overturned[train]) > 0
    order = np.random.default_rng(seed).permutation(len(cases))
    is_sampled = np.zeros(len(cases), dtype=bool)
    for stratum in (has_overturned, ~has_overturned):
        stratum_cases = order[stratum[order]]
        is_sampled[stratum_cases[: max(1, round(share * len(stratum_cases)))]] = True
    rows: NDArray[np.int64] = train[is_sampled[case_of]]
    return rows
