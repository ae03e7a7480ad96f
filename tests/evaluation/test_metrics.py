"""Each metric equals scikit-learn's; integer weights equal repeated rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from imr_ml.evaluation import metrics

SEEDS = st.integers(0, 10_000)


def drawn(seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes with both classes, and scores with ties."""
    random = np.random.default_rng(seed)
    truth = random.random(rows) < 0.3
    truth[:2] = [True, False]
    return truth, np.round(random.random(rows) * 0.7 + truth * 0.2, 1)


def drawn_sets(seed: int, rows: int = 40, families: int = 5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random((rows, families)) < 0.3, random.random((rows, families)) < 0.4


def ones(rows: int) -> np.ndarray:
    return np.ones((1, rows))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.roc_auc, sk.roc_auc_score),
        (metrics.average_precision, sk.average_precision_score),
        (metrics.brier, sk.brier_score_loss),
        (lambda true, p, w: metrics.matthews(true, p > 0.5, w), lambda true, p: sk.matthews_corrcoef(true, p > 0.5)),
    ],
    ids=["roc_auc", "average_precision", "brier", "matthews"],
)  # fmt: skip
@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_outcome_metrics_equal_scikit_learns(ours, theirs, seed):
    truth, score = drawn(seed)

    assert ours(truth, score, ones(len(truth)))[0] == pytest.approx(theirs(truth, score))


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_family_metrics_equal_scikit_learns(seed):
    truth, predicted = drawn_sets(seed)
    weights = ones(len(truth))

    assert metrics.f1_micro(truth, predicted, weights)[0] == pytest.approx(
        sk.f1_score(truth, predicted, average="micro")
    )
    assert metrics.f1_by_family(truth, predicted, weights)[0] == pytest.approx(
        sk.f1_score(truth, predicted, average=None, zero_division=0)
    )
    if truth.any(axis=0).all():
        assert metrics.f1_macro(truth, predicted, weights)[0] == pytest.approx(
            sk.f1_score(truth, predicted, average="macro", zero_division=0)
        )


@pytest.mark.parametrize(
    ("name", "of_sets"),
    [("roc_auc", False), ("average_precision", False), ("brier", False), ("matthews", False), ("f1_micro", True),
     ("f1_by_family", True), ("top_family_cited", True)],
)  # fmt: skip
@given(seed=SEEDS, weights=arrays(np.int64, 30, elements=st.integers(0, 3)))
@settings(max_examples=25, deadline=None)
def test_integer_weights_equal_repeated_rows(name, of_sets, seed, weights):
    weights[:2] = np.maximum(weights[:2], 1)
    if of_sets:
        truth, predicted = drawn_sets(seed, rows=30)
        score = np.random.default_rng(seed).random(truth.shape) if name == "top_family_cited" else predicted
    else:
        truth, score = drawn(seed, rows=30)
        score = score > 0.5 if name == "matthews" else score
    metric = getattr(metrics, name)

    weighted = metric(truth, score, weights[None].astype(float))[0]
    repeated = metric(truth.repeat(weights, axis=0), score.repeat(weights, axis=0), ones(weights.sum()))[0]

    assert weighted == pytest.approx(repeated)


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_batch_of_weights_equals_single_weights(seed):
    truth, score = drawn(seed)
    weights = np.random.default_rng(seed).integers(0, 3, (7, len(truth))).astype(float)

    at_once = metrics.roc_auc(truth, score, weights)

    assert at_once == pytest.approx([metrics.roc_auc(truth, score, row[None])[0] for row in weights], nan_ok=True)


@pytest.mark.parametrize("metric", [metrics.roc_auc, metrics.average_precision])
def test_a_ranking_metric_is_undefined_without_an_overturned_request(metric):
    truth, score = drawn(1)
    weights = np.vstack([~truth, np.ones(len(truth))]).astype(float)

    values = metric(truth, score, weights)

    assert np.isnan(values[0])
    assert not np.isnan(values[1])


def test_matthews_and_f1_are_zero_where_undefined():
    truth, nothing = np.array([True, False]), np.zeros(2, dtype=bool)

    assert metrics.matthews(truth, nothing, ones(2)).tolist() == [0]
    assert metrics.f1_micro(nothing[:, None], nothing[:, None], ones(2)).tolist() == [0]


def test_macro_f1_ignores_families_that_are_never_cited():
    truth = np.array([[True, False], [True, False]])
    predicted = np.array([[True, True], [True, False]])

    assert metrics.f1_macro(truth, predicted, ones(2)).tolist() == [1]


def test_the_most_likely_family_is_correct_if_it_was_cited():
    truth = np.array([[True, True, False], [False, False, True]])
    probability = np.array([[0.1, 0.9, 0.5], [0.8, 0.0, 0.7]])

    assert metrics.top_family_cited(truth, probability, ones(2)).tolist() == [0.5]


def test_brier_skill_is_the_relative_reduction_of_the_base_rates_error():
    truth = np.array([True, False, False, False])

    assert metrics.brier_skill(truth, truth.astype(float), ones(4)).tolist() == [1]
    assert metrics.brier_skill(truth, np.full(4, 0.25), ones(4)).tolist() == [0]
    assert metrics.brier_skill(truth, np.full(4, 0.5), ones(4))[0] == pytest.approx(1 - 0.25 / 0.1875)


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_base_rate_has_no_skill_in_any_resample(seed):
    truth, _ = drawn(seed)
    weights = np.random.default_rng(seed).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), 5).astype(float)

    assert metrics.brier_skill(truth, np.full(len(truth), truth.mean()), weights) == pytest.approx(np.zeros(5))


@given(seed=SEEDS, rows=st.sampled_from([20, 50, 100]))
@settings(max_examples=25, deadline=None)
def test_calibration_error_is_the_mean_distance_over_bins_of_equal_size(seed, rows):
    truth, _ = drawn(seed, rows=rows)
    probability = np.random.default_rng(seed).permutation(rows) / rows
    bins = np.split(np.argsort(probability), 10)

    naive = np.mean([abs(probability[each].mean() - truth[each].mean()) for each in bins])

    assert metrics.expected_calibration_error(truth, probability, ones(rows))[0] == pytest.approx(naive)


def test_equal_probabilities_share_a_bin_of_the_calibration_error():
    truth = np.arange(100) < 30

    assert metrics.expected_calibration_error(truth, np.full(100, 0.3), ones(100)) == pytest.approx([0])
    assert metrics.expected_calibration_error(truth, np.full(100, 0.5), ones(100)) == pytest.approx([0.2])


def test_weights_change_the_calibration_error():
    truth, probability = np.array([True, False]), np.array([0.5, 0.5])

    errors = metrics.expected_calibration_error(truth, probability, np.array([[1.0, 1.0], [3.0, 1.0], [0.0, 2.0]]))

    assert errors == pytest.approx([0, 0.25, 0.5])
