"""Predictions shrink toward the base rate if little of a request's text is known."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from factories import make_requests
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.special import logit

from imr_ml.classifiers.reliability import Baseline, KnownWords, shrink_to_base_rate
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.corpus.schema import validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.features.frame import feature_frame
from imr_ml.guidelines.types import FAMILIES

TEXTS = ("request", "clinical_summary", "ur_guideline")


@pytest.fixture(scope="module")
def requests():
    """Cases with summaries of four to twelve sentences, of which the last ones predict the outcome."""
    table = make_requests(200)
    random = np.random.default_rng(3)
    words = [f"{first}{last}" for first in ("walk", "sit", "lift", "rest", "work") for last in ("ing", "ed", "s", "er")]
    filler = [" ".join(random.choice(words, random.integers(20, 60))) for _ in range(len(table) // 2)]
    table["clinical_summary"] = [
        f"{filler[place // 2].capitalize()}. {text}" for place, text in enumerate(table["clinical_summary"])
    ]
    return complete_requests(validate_requests(table, "factory"))


@pytest.fixture(scope="module")
def model(requests):
    dataset = Dataset.from_table(requests)
    return RequestModel().fit(dataset.frame, dataset.labels, dataset.groups)


def distance(model, requests):
    """Return the mean distance of log-odds from the base rate, and the mean probability."""
    p = model.predict(feature_frame(requests)).p_overturned
    return np.abs(logit(p) - logit(model.baseline_.overturned)).mean(), p.mean()


def test_a_cut_summary_moves_the_probability_toward_the_base_rate(model, requests):
    lengths = (None, 150, 60, 20)
    cut = [requests.assign(clinical_summary=requests["clinical_summary"].str[:length]) for length in lengths]

    distances, means = zip(*(distance(model, table) for table in cut), strict=True)

    assert list(distances) == sorted(distances, reverse=True)
    assert distances[-1] < distances[0] / 2
    assert abs(means[-1] - model.baseline_.overturned) < 0.05


@given(st.lists(st.text(alphabet="qxzj", min_size=3, max_size=8), min_size=1, max_size=30))
def test_unknown_words_alone_give_the_base_rates(model, words):
    text = " ".join(words)
    unknown = feature_frame(pd.DataFrame([{"request": words[0], "clinical_summary": text, "ur_guideline": text}]))

    predictions = model.predict(unknown)

    assert model.reliability(model.matrix(unknown))[0] == 0
    assert predictions.p_overturned[0] == pytest.approx(model.baseline_.overturned, abs=1e-9)
    assert predictions.family_probability[0] == pytest.approx(model.baseline_.cited, abs=1e-9)


def test_a_request_with_the_usual_amount_of_known_text_is_not_shrunk(model, requests):
    matrix = model.matrix(feature_frame(requests))
    usual = model.reliability(matrix) == 1

    without_baseline = copy(model)
    without_baseline.baseline_ = None

    moved = model.predict_matrix(matrix).p_overturned != without_baseline.predict_matrix(matrix).p_overturned
    assert usual.mean() >= 0.9
    assert not moved[usual].any()
    assert moved[~usual].all()


chance = st.floats(0.001, 0.999)


@given(chance, chance, st.floats(0, 1), st.floats(0, 1))
def test_less_known_text_is_never_farther_from_the_base_rate(p, base_rate, one, other):
    nearer, farther = shrink_to_base_rate(np.array([p, p]), base_rate, np.array(sorted((one, other))))

    assert abs(logit(nearer) - logit(base_rate)) <= abs(logit(farther) - logit(base_rate)) + 1e-9
    assert (farther - base_rate) * (p - base_rate) >= -1e-12


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_certain_base_rate_stays_certain(certain):
    rates = np.array([certain, 0.2])

    moved = shrink_to_base_rate(np.array([[certain, 0.9]]), rates, np.array([0.0]))

    assert moved.tolist() == [[certain, pytest.approx(0.2)]]


def test_known_words_are_distinct_single_words_of_the_selected_blocks():
    names = np.array(["request__mri", "summary__pain", "summary__knee pain", "summary___absent", "age__pain"])
    matrix = csr_matrix([[0.3, 0.2, 0.1, 0, 1.0], [0, 0.2, 0, 0, 1.0], [0, 0, 0, 1.0, 1.0]])

    known = KnownWords.from_matrices([matrix[:2], matrix[2:]], names, ("request", "summary"))

    assert known.columns.tolist() == [0, 1]
    assert known.count(matrix).tolist() == [2, 1, 0]


def test_reliability_is_1_for_a_source_without_texts():
    nothing = KnownWords(np.array([0]), usual=0.0)

    assert nothing.reliability(csr_matrix([[0.0, 1.0]])).tolist() == [1.0]


def test_a_saved_baseline_loads_unchanged(model):
    again = Baseline.from_arrays(model.baseline_.arrays())

    for name, values in model.baseline_.arrays().items():
        assert (again.arrays()[name] == values).all()
    assert len(again.cited) == len(FAMILIES)
