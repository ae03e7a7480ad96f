"""Prediction sets reach any requested coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.classifiers.conformal import HeldOutScores, OutcomeSets, outcome_sets

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=40).map(np.array)
COVERAGES = st.integers(50, 99).map(lambda percent: percent / 100)


def drawn(random: np.random.Generator, cases: int, largest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw exchangeable cases whose requests share an outcome and most of their score."""
    groups = np.arange(cases).repeat(random.integers(1, largest + 1, cases))
    overturned = (random.random(cases) < 0.25)[groups]
    score = random.normal(size=cases)[groups] + overturned + 0.2 * random.normal(size=len(groups))
    return 1 / (1 + np.exp(-score)), overturned, groups


@pytest.mark.parametrize("largest", [1, 5])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_reach_their_coverage_for_each_outcome(coverage, largest):
    """Averaged over many draws, because the coverage of one draw varies with its few calibration cases."""
    random = np.random.default_rng(0)
    held = {True: [], False: []}
    for _ in range(150):
        sets = outcome_sets(*drawn(random, 80, largest), coverage)
        p, overturned, groups = drawn(random, 80, largest)
        first = np.unique(groups, return_index=True)[1]
        for outcome in held:
            chosen = first[overturned[first] == outcome]
            held[outcome] += sets(p[chosen])[:, int(outcome)].tolist()

    for outcome in held:
        assert coverage - 0.015 < np.mean(held[outcome]) < coverage + 0.06


@given(PROBABILITIES, PROBABILITIES, PROBABILITIES, COVERAGES)
def test_thresholds_agree_with_the_textbook_p_values(upheld, overturned, queries, coverage):
    """A p-value is the share of scores at least as nonconforming, including the new one (Vovk et al., 2005)."""
    sets = HeldOutScores((tuple(upheld),), (tuple(overturned),)).sets(coverage)

    p_values = np.round(
        [
            [(1 + sum(score >= each for score in scores)) / (1 + len(scores)) for each in new]
            for scores, new in ((upheld, queries), (-overturned, -queries))
        ],
        9,
    ).T
    held = p_values > round(1 - coverage, 9)
    # A set that would be empty contains the outcome with the higher p-value.
    higher = p_values == p_values.max(axis=1, keepdims=True)
    assert sets(queries).tolist() == np.where(held.any(axis=1, keepdims=True), held, higher).tolist()


@given(PROBABILITIES, PROBABILITIES, COVERAGES, COVERAGES)
def test_more_coverage_never_removes_an_outcome_from_a_set(p, queries, coverage_a, coverage_b):
    overturned = np.arange(len(p)) % 2 == 0
    scores = HeldOutScores.from_predictions(p, overturned, np.arange(len(p)))

    small, large = (scores.sets(coverage)(queries) for coverage in sorted((coverage_a, coverage_b)))

    assert (large | ~small).all()


@given(PROBABILITIES, PROBABILITIES, COVERAGES, COVERAGES, st.integers(1, 4))
def test_less_coverage_is_never_less_certain(p, queries, coverage_a, coverage_b, items):
    groups = np.arange(len(p)) // items
    scores = HeldOutScores.from_predictions(p, np.arange(len(p)) % 3 == 0, groups)

    less, more = (scores.sets(coverage).confident(queries) for coverage in sorted((coverage_a, coverage_b)))

    assert (less | ~more).all()


def test_a_request_unusual_for_both_outcomes_gets_the_one_with_the_higher_p_value():
    scores = HeldOutScores(((0.1, 0.15, 0.2, 0.25),), ((0.7, 0.75, 0.8, 0.85),))
    queries = np.array([0.05, 0.22, 0.5, 0.72, 0.9])

    assert scores.sets(0.5).confident(queries).tolist() == [True, True, False, True, True]
    assert scores.sets(0.5)(queries).sum(axis=1).tolist() == [1, 1, 2, 1, 1]


