"""Prediction sets hold the outcome as often as they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.classifiers import OutcomeSets, outcome_sets


def drawn(random: np.random.Generator, cases: int, largest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exchangeable cases whose requests share an outcome and most of their score."""
    groups = np.arange(cases).repeat(random.integers(1, largest + 1, cases))
    overturned = (random.random(cases) < 0.25)[groups]
    score = random.normal(size=cases)[groups] + overturned + 0.2 * random.normal(size=len(groups))
    return 1 / (1 + np.exp(-score)), overturned, groups


@pytest.mark.parametrize("largest", [1, 5])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_hold_either_outcome_as_often_as_promised(coverage, largest):
    """Over many draws: a single draw's coverage varies with its few calibration cases."""
    random = np.random.default_rng(0)
    held = {True: [], False: []}
    for _ in range(300):
        sets = outcome_sets(*drawn(random, 80, largest), coverage)
        p, overturned, groups = drawn(random, 80, largest)
        first = np.unique(groups, return_index=True)[1]
        for outcome in held:
            chosen = first[overturned[first] == outcome]
            held[outcome] += sets(p[chosen])[:, int(outcome)].tolist()

    for outcome in held:
        assert coverage - 0.015 < np.mean(held[outcome]) < coverage + 0.06


def test_either_outcome_has_a_threshold_of_its_own():
    p = np.concatenate([np.linspace(0.01, 0.4, 90), np.linspace(0.2, 0.6, 19)])
    overturned = np.arange(109) >= 90

    sets = outcome_sets(p, overturned, np.arange(109), coverage=0.9)

    assert (p[overturned] >= sets.least_p_overturned).sum() == 18
    assert (p[~overturned] <= sets.most_p_overturned).sum() == 82


@pytest.mark.parametrize(("cases", "least"), [(8, -np.inf), (9, 0.1), (18, 0.1), (19, 0.2)])
def test_nine_cases_are_the_fewest_that_set_a_threshold_of_nine_tenths(cases, least):
    p = np.arange(1, cases + 1) / 10

    sets = outcome_sets(p, np.ones(cases, dtype=bool), np.arange(cases), coverage=0.9)

    assert sets.least_p_overturned == pytest.approx(least)
    assert sets.most_p_overturned == np.inf


def test_with_too_few_cases_every_set_holds_both():
    sets = outcome_sets(np.array([0.2, 0.9]), np.array([False, True]), np.arange(2), coverage=0.9)

    assert sets(np.array([0.0, 0.5, 1.0])).all()


@given(st.integers(1, 9))
def test_a_case_counts_once_however_often_its_requests_repeat(times):
    p, overturned, groups = drawn(np.random.default_rng(4), 60, 1)
    often = np.where(groups == 7, times, 1)

    assert outcome_sets(p.repeat(often), overturned.repeat(often), groups.repeat(often), 0.9) == outcome_sets(
        p, overturned, groups, 0.9
    )


def test_sets_are_two_columns_of_upheld_and_overturned():
    sets = OutcomeSets(coverage=0.9, least_p_overturned=0.3, most_p_overturned=0.6)

    assert sets(np.array([0.1, 0.3, 0.6, 0.7])).tolist() == [[True, False], [True, True], [True, True], [False, True]]
