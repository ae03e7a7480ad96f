"""The vectorizers and the transformer agree bit for bit with those of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import diags
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from imr_ml.features.matrix import column_weights, feature_matrix
from imr_ml.features.settings import BlockWeights, SectionTerms, TermSettings
from imr_ml.features.terms import FeatureError
from imr_ml.features.vectorizers import FactVectorizer, TermVectorizer

WORDS = st.sampled_from(["knee", "no_spasm", "mri", "of", "body=knee", "naïve", "x"])
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), min_size=1, max_size=6)
LEARNT_FROM = ["knee mri of knee", "no_spasm of body=knee knee mri", "mri"]


def same(ours, theirs):
    return ours.shape == theirs.shape and all(
        np.array_equal(getattr(ours, part), getattr(theirs, part)) for part in ("data", "indices", "indptr")
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        (TermVectorizer, TfidfVectorizer, {"ngram_range": (1, 2), "sublinear_tf": True}),
        (TermVectorizer, TfidfVectorizer, {"ngram_range": (1, 3)}),
        (FactVectorizer, CountVectorizer, {"binary": True}),
        (FactVectorizer, CountVectorizer, {}),
    ],
)
@given(texts=TEXTS)
def test_known_terms_are_counted_as_scikit_learn_counts_them(ours, theirs, settings, texts):
    settings = {"token_pattern": r"\S+", "lowercase": False} | settings

    found, expected = (kind(**settings).fit(LEARNT_FROM).transform(texts) for kind in (ours, theirs))

    assert same(found, expected)


def test_a_matrix_is_the_same_whether_its_rows_are_shared_or_not(prepared):
    features = feature_matrix(pairs=True)

    rows = features.fit_rows(prepared.frame, prepared.groups)

    assert same(rows[:], features.transform(prepared.frame))
    assert same(rows[5:20], features.transform(prepared.frame[5:20]))
    assert rows.shared.shape[0] < len(prepared)


def test_a_matrix_with_shared_rows_multiplies_like_a_whole_one(prepared):
    features = feature_matrix()
    weights = np.linspace(0, 2, features.fit_rows(prepared.frame).shape[1])
    rows = features.fit_rows(prepared.frame).with_weights(weights)
    whole = features.transform(prepared.frame) @ diags(weights)

    assert np.allclose(rows @ weights, whole @ weights)
    assert np.allclose(
        rows.transposed_product(np.arange(rows.shape[0]) + 0.5), whole.T @ (np.arange(rows.shape[0]) + 0.5)
    )
    assert np.allclose(rows.to_sparse().toarray(), whole.toarray())


def test_blocks_of_weight_zero_are_left_out_of_a_matrix(prepared):
    features = feature_matrix()
    rows = features.fit_rows(prepared.frame)
    weights = column_weights(features, BlockWeights(summary=0.0, numbers=0.0, case_size=0.0))

    part = rows.with_weights(weights).to_sparse()

    assert not part[:, features.places["summary"]].nnz
    assert not part[:, features.places["numbers"]].nnz
    assert part[:, features.places["request"]].nnz


def test_each_section_has_separate_terms(prepared):
    terms = SectionTerms(request=TermSettings(ngrams=1), summary=TermSettings(max_terms=5))

    names = feature_matrix(terms).fit(prepared.frame).get_feature_names_out()

    assert not any(" " in name for name in names if name.startswith("request__"))
    assert any(" " in name for name in names if name.startswith("ur_guideline__"))
    assert sum(name.startswith("summary__") for name in names) == 5


def test_a_term_must_occur_in_enough_cases_not_rows():
    texts = ["common rare", "common rare", "common rare", "common", "common other", "common other"]
    cases = [1, 1, 1, 2, 3, 4]
    vectorizer = TermVectorizer(token_pattern=r"\S+", lowercase=False, min_df=2)

    matrix = vectorizer.fit_transform(texts, cases)

    assert sorted(vectorizer.vocabulary_) == ["common", "other"]
    assert (vectorizer.transform(texts) != matrix).nnz == 0
    assert sorted(vectorizer.fit(texts).vocabulary_) == ["common", "other", "rare"]


@pytest.mark.parametrize(("fewest", "message"), [(2, "no term occurs in 2 cases"), (4, "there are only 3 cases")])
def test_too_few_cases_with_a_term_raise_a_clear_error(fewest, message):
    with pytest.raises(FeatureError, match=message):
        TermVectorizer(min_df=fewest).fit_transform(["one", "two", "three"], [0, 1, 2])


def test_min_cases_applies_to_its_section(prepared):
    terms = SectionTerms(summary=TermSettings(min_cases=10))

    fewer, every = (
        feature_matrix(one).fit(prepared.frame, prepared.groups).get_feature_names_out()
        for one in (terms, SectionTerms())
    )

    assert {name for name in every if name.startswith("request__")} <= set(fewer)
    assert len(fewer) < len(every)
