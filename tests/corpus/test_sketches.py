"""Sketches: how alike two texts are, told without the texts."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.corpus.near_duplicates import HASHES, alike, similarity, sketch, words_of


def story(seed, words=150):
    return [f"w{Random(seed * 1000 + place).randrange(10_000)}" for place in range(words)]


def changed(words, share):
    return [f"new{place}" if place < share * len(words) else word for place, word in enumerate(words)]


def pairs_of(*texts, least=0.6, **how):
    return set(alike(np.array([sketch(words) for words in texts]), least, **how))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_the_share_of_common_hashes_estimates_the_similarity(share):
    texts = [(story(seed), changed(story(seed), share)) for seed in range(40)]

    estimates = [np.mean(sketch(one) == sketch(other)) for one, other in texts]

    exact = np.mean([similarity(" ".join(one), " ".join(other)) for one, other in texts])
    assert np.mean(estimates) == pytest.approx(exact, abs=0.03)


def test_a_sketch_is_the_same_on_every_machine():
    found = sketch(words_of("The worker has had knee pain since a fall from a ladder."))

    assert (found.shape, found.dtype) == ((HASHES,), np.uint32)
    assert found[:3].tolist() == [217963825, 459693437, 319524111]


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=5, max_size=40))
def test_words_in_their_order_are_all_that_counts(words):
    assert (sketch(words) == sketch(words_of("; ".join(words).upper()))).all()


def test_pairs_are_reported_with_the_earlier_text_first():
    assert pairs_of(story(1), story(2), changed(story(1), 0.05), story(3)) == {(0, 2)}


def test_every_pair_of_a_group_or_only_enough_to_join_it():
    copies = [story(1)] * 6

    assert len(pairs_of(*copies)) == 15
    joined = pairs_of(*copies, every_pair=False)
    assert {0, 1, 2, 3, 4, 5} == set().union(*joined)
    assert len(joined) < 15


def test_no_text_and_one_text_have_no_pair():
    assert list(alike(np.zeros((0, HASHES), dtype=np.uint32), 0.5)) == []
    assert pairs_of(story(1)) == set()
