"""A profile describes requests by rounded numbers without texts, and training data by held-out predictions."""

import numpy as np
import pytest
from factories import make_requests
from scipy.sparse import csr_matrix

from imr_ml import profiles
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.corpus.schema import validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.features.frame import feature_frame
from imr_ml.profiles import (
    Profile,
    in_several_groups,
    join_profiles,
    profile_requests,
    reference_profile,
    sampled_rows,
    vocabulary_coverage,
    word_columns,
)


@pytest.fixture(scope="module")
def model(prepared):
    return RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)


def profiled(requests, model):
    requests = complete_requests(validate_requests(requests, "factory"))
    frame = feature_frame(requests)
    matrix = model.matrix(frame)
    case = np.arange(len(frame))
    known = word_columns(model.features_)
    return profile_requests(frame, matrix, model.predict_matrix(matrix), known, case, len(frame))


def test_the_characteristics_of_a_request(model):
    requests = make_requests(2).iloc[:1].assign(items_in_case=1, age=52.4, sex="female", ur_guideline=None)

    profile = profiled(requests, model)

    numbers = {name: float(values[0]) for name, values in profile.numbers.items()}
    assert numbers["age"] == 52
    assert numbers["days_since_injury"] == 430  # 3 February 2015 to 5 April 2016 are 427 days
    assert numbers["items_in_case"] == 1
    assert numbers["request_chars"] == 20  # MRI of the left knee
    assert np.isnan(numbers["ur_guideline_chars"])
    assert profile.labels["category"][0] == "Diagnostic Testing"
    assert profile.labels["ur_families"][0] == "not stated"


def test_several_families_are_one_label(model):
    assert profiled(make_requests(2).assign(ur_families="acoem|odg"), model).labels["ur_families"][0] == "acoem + odg"


@pytest.mark.parametrize(
    ("stated", "label"), [("11_20", "11_20"), ("65+", "65+"), ("0-10 yrs", "0-10 yrs"), ("a long story", "not stated")]
)
def test_text_that_is_not_an_age_band_counts_as_not_stated(model, stated, label):
    assert profiled(make_requests(2).assign(age_band=stated), model).labels["age_band"][0] == label


def test_unknown_words_lower_the_coverage(model):
    usual, odd = make_requests(2), make_requests(2)
    odd["request"] = "quembolic harrowgate sprondle"
    odd["clinical_summary"] = "frobnitz marzolin snorquel"

    known, unknown = (profiled(request, model).numbers["vocabulary_coverage"] for request in (usual, odd))

    assert (known == 1).all()
    assert (unknown < 0.7).all()


def test_coverage_counts_distinct_words_and_is_unknown_without_any(model, prepared):
    texts = {"request_tokens": "knee knee quux", "summary_tokens": "_absent", "ur_tokens": "_absent"}
    frame = prepared.frame.iloc[:2].assign(**texts)
    frame.loc[frame.index[1], "request_tokens"] = "_absent"

    covered = vocabulary_coverage(frame, model.matrix(frame), word_columns(model.features_))

    np.testing.assert_array_equal(covered, [0.5, np.nan])


def test_a_word_of_one_training_case_alone_does_not_cover_itself(prepared):
    """Every word of a training text is in the vocabulary, so in-sample coverage would always be 1."""
    frame = prepared.frame.copy()
    first = prepared.groups == 0
    frame.loc[first, "summary_tokens"] += " quembolic harrowgate"
    model = RequestModel().fit(frame, prepared.labels, prepared.groups)
    matrix = model.matrix(frame)
    assert (vocabulary_coverage(frame, matrix, word_columns(model.features_)) == 1).all()

    held_out = model.predict_matrix(matrix)
    profile = reference_profile(frame, matrix, model.features_, held_out, prepared.groups, np.arange(len(prepared)))

    assert (profile.numbers["vocabulary_coverage"] < 1).sum() == first.sum()


def test_columns_of_several_groups():
    matrix = csr_matrix(np.array([[1, 1, 0, 2], [1, 0, 0, 0], [0, 1, 0, 0]]))
    assert in_several_groups(matrix, np.array([0, 0, 1])).tolist() == [False, True, False, False]


def test_a_reference_is_a_seeded_sample_of_whole_groups(prepared, model, monkeypatch):
    monkeypatch.setattr(profiles, "MAX_ROWS", 40)
    matrix = model.matrix(prepared.frame)
    predictions = model.predict_matrix(matrix)

    def reference(seed):
        rows = sampled_rows(prepared.groups, seed)
        return reference_profile(prepared.frame, matrix, model.features_, predictions[rows], prepared.groups, rows)

    first, again, other = map(reference, (0, 0, 1))

    assert (len(first), first.cases, first.drawn_from) == (40, 20, 160)
    assert np.bincount(first.case).tolist() == [2] * 20
    np.testing.assert_array_equal(first.numbers["p_overturned"], again.numbers["p_overturned"])
    assert not np.array_equal(first.numbers["p_overturned"], other.numbers["p_overturned"])


def test_the_training_data_are_scored_out_of_fold(trained, prepared):
    in_sample = trained.model.predict(prepared.frame).p_overturned

    assert abs(np.mean(trained.reference.numbers["p_overturned"]) - in_sample.mean()) < 0.05
    assert np.ptp(in_sample) > np.ptp(trained.reference.numbers["p_overturned"]) - 0.05
    assert not np.isin(np.float32(in_sample.round(3)), trained.reference.numbers["p_overturned"]).all()


def test_a_profile_contains_no_word_of_a_request(trained, prepared):
    arrays = trained.reference.arrays()

    texts = {str(value) for column in arrays.values() if column.dtype.kind == "U" for value in column.tolist()}
    words = {word for text in texts for word in text.replace(" + ", " ").split()}
    allowed = {"not", "stated", *prepared.frame["category"].str.split("_").explode()}
    allowed |= set(prepared.frame["ur_families"].str.split().explode()) | {"none", "other", "odg", "acoem"}
    assert words <= allowed | {"opioids", "chronic_pain", "acupuncture", "postsurgical"}
    assert {column.dtype.kind for column in arrays.values()} <= set("Ufi")


def test_a_profile_of_an_older_model_has_current_labels(trained):
    arrays = {
        name: np.where(values == "not stated", "not told", values) if values.dtype.kind == "U" else values
        for name, values in trained.reference.arrays().items()
    }

    labels = Profile.from_arrays(arrays).labels

    assert all(np.array_equal(labels[name], values) for name, values in trained.reference.labels.items())


def test_profiles_are_joined_in_order():
    parts = [
        Profile(np.array([case]), {"age": np.array([age], dtype=np.float32)}, {"category": np.array([name])}, 1)
        for case, age, name in ((0, 30, "Surgery"), (1, 40, "Other"))
    ]
    whole = join_profiles(parts, 7)
    assert (len(whole), whole.cases, whole.drawn_from) == (2, 2, 7)
    assert whole.numbers["age"].tolist() == [30, 40]
    assert whole.labels["category"].tolist() == ["Surgery", "Other"]
