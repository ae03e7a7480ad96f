"""Rates by category, computed by hand."""

import numpy as np
import pandas as pd
import pytest

from imr_ml.classifiers.types import Labels
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.reading import CategoryRate


def labels(overturned):
    families = np.zeros((len(overturned), len(FAMILIES)), dtype=bool)
    families[:, 0] = True
    return Labels(np.array(overturned), families, np.full(len(overturned), np.nan))


def test_the_rate_of_a_category_is_shrunk_toward_the_overall_rate():
    frame = pd.DataFrame({"category": ["Surgery"] * 10 + ["Therapies"] * 30})
    truth = labels([True] * 10 + [False] * 30)
    new = pd.DataFrame({"category": ["Surgery", "Therapies", "Transportation"]})
    predictions = CategoryRate().fit(frame, truth, np.arange(40)).predict(new)
    overall = 10 / 40
    assert predictions.p_overturned == pytest.approx([(10 + 20 * overall) / 30, 20 * overall / 50, overall])
    assert predictions.family_set[:, 0].all()
    assert predictions.family_set.sum() == 3
