"""What our vectorizers and transformer do in fewer steps is what scikit-learn's do, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from imr_ml.features.matrix import (
    FactVectorizer,
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
