"""Counts of numbered terms agree with counts of strings."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from imr_ml.features.terms import FeatureError, Terms
from imr_ml.features.vectorizers import TermVectorizer
from imr_ml.features.vocabulary import select_frequent_terms

TEXTS = st.lists(
    st.lists(st.sampled_from(["knee", "mri", "of", "no_spasm", "naïve"]), max_size=9).map(" ".join),
    min_size=1,
    max_size=8,
)


def terms_of(text, longest):
    words = text.split()
    return [" ".join(words[start : start + n]) for n in range(1, longest + 1) for start in range(len(words) - n + 1)]


@given(texts=TEXTS, longest=st.integers(1, 4), known=st.sets(st.integers(0, 40)))
def test_counts_are_those_of_the_known_terms_in_each_text(texts, longest, known):
    every = sorted({term for text in texts for term in terms_of(text, longest)})
    vocabulary = [term for place, term in enumerate(every) if place in known]

    counts = Terms.from_vocabulary(vocabulary).count(texts, np.float64).toarray()

    expected = [[Counter(terms_of(text, longest))[term] for term in vocabulary] for text in texts]
    assert counts.tolist() == (expected if vocabulary else [[] for _ in texts])


@given(texts=TEXTS, longest=st.integers(1, 3), most=st.integers(1, 9), fewest=st.integers(1, 3), data=st.data())
def test_frequent_terms_are_those_that_occur_most_often_in_enough_cases(texts, longest, most, fewest, data):
    texts = list(dict.fromkeys(texts))
    times = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(texts), max_size=len(texts))))
    cases_of = data.draw(st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=len(texts), max_size=len(texts)))
    cases = csr_matrix(np.array([[case in own for own in cases_of] for case in range(4)], dtype=float))
    counts, found_in = Counter(), {}
    for text, count, own in zip(texts, times.tolist(), cases_of, strict=True):
        for term in terms_of(text, longest):
            counts[term] += count
            found_in.setdefault(term, set()).update(own)
    enough = {term: counts[term] for term in counts if fewest == 1 or (len(found_in[term]) >= fewest <= counts[term])}

    if not enough:
        with pytest.raises(FeatureError, match="no term"):
            select_frequent_terms(texts, times, cases, longest, most, fewest)
        return
    chosen = select_frequent_terms(texts, times, cases, longest, most, fewest)

    assert chosen == sorted(set(chosen))
    assert sorted((enough[term] for term in chosen), reverse=True) == sorted(enough.values(), reverse=True)[:most]


def test_a_vectorizer_restored_from_its_state_counts_the_same():
    vectorizer = TermVectorizer(ngram_range=(1, 2)).fit(["mri of knee", "knee spasm"])
    copied = TermVectorizer()

    copied.__setstate__(vectorizer.__getstate__())

    assert (copied.transform(["mri of knee and"]) != vectorizer.transform(["mri of knee and"])).nnz == 0
    assert not any(isinstance(value, dict | Terms) for value in vectorizer.__getstate__().values())
