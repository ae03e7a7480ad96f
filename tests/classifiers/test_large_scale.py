"""Models of large tables agree with those of small ones within tolerance."""

from dataclasses import replace

import numpy as np
import pytest

from imr_ml.classifiers.candidates import ComplementNb, FamilyLogisticRegression
from imr_ml.classifiers.large_scale import fit_logistic_regression, fit_machines, held_out_part
from imr_ml.classifiers.outcome import sparse_logistic_regression
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.features.matrix import feature_matrix

LARGE = ModelSettings(large_from=100)


@pytest.fixture(scope="module")
def rows(prepared):
    return feature_matrix(dtype=np.float32).fit_rows(prepared.frame, prepared.groups)


@pytest.fixture(scope="module")
def large(prepared):
    assert len(prepared) > LARGE.large_from
    return RequestModel(LARGE).fit(prepared.frame, prepared.labels, prepared.groups)


def test_a_regression_on_shared_rows_agrees_with_liblinear(rows, prepared):
    truth, weights = prepared.labels.overturned, np.linspace(0.5, 1, len(prepared))

    coefficients, intercept = fit_logistic_regression(rows, truth, weights, C=0.3)

    exact = sparse_logistic_regression(0.3, 0).set_params(tol=1e-6).fit(rows[:], truth, sample_weight=weights)
    assert np.allclose(rows @ coefficients + intercept, exact.decision_function(rows[:]), atol=0.05)


def test_a_row_of_weight_zero_is_ignored(rows, prepared):
    truth, weights = prepared.labels.overturned.copy(), np.ones(len(prepared))
    weights[:40] = 0
    before = fit_logistic_regression(rows, truth, weights, C=0.3)
    truth[:40] = ~truth[:40]

    after = fit_logistic_regression(rows, truth, weights, C=0.3)

    assert np.array_equal(before[0], after[0])


def test_machines_separate_their_training_rows(rows, prepared):
    families = prepared.labels.families
    families = families[:, families.any(axis=0) & ~families.all(axis=0)]

    coefficients, intercepts = fit_machines(rows[:], families, C=1.0, seed=0)

    scores = rows[:] @ coefficients.T + intercepts
    assert np.mean((scores > 0) == families) > 0.95


def test_the_held_out_part_shares_no_group_with_the_rest():
    groups = np.arange(100) // 3

    train, test = held_out_part(groups, folds=5, seed=0)

    assert not set(groups[train]) & set(groups[test])
    assert len(train) + len(test) == 100
    assert 15 <= len(test) <= 25


def test_models_of_large_and_small_tables_predict_alike(large, prepared):
    small = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)

    ours, theirs = (model.predict(prepared.frame) for model in (large, small))

    assert np.corrcoef(ours.p_overturned, theirs.p_overturned)[0, 1] > 0.95
    assert np.mean(ours.primary_family == theirs.primary_family) > 0.9


def test_only_the_held_out_part_of_a_large_table_has_held_out_probabilities(large, prepared):
    p_overturned = large.outcome_.classifier.held_out_proba(prepared.labels.overturned)

    assert 0.1 < np.mean(~np.isnan(p_overturned)) < 0.3


def test_every_classifier_can_be_fitted_on_a_large_table(prepared):
    settings = replace(LARGE, outcome=(ComplementNb(),), family=(FamilyLogisticRegression(),))

    predictions = RequestModel(settings).fit(prepared.frame, prepared.labels, prepared.groups).predict(prepared.frame)

    assert np.isfinite(predictions.p_overturned).all()
    assert predictions.family_set.any(axis=1).all()