def test_each_outcome_has_a_separate_threshold():
    p = np.concatenate([np.linspace(0.01, 0.4, 90), np.linspace(0.2, 0.6, 19)])
    overturned = np.arange(109) >= 90

    sets = outcome_sets(p, overturned, np.arange(109), coverage=0.9)

    assert (p[overturned] >= sets.min_p_overturned).sum() == 18
    assert (p[~overturned] <= sets.max_p_overturned).sum() == 82


@pytest.mark.parametrize(("cases", "least"), [(8, -np.inf), (9, 0.1), (18, 0.1), (19, 0.2)])
def test_a_coverage_of_90_percent_needs_nine_cases(cases, least):
    p = np.arange(1, cases + 1) / 10

    sets = outcome_sets(p, np.ones(cases, dtype=bool), np.arange(cases), coverage=0.9)

    assert sets.min_p_overturned == pytest.approx(least)
    assert sets.max_p_overturned == np.inf


def test_a_coverage_of_95_percent_needs_nineteen_cases():
    for cases, is_set in ((18, False), (19, True)):
        sets = outcome_sets(np.linspace(0.1, 0.9, cases), np.ones(cases, dtype=bool), np.arange(cases), 0.95)

        assert np.isfinite(sets.min_p_overturned) == is_set


def test_with_too_few_cases_every_set_contains_both_outcomes():
    sets = outcome_sets(np.array([0.2, 0.9]), np.array([False, True]), np.arange(2), coverage=0.9)

    assert sets(np.array([0.0, 0.5, 1.0])).all()


@pytest.mark.parametrize("coverage", [0, 1, 90, float("nan")])
def test_a_coverage_outside_0_to_1_is_refused(coverage):
    with pytest.raises(ValueError, match="coverage must be between 0 and 1"):
        HeldOutScores(((0.1,),), ((0.9,),)).sets(coverage)


@given(st.integers(1, 9))
def test_a_case_counts_once_however_often_its_requests_repeat(times):
    p, overturned, groups = drawn(np.random.default_rng(4), 60, 1)
    often = np.where(groups == 7, times, 1)

    assert outcome_sets(p.repeat(often), overturned.repeat(often), groups.repeat(often), 0.9) == outcome_sets(
        p, overturned, groups, 0.9
    )


def test_one_of_many_requests_of_a_case_has_little_effect():
    """A case with one unusual request of ten moves the threshold by a tenth of a case."""
    p = np.concatenate([np.linspace(0.1, 0.3, 29), [0.9], np.full(9, 0.1)])
    groups = np.concatenate([np.arange(29), np.full(10, 29)])
    scores = HeldOutScores.from_predictions(p, np.zeros(39, dtype=bool), groups)

    assert 1 <= sum(0.9 in draw for draw in scores.upheld) < len(scores.upheld) == 10
    assert {len(draw) for draw in scores.upheld} == {30}


def test_the_same_predictions_give_the_same_sets_and_another_seed_others():
    data = drawn(np.random.default_rng(1), 60, 5)

    assert HeldOutScores.from_predictions(*data) == HeldOutScores.from_predictions(*data)
    assert HeldOutScores.from_predictions(*data) != HeldOutScores.from_predictions(*data, seed=1)


def test_the_number_of_stored_scores_is_bounded():
    p = np.random.default_rng(0).random(9000)
    scores = HeldOutScores.from_predictions(p, np.zeros(9000, dtype=bool), np.arange(9000) // 3)

    assert (len(scores.upheld), len(scores.upheld[0]), scores.overturned) == (1, 2000, ((),))
    assert scores.sets(0.9).max_p_overturned == pytest.approx(0.9, abs=0.03)


def test_scores_are_rebuilt_from_their_arrays():
    scores = HeldOutScores.from_predictions(*drawn(np.random.default_rng(2), 40, 4))

    assert HeldOutScores.from_arrays(scores.arrays()) == scores


def test_sets_are_two_columns_of_upheld_and_overturned():
    sets = OutcomeSets(coverage=0.9, min_p_overturned=0.3, max_p_overturned=0.6)

    assert sets(np.array([0.1, 0.3, 0.6, 0.7])).tolist() == [[True, False], [True, True], [True, True], [False, True]]
