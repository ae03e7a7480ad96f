"""Folds that keep a case on one side."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imr_ml.evaluation.splits import EvaluationSettings, SplitError, grouped_folds, repeated_folds


@given(
    cases=st.lists(st.tuples(st.booleans(), st.integers(1, 6)), min_size=6, max_size=40),
    folds=st.integers(2, 5),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_folds_never_split_a_case_and_test_each_request_once(cases, folds, seed):
    groups = np.repeat(np.arange(len(cases)), [size for _, size in cases])
    overturned = np.array([outcome for outcome, _ in cases])[groups]
    assume(min(sum(o for o, _ in cases), sum(not o for o, _ in cases)) >= folds)

    splits = grouped_folds(overturned, groups, folds, seed)

    assert len(splits) == folds
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(groups)))
    for train, test in splits:
        assert set(groups[train]).isdisjoint(groups[test])
        assert len(train) + len(test) == len(groups)


def test_folds_depend_only_on_the_seed():
    groups, overturned = np.arange(40), np.arange(40) % 3 == 0

    first, again, other = (
        [test.tolist() for _, test in grouped_folds(overturned, groups, 4, seed)] for seed in (1, 1, 2)
    )

    assert first == again != other


def test_each_repeat_has_the_folds_of_the_next_seed():
    groups, overturned = np.arange(40), np.arange(40) % 3 == 0

    repeats = repeated_folds(overturned, groups, EvaluationSettings(folds=4, repeats=2, seed=1))

    for seed, folds in zip((1, 2), repeats, strict=True):
        for (train, test), (own_train, own_test) in zip(grouped_folds(overturned, groups, 4, seed), folds, strict=True):
            assert (train.tolist(), test.tolist()) == (own_train.tolist(), own_test.tolist())


@pytest.mark.parametrize(
    ("overturned", "reason"),
    [
        ([True, True, False, False, False], "only 1 case(s) with a request overturned, and 2 folds need 2"),
        ([True, True, True, True, False], "only 1 case(s) with a request upheld, and 2 folds need 2"),
    ],
)
def test_too_few_cases_of_an_outcome_are_reported(overturned, reason):
    """Two requests of one case count once."""
    with pytest.raises(SplitError) as caught:
        grouped_folds(np.array(overturned), np.array([0, 0, 1, 2, 3]), folds=2, seed=0)

    assert str(caught.value) == f"{reason}: add letters or use fewer folds"
