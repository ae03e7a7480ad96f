"""Which requests must stay on one side of every split."""

from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.corpus.near_duplicates import MIN_SIMILARITY, duplicate_groups
from imr_ml.corpus.table import case_keys

WORDS = [f"{first}{second}" for first in ("ka", "lo", "mi", "nu", "pe") for second in ("bar", "dol", "fen", "gis")]


def story(seed: int, words: int = 120) -> str:
    return " ".join(Random(seed).choices(WORDS, k=words))


def similarity(one: str, other: str) -> float:
    """Of the shingles as text, to compare with what is computed from their hashes."""
    first, second = (
        {tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (one.split(), other.split())
    )
    return len(first & second) / len(first | second)


def changed(text: str, *places: int) -> str:
    words = text.split()
    for place in places:
        words[place] = "changed"
    return " ".join(words)


def table(*summaries: str | None, cases: list[str] | None = None) -> pd.DataFrame:
    cases = cases or [f"CM16-{number:07d}" for number in range(len(summaries))]
    return pd.DataFrame({"case_number": cases, "clinical_summary": pd.array(summaries, dtype="string")})


@pytest.mark.parametrize(
    ("summaries", "groups"),
    [
        ([story(1), story(2), story(3)], [0, 1, 2]),
        ([story(1), story(2), story(1)], [0, 1, 0]),
        ([story(1), story(2), changed(story(1), 50)], [0, 1, 0]),
        ([story(1), changed(story(1), 20, 40, 60, 80, 100)], [0, 1]),
        ([story(1, words=29), story(1, words=29)], [0, 1]),
        ([story(1, words=30), story(1, words=30)], [0, 0]),
        ([None, None, ""], [0, 1, 2]),
    ],
    ids=["strangers", "copies", "one word changed", "much changed", "too short to tell", "long enough", "missing"],
)
def test_cases_with_nearly_the_same_summary_are_one_group(summaries, groups):
    assert duplicate_groups(table(*summaries)).tolist() == groups


def test_similarity_is_transitive():
    first = story(1)
    second = changed(first, 10, 20)
    third = changed(second, 60, 110)
    assert similarity(first, third) < MIN_SIMILARITY < min(similarity(first, second), similarity(second, third))

    assert duplicate_groups(table(first, third)).tolist() == [0, 1]
    assert duplicate_groups(table(first, third, second)).tolist() == [0, 0, 0]


def test_a_case_is_never_split_between_groups():
    summaries = [story(1), story(2), story(3), story(2)]

    assert duplicate_groups(table(*summaries, cases=["a", "a", "b", "c"])).tolist() == [0, 0, 1, 0]


def test_without_near_duplicates_the_groups_are_the_cases(prepared_requests):
    cases = case_keys(prepared_requests).factorize()[0]

    assert duplicate_groups(prepared_requests).tolist() == cases.tolist()


@given(noise=st.lists(st.sampled_from(["  ", "\n", "\t ", ", ", ". ", "; "]), min_size=119, max_size=119))
@settings(max_examples=20)
def test_breaks_punctuation_and_capitals_make_no_difference(noise):
    words = story(1).title().split()
    written = "".join(word + gap for word, gap in zip(words, [*noise, "."], strict=True))

    assert duplicate_groups(table(story(1), written)).tolist() == [0, 0]


@given(seed=st.integers(0, 10_000), changes=st.lists(st.integers(0, 12), min_size=6, max_size=12))
@settings(max_examples=20)
def test_exactly_the_similar_pairs_are_grouped(seed, changes):
    random = Random(seed)
    texts = [changed(story(seed + number % 3), *random.choices(range(120), k=n)) for number, n in enumerate(changes)]
    same = np.array([[similarity(one, other) >= MIN_SIMILARITY for other in texts] for one in texts])
    reached = np.linalg.matrix_power(same.astype(int), len(texts)) > 0

    groups = duplicate_groups(table(*texts))

    assert (groups[:, None] == groups).tolist() == reached.tolist()


def test_groups_do_not_depend_on_the_order_of_rows():
    texts = [changed(story(number % 4), 7 * number) for number in range(12)]
    order = np.random.default_rng(0).permutation(12)

    groups, shuffled = duplicate_groups(table(*texts)), duplicate_groups(table(*[texts[place] for place in order]))

    assert (groups[order][:, None] == groups[order]).tolist() == (shuffled[:, None] == shuffled).tolist()
    assert shuffled.tolist() == pd.factorize(groups[order])[0].tolist()
