"""The learning curve: metrics by number of training cases."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from progress_bars import ProgressBars

from imr_ml.classifiers.types import Predictions
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.learning import SHARES, learning_curve
from imr_ml.evaluation.report import evaluate
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.guidelines.types import FAMILIES

SETTINGS = EvaluationSettings(folds=3, repeats=1, resamples=20, jobs=1, learning_curve=True)


class Counting:
    """Predicts its number of training rows, and stores which rows."""

    fitted: list[tuple[set[int], set[int], bool]]

    def fit(self, frame, labels, groups):
        self.rows_ = set(frame["row"])
        Counting.fitted.append((self.rows_, set(groups), bool(labels.overturned.any() and not labels.overturned.all())))
        return self

    def predict(self, frame):
        probability = np.full((len(frame), len(FAMILIES)), 0.5)
        return Predictions(np.full(len(frame), len(self.rows_) / 1000), probability, probability > 0.4)


@pytest.fixture(scope="module")
def curve(prepared):
    """Evaluation, points, training rows of each fit, and the progress bars."""
    Counting.fitted, bars = [], ProgressBars()
    dataset = replace(prepared, frame=prepared.frame.assign(row=np.arange(len(prepared))))
    evaluation = evaluate(dataset, Counting, SETTINGS)
    Counting.fitted = []
    points = learning_curve(dataset, Counting, evaluation.settings, evaluation.predicted, bars.start)
    return evaluation, points, Counting.fitted, bars


def test_points_have_growing_numbers_of_cases_up_to_all_training_cases(curve, prepared):
    _, points, _, _ = curve
    cases = [point.cases for point in points]
    assert cases == sorted(set(cases))
    assert points[-1].cases == (prepared.groups.max() + 1) * 2 // 3
    assert [count / cases[-1] for count in cases] == pytest.approx([*SHARES, 1.0], abs=0.03)


def test_a_larger_sample_contains_the_smaller_one_and_whole_cases(curve, prepared):
    _, _, fitted, _ = curve
    assert len(fitted) == len(SHARES) * 3
    for fold in range(3):
        parts = [fitted[share * 3 + fold][0] for share in range(len(SHARES))]
        assert all(less < more for less, more in pairwise(parts))
    for rows, groups, _ in fitted:
        assert rows == set(np.flatnonzero(np.isin(prepared.groups, list(groups))))


def test_every_sample_has_both_outcomes(curve):
    assert all(both for _, _, both in curve[2])


def test_no_case_that_is_predicted_was_trained_on(curve, prepared):
    evaluation, _, fitted, _ = curve
    for number, (rows, _, _) in enumerate(fitted):
        held_out = set(prepared.groups[evaluation.fold_of[0] == number % 3])
        assert held_out.isdisjoint(prepared.groups[sorted(rows)])


def test_each_point_has_the_metrics_of_the_model_and_of_its_baselines(curve):
    evaluation, points, _, _ = curve
    for point in points:
        assert {name: set(by_metric) for name, by_metric in point.estimates.items()} == {
            name: set(by_metric) for name, by_metric in evaluation.estimates.items()
        }
        brier = point.estimates[MODEL]["outcome.brier"]
        assert brier.low <= brier.value <= brier.high


def test_progress_counts_each_fitted_predictor(curve):
    bars = curve[3]
    assert bars.done == bars.announced == {"fitting on samples of the cases": len(SHARES) * 3 * 4}
