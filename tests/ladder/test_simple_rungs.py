"""Rates by category and the weights of naive Bayes, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from imr_ml.classifiers.types import Labels
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.rates import CategoryRate, LogCountRatio


def labels(overturned):
    families = np.zeros((len(overturned), len(FAMILIES)), dtype=bool)
    families[:, 0] = True
    return Labels(np.array(overturned), families, np.full(len(overturned), np.nan))


def test_a_categorys_rate_is_drawn_to_the_overall_one():
    frame = pd.DataFrame({"category": ["Surgery"] * 10 + ["Therapies"] * 30})
    truth = labels([True] * 10 + [False] * 30)
    new = pd.DataFrame({"category": ["Surgery", "Therapies", "Transportation"]})
    predictions = CategoryRate().fit(frame, truth, np.arange(40)).predict(new)
    overall = 10 / 40
    assert predictions.p_overturned == pytest.approx([(10 + 20 * overall) / 30, 20 * overall / 50, overall])
    assert predictions.family_set[:, 0].all()
    assert predictions.family_set.sum() == 3


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_turning_the_classes_round_turns_the_weights_round(rows):
    word, truth = np.array(rows).T
    matrix = csr_matrix(np.column_stack([word, ~word]).astype(float))
    assert LogCountRatio().fit(matrix, truth).ratio_ == pytest.approx(-LogCountRatio().fit(matrix, ~truth).ratio_)


def test_a_word_of_one_class_weighs_for_it():
    matrix = csr_matrix(np.array([[3.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 4.0, 1.0]]))
    weighed = LogCountRatio().fit(matrix, np.array([True, True, False]))
    assert weighed.ratio_[0] > 0 > weighed.ratio_[1]
    assert weighed.transform(matrix)[0, 0] == pytest.approx(3 * weighed.ratio_[0])
