"""The two classifiers as one thing."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from imr_ml.classifiers import (
    Candidate,
    Chosen,
    Contribution,
    ModelSettings,
    RequestModel,
    labels_of,
    top_contributions,
)
from imr_ml.classifiers.request_model import first_unless_better
from imr_ml.features import BlockWeights, column_weights
from imr_ml.guidelines import FAMILIES


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
    said = model.predict(prepared.frame.iloc[:7])

    assert said.p_overturned.shape == (7,)
    assert said.family_probability.shape == said.family_set.shape == (7, len(FAMILIES))
    assert ((said.p_overturned > 0) & (said.p_overturned < 1)).all()
    assert ((said.family_probability >= 0) & (said.family_probability <= 1)).all()
    assert said.family_set.any(axis=1).all()


def test_a_request_is_predicted_alike_alone_and_among_others(prepared, model):
    alone = [model.predict(prepared.frame.iloc[[row]]).p_overturned[0] for row in range(5)]

    assert alone == pytest.approx(model.predict(prepared.frame).p_overturned[:5], abs=1e-12)


def test_fitting_twice_gives_the_same(prepared, model):
    again = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)

    assert (again.predict(prepared.frame).p_overturned == model.predict(prepared.frame).p_overturned).all()


def test_settings_reach_the_classifiers(prepared):
    outcome, family = Candidate(BlockWeights(), C=0.01), Candidate(BlockWeights(), C=7.0)
    model = RequestModel(ModelSettings(outcome=(outcome,), family=(family,), seed=5))
    model.fit(prepared.frame, prepared.labels, prepared.groups)

    assert model.outcome_.classifier.get_params() == {"C": 0.01, "folds": 5, "random_state": 5}
    assert model.families_.classifier.get_params() == {"C": 7.0, "folds": 5, "random_state": 5}


BLIND = Candidate(BlockWeights(request=0, summary=0, ur_guideline=0, facts=0, numbers=0.001), C=0.001)
SEEING = Candidate(BlockWeights(), C=3.0)


@pytest.mark.parametrize("candidates", [(BLIND, SEEING), (SEEING, BLIND)])
def test_a_candidate_that_is_clearly_better_on_held_out_cases_is_taken_wherever_it_stands(prepared, candidates):
    model = RequestModel(ModelSettings(outcome=candidates, family=candidates))
    model.fit(prepared.frame, prepared.labels, prepared.groups)

    assert model.families_.candidate == SEEING
    assert model.outcome_.candidate == SEEING


@pytest.mark.parametrize(
    ("gains_of_cases", "taken"),
    [
        ([0.1] * 30, 1),
        ([0.1, -0.1] * 15, 0),
        ([-0.1] * 30, 0),
        ([5.0] + [0.0] * 29, 0),
        ([float("nan")] * 30, 0),
    ],
)
def test_a_later_candidate_must_gain_over_many_cases(gains_of_cases, taken):
    """Five requests a case: one case's luck counts once, however many requests it has."""
    groups = np.arange(30).repeat(5)
    losses = [np.ones(150), 1 - np.array(gains_of_cases).repeat(5)]
    fitted = [
        Chosen(Candidate(BlockWeights(), C), SimpleNamespace(held_out_loss_=loss)) for C, loss in enumerate(losses)
    ]

    assert first_unless_better(fitted, groups) is fitted[taken]


def test_evidence_adds_up_to_the_score(prepared, model):
    rows = prepared.frame.iloc[:4]

    predictions, evidence = model.predict_with_evidence(rows, most=10_000)

    classifier = model.outcome_.classifier
    weights = column_weights(model.features_, model.outcome_.candidate.weights)
    scores = model.features_.transform(rows) @ (weights * classifier.coef_) + classifier.intercept_
    told = [sum(each.weight for each in row.outcome) + classifier.intercept_ for row in evidence]
    assert told == pytest.approx(scores, abs=1e-3)
    assert (predictions.p_overturned == model.predict(rows).p_overturned).all()


def test_evidence_names_sections_that_exist_and_no_more_than_asked(prepared, model):
    _, evidence = model.predict_with_evidence(prepared.frame.iloc[:4], most=3)

    for row in evidence:
        assert 1 <= len(row.outcome) <= 3
        assert 1 <= len(row.family) <= 3
        assert {each.section for each in row.outcome} <= {name for name, *_ in model.features_.transformers_}


def test_what_moved_a_score_most_comes_first():
    matrix = csr_matrix([[1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 3.0]])
    names = np.array(["summary__a", "summary__b", "request__c", "findings__no__d"])

    assert top_contributions(matrix, np.array([0.5, -1.0, 9.0, 0.0]), names, most=2) == [
        [Contribution("summary", "b", -2.0), Contribution("summary", "a", 0.5)],
        [],
    ]
