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
from imr_ml.progress import StartProgress, silent

SHARES = (0.2, 0.4, 0.6, 0.8)
"""Shares of a fold's training cases to fit on, besides all of them."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Metrics of models trained on part of the cases.

    Attributes
    ----------
    cases, requests : int
        Fitted on, as a mean over the folds.
    estimates : dict
        Predictor (``"model"`` or a baseline) -> metric -> `Estimate`. The intervals are over the cases that are
        predicted; the luck of which cases are used for training is not in them.
    """

    cases: int
    requests: int
    estimates: dict[str, dict[str, Estimate]]


def learning_curve(
    dataset: Dataset,
    build: Callable[[], Predictor],
    settings: EvaluationSettings,
    predicted: dict[str, OutOfFold],
    start: StartProgress = silent,
) -> tuple[LearningPoint, ...]:
    """Fit the model and the baselines on nested, growing samples of the training cases.

    Every part predicts the same held-out cases: the folds are those of an evaluation's first cross-validation, whose
    own predictions are the last point.

    Parameters
    ----------
    dataset : Dataset
    build : callable
        Makes an unfitted model.
    settings : EvaluationSettings
        Those of the evaluation.
    predicted : dict of OutOfFold
        The evaluation's, by predictor.
    start : callable, optional
        Starts a progress bar over the fits.
    """
    labels, groups = dataset.labels, dataset.groups
    whole = repeated_folds(labels.overturned, groups, settings)[0]
    parts = [
        [(_part_of(train, share, labels.overturned, groups, settings.seed), test) for train, test in whole]
        for share in SHARES
    ]
    builders = predictors(build, labels)
    fitted = out_of_fold(dataset, builders, parts, settings.jobs, start, "fitting on parts of the cases")
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


def _part_of(
    train: NDArray[np.int64], share: float, overturned: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Rows of a stratified sample of the cases, with at least one case of each outcome.

    A larger share holds the rows of a smaller one.
    """
    cases, of_case = np.unique(groups[train], return_inverse=True)
    has_overturned = np.bincount(of_case, weights=overturned[train]) > 0
    order = np.random.default_rng(seed).permutation(len(cases))
    chosen = np.zeros(len(cases), dtype=bool)
    for kind in (has_overturned, ~has_overturned):
        alike = order[kind[order]]
        chosen[alike[: max(1, round(share * len(alike)))]] = True
    part: NDArray[np.int64] = train[chosen[of_case]]
    return part
