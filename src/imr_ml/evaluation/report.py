"""Evaluate a model and its baselines on the same grouped folds: every metric with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.conformal import outcome_sets
from imr_ml.classifiers.types import Dataset, Labels, Predictor
from imr_ml.evaluation.comparison import (
    MODEL,
    Comparison,
    available_metrics,
    bootstrap_metrics,
    compare,
    predictors,
    values_by_fold,
)
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.learning import LearningPoint
from imr_ml.evaluation.permutation import MaskingComparison, PermutationTest
from imr_ml.evaluation.slices import Slice, slices
from imr_ml.evaluation.splits import EvaluationSettings, fold_numbers, repeated_folds, tested_part, tested_rows
from imr_ml.evaluation.temporal import NoTemporalSplit, TemporalEvaluation, evaluate_over_time
from imr_ml.features.frame import TOKEN_COLUMNS
from imr_ml.progress import StartProgress, no_progress

_COVERAGE_PARTS = 10


@dataclass(frozen=True, slots=True)
class Evaluation(Comparison):
    """Results of an evaluation: a comparison on all tested requests, and further measurements.

    Attributes
    ----------
    rows : (tested requests,) int
        Tested requests: all of them, except for a large table; see `EvaluationSettings`.
    labels : Labels
        Labels of the tested requests.
    groups : (tested requests,) int
        Case of each tested request, numbered from 0.
    predicted : dict of OutOfFold
        By predictor: the model and every baseline.
    settings : EvaluationSettings
        Settings with the actual number of repeats.
    fold_of : (repeats, tested requests) int
        Fold in which each request was held out.
    by_fold : dict of (repeats, folds) float
        Metric -> the model's value in each test part; NaN if undefined there.
    temporal : TemporalEvaluation or None
        None if the dates do not allow one; `no_temporal` then contains the reason.
    permutation : PermutationTest or None
        None if not requested.
    masking : MaskingComparison or None
        None if not requested.
    learning : tuple of LearningPoint
        From few cases to many; empty if not requested.
    """

    rows: NDArray[np.int64]
    labels: Labels
    groups: NDArray[np.int64]
    predicted: dict[str, OutOfFold]
    settings: EvaluationSettings
    fold_of: NDArray[np.int64]
    by_fold: dict[str, NDArray[np.float64]]
    slices: tuple[Slice, ...]
    temporal: TemporalEvaluation | None = None
    no_temporal: str | None = None
    permutation: PermutationTest | None = None
    masking: MaskingComparison | None = None
    learning: tuple[LearningPoint, ...] = ()

    @property
    def out_of_fold(self) -> OutOfFold:
        """Out-of-fold predictions of the model."""
        return self.predicted[MODEL]


def evaluate(
    dataset: Dataset,
    build: Callable[[], Predictor],
    settings: EvaluationSettings,
    start: StartProgress = no_progress,
) -> Evaluation:
    """Evaluate a model and the baselines by repeated cross-validation grouped by case, and on a temporal split.

    Parameters
    ----------
    dataset : Dataset
    build : callable
        Builds an unfitted model.
    settings : EvaluationSettings
    start : callable, optional
        Starts a progress bar over the fits of the cross-validation.

    Raises
    ------
    SplitError
        If there are too few cases of either outcome for the folds.
    """
    settings = settings.for_requests(len(dataset))
    repeats = repeated_folds(dataset.labels.overturned, dataset.groups, settings)
    tested = tested_part(dataset, repeats)
    labels, groups = tested.labels, tested.groups
    predicted = out_of_fold(
        dataset, predictors(build, labels), repeats, settings.jobs, start, large_from=settings.large_from
    )
    compared = compare(predicted, labels, groups, settings)
    fold_of = np.array([fold_numbers(folds) for folds in repeats])
    temporal, no_temporal = _temporal(dataset, build, settings, start)
    return Evaluation(
        estimates=compared.estimates,
        differences=compared.differences,
        rows=tested_rows(repeats),
        labels=labels,
        groups=groups,
        predicted=predicted,
        settings=settings,
        fold_of=fold_of,
        by_fold=values_by_fold(predicted[MODEL], labels, fold_of),
        slices=slices(tested, predicted[MODEL], settings),
        temporal=temporal,
        no_temporal=no_temporal,
    )


def evaluate_masking(
    evaluation: Evaluation,
    masked: Dataset,
    unmasked: Dataset,
    build: Callable[[], Predictor],
    *,
    evaluated_masked: bool = True,
    start: StartProgress = no_progress,
) -> MaskingComparison:
    """Evaluate the model with determination language masked and unmasked, on the same folds.

    If masking changes no request, nothing is fitted and the difference is 0.

    Parameters
    ----------
    evaluation : Evaluation
        Evaluation on one of the data sets.
    masked, unmasked : Dataset
        The same requests with determination language masked and unmasked.
    build : callable
        Builds an unfitted model.
    evaluated_masked : bool, default True
        Whether `evaluation` is on the masked data set.
    start : callable, optional
        Starts a progress bar over the fits.
    """
    settings, labels, evaluated = evaluation.settings, evaluation.labels, evaluation.out_of_fold
    tokens = list(TOKEN_COLUMNS)
    changed = np.asarray((masked.frame[tokens] != unmasked.frame[tokens]).any(axis=1), dtype=bool)
    if changed.any():
        repeats = repeated_folds(masked.labels.overturned, masked.groups, settings)
        other = unmasked if evaluated_masked else masked
        others = out_of_fold(other, {MODEL: build}, repeats, settings.jobs, start, "comparing masking")[MODEL]
    else:
        others = evaluated
    sides = dict(
        zip(("masked", "unmasked") if evaluated_masked else ("unmasked", "masked"), (evaluated, others), strict=True)
    )
    names = available_metrics(labels)
    pairs = [(side, name) for side in sides for name in names]
    bootstrap = bootstrap_metrics(sides, pairs, labels, evaluation.groups, settings)
    return MaskingComparison(
        requests_masked=int(changed[evaluation.rows].sum()),
        masked={name: bootstrap.estimate(("masked", name)) for name in names},
        unmasked={name: bootstrap.estimate(("unmasked", name)) for name in names},
        difference={name: bootstrap.difference(("masked", name), ("unmasked", name)) for name in names},
    )


def measured_coverage(evaluation: Evaluation, coverage: float) -> dict[str, float]:
    """Measure how often prediction sets contain the outcome, and how often they contain only the more likely one.

    Thresholds from nine tenths of the cases are tested on the remaining tenth, in turn. Coverage is a share of cases:
    each case counts once per outcome, whatever its number of requests. ``conformal.confident`` is a share of requests.

    Parameters
    ----------
    evaluation : Evaluation
    coverage : float
        Share of cases whose set must contain their outcome.
    """
    p_overturned, overturned = evaluation.out_of_fold.mean_p_overturned, evaluation.labels.overturned
    groups = evaluation.groups
    part = np.random.default_rng(evaluation.settings.seed).permutation(int(groups.max()) + 1)[groups] % _COVERAGE_PARTS
    in_set, confident = np.zeros((len(groups), 2), dtype=bool), np.zeros(len(groups), dtype=bool)
    for number in range(_COVERAGE_PARTS):
        test = part == number
        sets = outcome_sets(p_overturned[~test], overturned[~test], groups[~test], coverage)
        in_set[test], confident[test] = sets(p_overturned[test]), sets.confident(p_overturned[test])
    is_covered = in_set[np.arange(len(in_set)), overturned.astype(int)]
    case_and_outcome = 2 * groups + overturned
    weight = 1 / np.bincount(case_and_outcome)[case_and_outcome]
    return {
        "conformal.coverage": float(np.average(is_covered, weights=weight)),
        "conformal.coverage_overturned": float(np.average(is_covered[overturned], weights=weight[overturned])),
        "conformal.confident": float(confident.mean()),
    }


def _temporal(
    dataset: Dataset, build: Callable[[], Predictor], settings: EvaluationSettings, start: StartProgress
) -> tuple[TemporalEvaluation | None, str | None]:
    try:
        return evaluate_over_time(dataset, build, settings, start), None
    except NoTemporalSplit as reason:
        return None, str(reason)
