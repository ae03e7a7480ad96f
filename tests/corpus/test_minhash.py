"""How similar two texts are, by the hashes of their shingles."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.corpus.minhash import BANDS, HASHES, candidates, shingle_hashes, similarity, sketch, words_of


def story(seed, words=150):
    return [f"w{Random(seed * 1000 + place).randrange(10_000)}" for place in range(words)]


def changed(words, share):
    return [f"new{place}" if place < share * len(words) else word for place, word in enumerate(words)]


def sketch_of(words):
    return sketch(shingle_hashes(words))


def pairs_of(*texts, groups=None, progress=None):
    groups = np.arange(len(texts)) if groups is None else np.array(groups)
    return set(candidates(np.array([sketch_of(words) for words in texts]), 0.6, groups, progress))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_the_share_of_equal_hashes_estimates_the_similarity(share):
    texts = [(story(seed), changed(story(seed), share)) for seed in range(40)]

    estimates = [np.mean(sketch_of(one) == sketch_of(other)) for one, other in texts]

    exact = np.mean([similarity(shingle_hashes(one), shingle_hashes(other)) for one, other in texts])
    assert np.mean(estimates) == pytest.approx(exact, abs=0.03)


def test_a_sketch_is_the_same_on_every_machine():
    found = sketch_of(words_of("The worker has had knee pain since a fall from a ladder."))

    assert (found.shape, found.dtype) == ((HASHES,), np.uint32)
    assert found[:3].tolist() == [217963825, 459693437, 319524111]


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=5, max_size=40),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=5, max_size=40),
)
def test_the_similarity_of_hashes_equals_that_of_the_words(one, other):
    first, second = ({tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (one, other))

    assert similarity(shingle_hashes(one), shingle_hashes(other)) == len(first & second) / len(first | second)


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=5, max_size=40))
def test_only_the_words_and_their_order_matter(words):
    assert (sketch_of(words) == sketch_of(words_of("; ".join(words).upper()))).all()


def test_candidate_pairs_start_with_the_earlier_text():
    assert pairs_of(story(1), story(2), changed(story(1), 0.05), story(3)) == {(0, 2)}


def test_texts_of_the_same_group_are_not_candidates():
    copies = [story(1)] * 6

    assert len(pairs_of(*copies)) == 15
    assert pairs_of(*copies, groups=[0, 0, 0, 1, 1, 1]) == {(one, other) for one in range(3) for other in range(3, 6)}


def test_fewer_than_two_texts_have_no_candidates():
    assert list(candidates(np.zeros((0, HASHES), dtype=np.uint32), 0.5, np.arange(0))) == []
    assert pairs_of(story(1)) == set()


def test_progress_counts_the_bands():
    steps = []

    pairs_of(story(1), story(2), progress=steps.append)

    assert sum(steps) == BANDS
