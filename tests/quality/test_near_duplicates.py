"""The check flags exactly the cases that training keeps on one side of a split."""

import itertools
import string
from random import Random

import pandas as pd
import pytest
from factories import make_requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imr_ml.corpus.near_duplicates import duplicate_groups

VOCABULARY = ["".join(letters) for letters in itertools.product(string.ascii_lowercase[:16], repeat=3)]


def summary(seed, *changed):
    """Make a summary of a hundred random words, with other words at some positions."""
    random = Random(seed)
    words = random.choices(VOCABULARY, k=100)
    for place in changed:
        words[place] = random.choice(VOCABULARY)
    return " ".join(words)


def table(summaries, cases):
    requests = make_requests(2, noise=0.0)
    rows = requests.iloc[[0] * len(summaries)].reset_index(drop=True)
    return rows.assign(
        source="dwc",
        case_number=[f"CM16-{case:07d}" for case in cases],
        item=[float(number) for number in range(1, len(cases) + 1)],
        clinical_summary=summaries,
        age=pd.NA,
    )


def joined_by_training(requests):
    groups = pd.Series(requests["case_number"]).groupby(duplicate_groups(requests)).agg(frozenset)
    return {cases for cases in groups if len(cases) > 1}


def joined_by_check(report):
    links = [(place.case_number, place.like) for finding in report.findings for place in finding.places if place.like]
    groups = []
    for link in links:
        apart = [cases for cases in groups if cases.isdisjoint(link)]
        touching = [cases for cases in groups if not cases.isdisjoint(link)]
        groups = [*apart, frozenset(link).union(*touching)]
    return set(groups)


def test_check_and_training_agree_on_pairs_near_the_threshold(check):
    summaries = []
    for seed in range(400):
        changed = Random(seed).sample(range(100), Random(-seed).randint(1, 4))
        summaries += [summary(seed), summary(seed, *changed)]
    requests = table(summaries, range(len(summaries)))

    groups = joined_by_training(requests)

    assert 100 < len(groups) < 350
    assert joined_by_check(check(requests)) == groups


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.lists(st.integers(0, 99), max_size=3)),
        min_size=1,
        max_size=14,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_check_and_training_agree_on_cases_with_several_summaries(check, rows):
    requests = table([summary(seed, *changed) for seed, _, changed in rows], [case for _, case, _ in rows])

    assert joined_by_check(check(requests)) == joined_by_training(requests)


@pytest.mark.parametrize("rows_at_once", [1, 3, 50])
def test_summaries_of_different_chunks_are_compared(check, rows_at_once):
    requests = table([summary(1), summary(2), summary(1, 50), summary(2)], range(4))

    assert joined_by_check(check(requests, rows_at_once=rows_at_once)) == joined_by_training(requests)
