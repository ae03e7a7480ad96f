"""Both classifiers pass the checks of scikit-learn and handle cases and family sets."""

import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from imr_ml.classifiers import families as families_module
from imr_ml.classifiers.arranged import ArrangedFamilyClassifier
from imr_ml.classifiers.calibrated import CalibratedClassifier
from imr_ml.classifiers.families import GuidelineFamilyClassifier, family_sets
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier, calibration_splits
from imr_ml.guidelines.types import FAMILIES

NONE = FAMILIES.index("none")
ONE_DIMENSIONAL = "the check fits a one-dimensional y, and families are an indicator of two dimensions"
EXPECTED_FAILURES = {
    kind: {"check_estimator_sparse_array": ONE_DIMENSIONAL, "check_estimator_sparse_matrix": ONE_DIMENSIONAL}
    for kind in (GuidelineFamilyClassifier, ArrangedFamilyClassifier)
}


@parametrize_with_checks(
    [
        CalibratedLogisticClassifier(),
        GuidelineFamilyClassifier(),
        CalibratedClassifier(),
        ArrangedFamilyClassifier(),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator), {}),
    xfail_strict=True,
)
@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def cases(count: int = 60, size: int = 3, features: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw independent cases of identical rows."""
    random = np.random.default_rng(0)
    groups = np.arange(count).repeat(size)
    return random.normal(size=(count, features))[groups], (np.arange(count) % 2 == 0)[groups], groups


def is_possible(cited) -> bool:
    """Whether a reviewer may cite these families: some, or ``none`` alone."""
    return sum(cited) == 1 or (any(cited) and not cited[NONE])


def families_of_cases() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y, groups = cases()  # noqa: N806
    return X, np.column_stack([y, X[:, 0] > 0, X[:, 1] > 1]), groups


def test_calibration_folds_never_split_a_case():
    _, y, groups = cases()

    splits = calibration_splits(y, groups, folds=5, seed=0)

    assert len(splits) == 5
    for train, test in splits:
        assert set(groups[train]).isdisjoint(groups[test])


def test_identical_rows_of_a_case_do_not_make_a_model_overconfident():
    X, y, groups = cases()  # noqa: N806

    grouped = CalibratedLogisticClassifier(C=100).fit(X, y, groups).predict_proba(X)[:, 1]
    leaking = CalibratedLogisticClassifier(C=100).fit(X, y).predict_proba(X)[:, 1]

    assert np.abs(leaking - 0.5).mean() > 0.3
    assert np.abs(grouped - 0.5).mean() < 0.15


def test_probabilities_match_observed_rates():
    random = np.random.default_rng(2)
    X = random.normal(size=(3000, 3))  # noqa: N806
    y = random.random(3000) < 1 / (1 + np.exp(2 - 1.5 * X[:, 0]))

    p = CalibratedLogisticClassifier().fit(X[:2000], y[:2000]).predict_proba(X[2000:])[:, 1]

    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1)):
        chosen = (p >= low) & (p < high)
        assert p[chosen].mean() == pytest.approx(y[2000:][chosen].mean(), abs=0.07)


def test_the_probability_rises_with_the_linear_score():
    X, _, groups = cases()  # noqa: N806
    model = CalibratedLogisticClassifier().fit(X, X[:, 0] > 0.3, groups)

    score = X @ model.coef_ + model.intercept_

    assert (np.diff(model.predict_proba(X)[np.argsort(score), 1]) >= -1e-12).all()


def test_every_row_gets_the_base_rate_if_held_out_scores_have_no_signal():
    """Pairs of rows differ only in their outcome, so each one is a wrong example for the other."""
    X = np.random.default_rng(0).normal(size=(40, 50)).repeat(2, axis=0)  # noqa: N806
    y = np.tile([True, False], 40)

    model = CalibratedLogisticClassifier(C=10).fit(X, y)

    assert model.slope_ == 0
    assert model.predict_proba(X)[:, 1] == pytest.approx(0.5)


@pytest.mark.parametrize(("overturned_cases", "calibrated"), [(3, True), (1, False)])
def test_few_cases_of_an_outcome_reduce_the_calibration_folds(overturned_cases, calibrated):
    X, _, groups = cases(count=20)  # noqa: N806
    y = groups < overturned_cases

    model = CalibratedLogisticClassifier().fit(X, y, groups)

    assert len(calibration_splits(y, groups, folds=5, seed=0)) == (3 if calibrated else 0)
    assert np.isfinite(model.held_out_loss_).all() == calibrated


@pytest.mark.parametrize(("y", "message"), [([0, 0, 0], "one class"), ([0, 1, 2], "Only binary")])
def test_labels_without_exactly_two_classes_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        CalibratedLogisticClassifier().fit(np.eye(3), y)


def test_thresholds_are_tuned_on_folds_that_never_split_a_case(monkeypatch):
    X, y, groups = families_of_cases()  # noqa: N806
    seen = []

    class Recording(families_module.GroupKFold):
        def split(self, *args, **kwargs):
            for train, test in super().split(*args, **kwargs):
                seen.append((train, test))
                yield train, test

    monkeypatch.setattr(families_module, "GroupKFold", Recording)
    GuidelineFamilyClassifier(folds=4).fit(X, y, groups)

    assert len(seen) == 4
    assert all(set(groups[train]).isdisjoint(groups[test]) for train, test in seen)


def test_held_out_probabilities_come_from_the_calibration_folds():
    """With uninformative features, training rows look predictable but held-out rows do not."""
    X, truth, groups = cases()  # noqa: N806
    model = CalibratedLogisticClassifier().fit(X, truth, groups)

    held_out = model.held_out_proba(truth)

    loss = -np.log(np.where(truth, held_out, 1 - held_out))
    assert loss == pytest.approx(model.held_out_loss_)
    assert held_out.mean() == pytest.approx(truth.mean(), abs=0.01)
    few = CalibratedLogisticClassifier().fit(X, groups == 0, groups)
    assert np.isnan(few.held_out_proba(groups == 0)).all()


@pytest.mark.parametrize("model", [CalibratedLogisticClassifier(), GuidelineFamilyClassifier()])
def test_sparse_and_dense_matrices_give_the_same_result(model):
    X, y, groups = families_of_cases() if isinstance(model, GuidelineFamilyClassifier) else cases()  # noqa: N806

    sparse = clone(model).fit(csr_matrix(X), y, groups).predict_proba(csr_matrix(X))

    assert sparse == pytest.approx(clone(model).fit(X, y, groups).predict_proba(X), abs=1e-3)


@pytest.mark.parametrize("model", [CalibratedLogisticClassifier(), GuidelineFamilyClassifier()])
def test_a_pickled_model_predicts_the_same(model):
    X, y, groups = families_of_cases() if isinstance(model, GuidelineFamilyClassifier) else cases()  # noqa: N806
    fitted = clone(model).fit(X, y, groups)

    again = pickle.loads(pickle.dumps(fitted))

    assert (again.predict_proba(X) == fitted.predict_proba(X)).all()


def test_a_family_that_all_or_none_cite_gets_a_constant():
    X, y, groups = families_of_cases()  # noqa: N806
    y = np.column_stack([y, np.ones(len(y)), np.zeros(len(y))])

    model = GuidelineFamilyClassifier().fit(X, y, groups)

    assert (model.predict_proba(X)[:, 3:] == [1, 0]).all()
    assert model.coef_.shape == (5, X.shape[1])
    assert (model.coef_[3:] == 0).all()


def test_informative_features_predict_the_families():
    X, y, groups = families_of_cases()  # noqa: N806

    predicted = GuidelineFamilyClassifier().fit(X[:120], y[:120], groups[:120]).predict(X[120:])

    assert (predicted[:, 1] == y[120:, 1]).mean() > 0.75


def test_a_single_case_is_fitted_with_a_threshold_of_one_half():
    X, y, _ = families_of_cases()  # noqa: N806

    assert GuidelineFamilyClassifier().fit(X, y, np.zeros(len(X))).threshold_ == 0.5


def test_families_must_be_an_indicator():
    X, y, _ = families_of_cases()  # noqa: N806

    with pytest.raises(ValueError, match=r"shape \(rows, families\)"):
        GuidelineFamilyClassifier().fit(X, y[:, 0])


@given(
    arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 8)), elements=st.floats(0, 1)),
    st.floats(0.01, 1),
)
def test_a_family_set_is_never_empty_and_contains_all_families_at_the_threshold(probability, threshold):
    sets = family_sets(probability, threshold, exclusive=None)

    assert sets.any(axis=1).all()
    assert sets[probability >= threshold].all()
    assert sets[np.arange(len(sets)), probability.argmax(axis=1)].all()
    assert sets.sum() <= (probability >= threshold).sum() + len(sets)


POSSIBLE_SETS = np.array([row for row in product([False, True], repeat=len(FAMILIES)) if is_possible(row)])


@given(
    arrays(np.float64, st.tuples(st.integers(1, 6), st.just(len(FAMILIES))), elements=st.floats(0, 1)),
    st.one_of(st.floats(0.01, 1), st.just(np.inf)),
)
def test_a_predicted_set_maximizes_the_probability_above_the_threshold(probability, threshold):
    sets = family_sets(probability, threshold)

    assert all(map(is_possible, sets))
    gain = probability - min(threshold, 1.0)
    best = (gain @ POSSIBLE_SETS.T).max(axis=1)
    assert (gain * sets).sum(axis=1) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(
    ("cited", "predicted"),
    [
        ({"chronic_pain": 0.6, "none": 0.5}, {"chronic_pain"}),
        ({"chronic_pain": 0.5, "none": 0.6}, {"none"}),
        ({"chronic_pain": 0.5, "odg": 0.5, "none": 0.6}, {"chronic_pain", "odg"}),
        ({"odg": 0.1, "none": 0.2}, {"none"}),
        ({"odg": 0.2, "none": 0.1}, {"odg"}),
    ],
)
def test_none_is_predicted_alone_if_it_outweighs_all_families_together(cited, predicted):
    probability = np.array([[cited.get(family, 0.0) for family in FAMILIES]])

    (chosen,) = family_sets(probability, threshold=0.4)

    assert {family for family, is_cited in zip(FAMILIES, chosen, strict=True) if is_cited} == predicted


def test_a_classifier_never_predicts_its_exclusive_family_with_another():
    X, y, groups = families_of_cases()  # noqa: N806
    y[:, 2] = ~y[:, :2].any(axis=1)

    predicted = GuidelineFamilyClassifier(exclusive=2).fit(X, y, groups).predict(X)

    assert predicted[:, 2].any()
    assert not (predicted[:, 2] & predicted[:, :2].any(axis=1)).any()


def test_a_row_of_weight_two_counts_as_two_rows():
    X, y, groups = cases()  # noqa: N806
    twice = np.flatnonzero(groups < 20)
    weights = np.where(groups < 20, 2.0, 1.0)
    rows = np.concatenate([np.arange(len(y)), twice])

    weighed = CalibratedLogisticClassifier(C=0.1, folds=1).fit(X, y, groups, weights)
    repeated = CalibratedLogisticClassifier(C=0.1, folds=1).fit(X[rows], y[rows], groups[rows])

    assert weighed.coef_ == pytest.approx(repeated.coef_, abs=0.01)
    assert weighed.base_rate_ == pytest.approx(y[rows].mean())


def test_probabilities_match_weighted_rates():
    random = np.random.default_rng(3)
    X, old = random.normal(size=(3000, 2)), np.arange(3000) < 1500  # noqa: N806
    y = random.random(3000) < np.where(old, 0.2, 0.6)
    weights = np.where(old, 0.01, 1.0)

    p = CalibratedLogisticClassifier().fit(X, y, weights=weights).predict_proba(X)[:, 1]

    assert p.mean() == pytest.approx(0.6, abs=0.05)
    assert CalibratedLogisticClassifier().fit(X, y).predict_proba(X)[:, 1].mean() == pytest.approx(0.4, abs=0.05)


def test_equal_weights_change_nothing():
    X, y, groups = cases()  # noqa: N806

    alike = CalibratedLogisticClassifier().fit(X, y, groups, np.ones(len(y)))

    assert (alike.predict_proba(X) == CalibratedLogisticClassifier().fit(X, y, groups).predict_proba(X)).all()
