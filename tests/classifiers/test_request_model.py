"""The request model combines both classifiers."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit

from imr_ml.classifiers.candidates import FamilyLinearSvm, LogisticRegression
from imr_ml.classifiers.contributions import Contribution, LinearScores, top_contributions
from imr_ml.classifiers.request_model import Chosen, RequestModel, select_candidate
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Labels, labels_of
from imr_ml.features.settings import BlockWeights
from imr_ml.guidelines.types import FAMILIES

DEFAULT_P = [0.06552806, 0.06962210, 0.08016336, 0.06173427]


@pytest.fixture(scope="module")
def model(prepared):
    return RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)


def test_labels_are_outcomes_and_an_indicator_of_families():
    labels = labels_of(
        pd.DataFrame({"outcome": ["overturned", "upheld", None], "families": ["odg|acoem", "none", pd.NA]})
    )

    assert labels.overturned.tolist() == [True, False, False]
    assert [[FAMILIES[place] for place in np.flatnonzero(row)] for row in labels.families] == [
        ["acoem", "odg"],
        ["none"],
        [],
    ]
    assert labels[np.array([1])].overturned.tolist() == [False]


def test_each_request_gets_probabilities_and_a_set_that_is_never_empty(prepared, model):
    predictions = model.predict(prepared.frame.iloc[:7])

    assert predictions.p_overturned.shape == (7,)
    assert predictions.family_probability.shape == predictions.family_set.shape == (7, len(FAMILIES))
    assert ((predictions.p_overturned > 0) & (predictions.p_overturned < 1)).all()
    assert ((predictions.family_probability >= 0) & (predictions.family_probability <= 1)).all()
    assert predictions.family_set.any(axis=1).all()
    assert predictions.family_set[np.arange(7), predictions.primary_family].all()


def test_a_request_gets_the_same_prediction_alone_and_in_a_batch(prepared, model):
    alone = [model.predict(prepared.frame.iloc[[row]]).p_overturned[0] for row in range(5)]

    assert alone == pytest.approx(model.predict(prepared.frame).p_overturned[:5], abs=1e-12)


def test_the_default_model_gives_the_recorded_probabilities(prepared, model):
    assert model.predict(prepared.frame).p_overturned[:4] == pytest.approx(DEFAULT_P, abs=1e-6)


def test_fitting_twice_gives_the_same(prepared, model):
    again = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)

    assert (again.predict(prepared.frame).p_overturned == model.predict(prepared.frame).p_overturned).all()


def test_settings_reach_the_classifiers(prepared):
    outcome, family = LogisticRegression(C=0.01), FamilyLinearSvm(C=7.0)
    model = RequestModel(ModelSettings(outcome=(outcome,), family=(family,), seed=5))
    model.fit(prepared.frame, prepared.labels, prepared.groups)

    assert model.outcome_.classifier.get_params() == {"C": 0.01, "folds": 5, "random_state": 5}
    assert model.families_.classifier.get_params() == {"C": 7.0, "exclusive": 7, "folds": 5, "random_state": 5}


BLIND = {"weights": BlockWeights(request=0, summary=0, ur_guideline=0, facts=0, numbers=0.001), "C": 0.001}
SEEING = {"weights": BlockWeights(), "C": 3.0}


@pytest.mark.parametrize("candidates", [(BLIND, SEEING), (SEEING, BLIND)])
def test_a_clearly_better_candidate_is_selected_at_any_position(prepared, candidates):
    outcome = tuple(LogisticRegression(**parameters) for parameters in candidates)
    family = tuple(FamilyLinearSvm(**parameters) for parameters in candidates)
    model = RequestModel(ModelSettings(outcome=outcome, family=family))
    model.fit(prepared.frame, prepared.labels, prepared.groups)

    assert model.families_.candidate == FamilyLinearSvm(**SEEING)
    assert model.outcome_.candidate == LogisticRegression(**SEEING)


@pytest.mark.parametrize(
    ("gains_of_cases", "selected"),
    [
        ([0.1] * 30, 1),
        ([0.1, -0.1] * 15, 0),
        ([-0.1] * 30, 0),
        ([5.0] + [0.0] * 29, 0),
        ([float("nan")] * 30, 0),
    ],
)
def test_a_later_candidate_must_gain_over_many_cases(gains_of_cases, selected):
    """Each case has five requests but counts once."""
    groups = np.arange(30).repeat(5)
    losses = [np.ones(150), 1 - np.array(gains_of_cases).repeat(5)]
    fitted = [
        Chosen(LogisticRegression(C=C + 1), SimpleNamespace(held_out_loss_=loss)) for C, loss in enumerate(losses)
    ]

    assert select_candidate(fitted, groups) is fitted[selected]


def test_contributions_of_an_average_request_are_zero(prepared, model):
    matrix = model.matrix(prepared.frame)
    average = csr_matrix(matrix.mean(axis=0))

    (evidence,) = model.explain(average, model.predict_matrix(average), most=10**6)

    assert all(abs(term.weight) < 1e-9 for term in [*evidence.outcome.terms, *evidence.family.terms])


def test_contributions_are_measured_from_the_average_request(prepared, model):
    matrix = model.matrix(prepared.frame.iloc[:4])
    predictions = model.predict_matrix(matrix)

    classifier, averages = model.outcome_.classifier, model.baseline_.averages
    coefficients = classifier.slope_ * classifier.coef_ * model.outcome_column_weights
    for row, evidence in enumerate(model.explain(matrix, predictions, most=5)):
        values = matrix[row].toarray()[0]
        weights = coefficients * (values - averages) * model.reliability(matrix)[row]
        by_name = dict(zip(model.feature_names, weights, strict=True))
        assert [term.weight for term in evidence.outcome.terms] == [
            pytest.approx(by_name[f"{term.block}__{term.term}"]) for term in evidence.outcome.terms
        ]
        assert [term.is_present for term in evidence.outcome.terms] == [
            bool(values[model.feature_names.tolist().index(f"{term.block}__{term.term}")])
            for term in evidence.outcome.terms
        ]
        free = ["category__", "sex__", "injury_stage__", "numbers__", "case_size__"]
        largest = max(abs(weight) for name, weight in by_name.items() if not name.startswith(tuple(free)))
        assert max(abs(term.weight) for term in evidence.outcome.terms) >= largest - 1e-12
        assert expit(evidence.outcome.log_odds) == pytest.approx(predictions.p_overturned[row], abs=1e-12)


def test_a_matrix_and_its_frame_get_the_same_predictions(prepared, model):
    predictions, of_matrix = model.predict(prepared.frame), model.predict_matrix(model.matrix(prepared.frame))

    assert (predictions.p_overturned == of_matrix.p_overturned).all()
    assert (predictions.family_set == of_matrix.family_set).all()


def test_evidence_names_blocks_that_exist_and_at_most_the_requested_terms(prepared, model):
    matrix = model.matrix(prepared.frame.iloc[:4])

    for row in model.explain(matrix, model.predict_matrix(matrix), most=3):
        assert 1 <= len(row.outcome.terms) <= 3
        assert 1 <= len(row.family.terms) <= 3
        assert {term.block for term in row.outcome.terms} <= set(model.features_.places)


def test_a_model_fitted_again_uses_its_new_features(prepared):
    model = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)
    before = model.feature_names.tolist()

    renamed = prepared.frame.assign(request_tokens="zebra " + prepared.frame["request_tokens"])
    model.fit(renamed, prepared.labels, prepared.groups)

    assert set(model.feature_names) - set(before) >= {"request__zebra"}
    fresh = RequestModel().fit(renamed, prepared.labels, prepared.groups)
    assert (model.outcome_column_weights == fresh.outcome_column_weights).all()
    assert (model.predict(renamed).family_probability == fresh.predict(renamed).family_probability).all()


def test_the_largest_contribution_comes_first_and_may_be_absent():
    matrix = csr_matrix([[1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 3.0], [0.0, 1.0, 0.0, 3.0]])
    names = np.array(["summary__a", "summary__b", "request__c", "findings__no__d"])
    scores = np.array([[0.5, -1.0, 9.0, 0.0], [0.0, 0.0, 0.0, 2.0]])
    averages, reliability = np.array([0.0, 0.0, 0.1, 1.0]), np.array([1.0, 1.0, 0.5])
    linear = LinearScores(scores, averages, names)

    assert top_contributions(matrix, linear, np.array([0, 0, 1]), reliability, most=2) == [
        [Contribution("summary", "b", -2.0), Contribution("request", "c", -0.9, is_present=False)],
        [Contribution("request", "c", -0.9, is_present=False)],
        [Contribution("findings", "no__d", 2.0)],
    ]


def drifting(prepared, years):
    """Spread the cases over distant years and reverse the outcomes of the first half."""
    rows = np.tile(np.arange(len(prepared.frame)), len(years))
    year = np.repeat(years, len(prepared.frame)) + 0.5
    labels = prepared.labels[rows]
    turned = labels.overturned ^ (year < np.median(year))
    return prepared.frame.iloc[rows], Labels(turned, labels.families, year), np.arange(len(rows))


def test_drift_gives_newer_decisions_more_weight_in_the_outcome_only(prepared):
    frame, labels, groups = drifting(prepared, range(2004, 2014))
    settings = ModelSettings(half_life_years=(None, 1.0))

    model = RequestModel(settings).fit(frame, labels, groups)
    alike = RequestModel(ModelSettings(half_life_years=(None,))).fit(frame, labels, groups)

    assert (model.outcome_.half_life_years, alike.outcome_.half_life_years) == (1.0, None)
    assert model.families_.half_life_years is None
    assert (model.predict(frame).family_probability == alike.predict(frame).family_probability).all()
    newest = np.flatnonzero(labels.decided_year == labels.decided_year.max())
    loss = [_loss(each.predict(frame.iloc[newest]).p_overturned, labels.overturned[newest]) for each in (model, alike)]
    assert loss[0] < loss[1] - 0.1


def test_decisions_of_a_few_years_have_equal_weights(model):
    assert model.outcome_.half_life_years is None


def test_a_source_that_reports_no_families_gets_a_model_without_them(prepared):
    labels = Labels(prepared.labels.overturned, np.zeros_like(prepared.labels.families), prepared.labels.decided_year)

    model = RequestModel().fit(prepared.frame, labels, prepared.groups)

    predictions = model.predict(prepared.frame)
    assert model.families_ is None
    assert np.isnan(predictions.family_probability).all()
    assert not predictions.family_set.any()
    assert (
        predictions.p_overturned == RequestModel().fit(*_parts(prepared)).predict(prepared.frame).p_overturned
    ).all()


def _parts(prepared):
    return prepared.frame, prepared.labels, prepared.groups


def _loss(p, truth):
    return -np.log(np.where(truth, p, 1 - p)).mean()
