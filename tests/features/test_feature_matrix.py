"""What our vectorizers and transformer do in fewer steps is what scikit-learn's do, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from imr_ml.features.matrix import (
    FactVectorizer,
    FeatureError,
    SectionTerms,
    TermSettings,
    TermVectorizer,
    feature_matrix,
    matrix_of,
)

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
        (TermVectorizer, TfidfVectorizer, {"ngram_range": (2, 3)}),
        (FactVectorizer, CountVectorizer, {"binary": True}),
        (FactVectorizer, CountVectorizer, {}),
    ],
)
@given(texts=TEXTS)
def test_known_terms_are_counted_as_scikit_learn_counts_them(ours, theirs, settings, texts):
    settings = {"token_pattern": r"\S+", "lowercase": False} | settings

    found, expected = (kind(**settings).fit(LEARNT_FROM).transform(texts) for kind in (ours, theirs))

    assert same(found, expected)


def test_a_frame_becomes_the_matrix_that_the_transformer_makes_of_it(prepared):
    fitted = feature_matrix(pairs=True).fit(prepared.frame)

    assert same(matrix_of(fitted, prepared.frame[5:20]), fitted.transform(prepared.frame[5:20]))


def test_each_section_has_terms_of_its_own(prepared):
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


@pytest.mark.parametrize(("fewest", "message"), [(2, "no term occurs in 2 cases"), (4, "there are 3 cases")])
def test_no_term_in_enough_cases_is_one_line(fewest, message):
    with pytest.raises(FeatureError, match=message):
        TermVectorizer(min_df=fewest).fit_transform(["one", "two", "three"], [0, 1, 2])


def test_the_fewest_cases_of_a_term_reach_its_section(prepared):
    terms = SectionTerms(summary=TermSettings(min_cases=10))

    fewer, every = (
        feature_matrix(one).fit(prepared.frame, prepared.groups).get_feature_names_out()
        for one in (terms, SectionTerms())
    )

    assert {name for name in every if name.startswith("request__")} <= set(fewer)
    assert len(fewer) < len(every)
