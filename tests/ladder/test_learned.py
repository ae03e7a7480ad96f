"""Tuning: nothing is chosen on rows of a case that was fitted on."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imr_ml.classifiers.types import Dataset, Labels, Predictions
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.learned import Learned, Recipe, tuned_threshold
from imr_ml.ladder.stacked import Averaged, Stacked, held_out_predictions

CASES, ITEMS = 40, 3


@pytest.fixture(scope="module")
def dataset():
    """Forty cases of three requests with one outcome each: a weak sign of it, and the number of the case."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(CASES), ITEMS)
    overturned = (random.random(CASES) < 0.4)[groups]
    frame = pd.DataFrame({"sign": overturned + 0.8 * random.standard_normal(len(groups)), "case": 100.0 * groups})
    families = np.zeros((len(groups), len(FAMILIES)), dtype=bool)
    families[np.arange(len(groups)), overturned.astype(int)] = True
    return Dataset(frame, Labels(overturned, families, np.full(len(groups), np.nan)), groups)


def by_column(column):
    """Nearest neighbours in one column: the case's number finds the siblings."""
    return make_pipeline(FunctionTransformer(_column, kw_args={"column": column}), KNeighborsClassifier(3))


def _column(matrix, column):
    return matrix[:, [column]]


def test_a_memory_of_cases_is_not_chosen_over_a_sign_of_the_outcome(dataset):
    features = partial(make_column_transformer, ("passthrough", ["sign", "case"]))
    recipe = Recipe(features, by_column, {"column": (1, 0)})
    learned = Learned(recipe, recipe).fit(dataset.frame, dataset.labels, dataset.groups)
    assert learned.chosen_ == {"outcome": {"column": 0}, "family": {"column": 0}}


class Witness:
    """Says 1 of requests whose case it was fitted on."""

    def fit(self, frame, labels, groups):
        self.cases = set(frame["case"])
        return self

    def predict(self, frame):
        seen = frame["case"].isin(self.cases).to_numpy().astype(float)
        probability = np.repeat(seen[:, None], len(FAMILIES), axis=1)
        return Predictions(seen, probability, probability > 2)


def test_bases_predict_cases_that_they_were_not_fitted_on(dataset):
    (predictions,) = held_out_predictions({"witness": Witness}, dataset)
    assert not predictions.p_overturned.any()


@pytest.mark.parametrize("kind", [Averaged, Stacked])
def test_a_base_that_only_remembers_is_no_help(kind, dataset):
    predictor = kind({"witness": Witness}).fit(dataset.frame, dataset.labels, dataset.groups)
    assert np.ptp(predictor.predict(dataset.frame).p_overturned) == pytest.approx(0)


def test_too_few_cases_to_hold_out_leave_the_rate(dataset):
    one_case = dataset[np.flatnonzero(dataset.groups < 1)]
    recipe = Recipe(partial(make_column_transformer, ("passthrough", ["sign"])), by_column, {"column": (0,)})
    learned = Learned(recipe, recipe).fit(one_case.frame, one_case.labels, one_case.groups)
    assert set(learned.predict(dataset.frame).p_overturned) == {float(dataset.labels.overturned[0])}


ONE_EACH, BOTH = [[True, False], [False, True]], [[True, True], [True, True]]


def _with_others(two_families) -> np.ndarray:
    """With columns of zeros for the other families."""
    return np.pad(np.array(two_families, dtype=float), ((0, 0), (0, len(FAMILIES) - 2)))


@pytest.mark.parametrize(
    ("probability", "cited", "f1", "threshold"),
    [
        ([[0.9, 0.3], [0.3, 0.9]], ONE_EACH, 1.0, 0.8),
        ([[0.9, 0.47], [0.53, 0.9]], BOTH, 1.0, 0.45),
        ([[0.9, 0.1], [0.53, 0.9]], BOTH, 6 / 7, 0.5),
        ([[0.9, np.nan], [0.3, 0.9]], ONE_EACH, 0.0, 0.5),
    ],
)
def test_the_threshold_with_the_best_f1(probability, cited, f1, threshold):
    assert tuned_threshold(_with_others(probability), _with_others(cited).astype(bool)) == pytest.approx(
        (f1, threshold)
    )
