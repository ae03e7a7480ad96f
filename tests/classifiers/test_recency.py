"""Older decisions get less weight if decisions drift."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from imr_ml.classifiers.outcome import sparse_logistic_regression
from imr_ml.classifiers.recency import recency_weights, select_half_life

HALF_LIVES = (None, 8.0, 4.0, 2.0, 1.0)


def drifting(years, *, turn=None, requests_a_year=200, seed=0, share=0.5):
    """Return matrix, truth and years of one feature, whose effect is reversed from the year `turn` on."""
    random = np.random.default_rng(seed)
    year = np.repeat(years, requests_a_year)
    has = random.random(len(year)) < 0.5
    likely = has if turn is None else has == (year < turn)
    truth = random.random(len(year)) < np.where(likely, share + 0.25, share - 0.25)
    return csr_matrix(np.column_stack([has, ~has]).astype(float)), truth, year + 0.5


def chosen(matrix, truth, years, half_lives=HALF_LIVES):
    return select_half_life(matrix, truth, years, half_lives, sparse_logistic_regression(1.0, seed=0), seed=0)


def test_a_decision_one_half_life_older_has_half_the_weight():
    weights = recency_weights(np.array([2010.5, 2012.5, 2014.5]), half_life_years=2.0)

    assert weights.tolist() == [0.25, 0.5, 1.0]


def test_without_a_half_life_weights_are_equal():
    assert recency_weights(np.array([2010.5, 2014.5]), half_life_years=None) is None
    assert recency_weights(np.array([np.nan, np.nan]), half_life_years=2.0) is None


def test_a_decision_of_unknown_year_gets_the_mean_weight():
    weights = recency_weights(np.array([2012.5, np.nan, 2014.5]), half_life_years=2.0)

    assert weights.tolist() == [0.5, 0.75, 1.0]


def test_drift_shortens_the_half_life():
    assert chosen(*drifting(range(2001, 2014), turn=2006)) in (1.0, 2.0)


@pytest.mark.parametrize("seed", range(5))
def test_without_drift_the_first_half_life_is_selected(seed):
    assert chosen(*drifting(range(2001, 2014), seed=seed)) is None


def test_the_first_half_life_is_selected_if_too_few_years_can_be_tested():
    """Five years: two for training, three for testing."""
    assert chosen(*drifting(range(2009, 2014), turn=2011)) is None
    assert chosen(*drifting(range(2001, 2014), turn=2006, requests_a_year=30)) is None


def test_the_selection_uses_only_the_given_years():
    matrix, truth, years = drifting(range(2001, 2014))

    assert chosen(matrix, truth, np.full(len(years), np.nan)) is None
    assert chosen(matrix, truth, years, (3.0,)) == 3.0


def test_a_large_table_is_evaluated_on_a_sample():
    matrix, truth, years = drifting(range(2001, 2014), turn=2006, requests_a_year=2000)

    assert chosen(matrix, truth, years) in (1.0, 2.0)
