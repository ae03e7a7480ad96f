"""The permutation test."""

from dataclasses import replace

import numpy as np
import pytest
from progress_bars import ProgressBars

from imr_ml.classifiers.settings import ModelSettings
from imr_ml.evaluation.permutation import PermutationTest, permutation_test, shuffled_outcomes
from imr_ml.evaluation.splits import EvaluationSettings, grouped_folds

SETTINGS = EvaluationSettings(folds=4, permutations=30, jobs=1)


def test_a_signal_has_a_small_p_value(prepared):
    bars = ProgressBars()

    result = permutation_test(prepared, ModelSettings(), SETTINGS, bars.start)

    assert result.roc_auc > 0.8
    assert 0.4 < result.shuffled_roc_auc.mean() < 0.6
    assert result.p_value == pytest.approx(1 / 31)
    assert len(result.shuffled_roc_auc) == 30
    assert bars.done == bars.announced == {"shuffling outcomes": 30}


def test_noise_has_no_small_p_value(prepared):
    random = np.random.default_rng(5)
    noise = replace(prepared.labels, overturned=(random.random(prepared.groups.max() + 1) < 0.4)[prepared.groups])

    result = permutation_test(replace(prepared, labels=noise), ModelSettings(), SETTINGS)

    assert result.p_value > 0.1


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_processes(prepared):
    settings = replace(SETTINGS, permutations=11)

    single, parallel = (permutation_test(prepared, ModelSettings(), replace(settings, jobs=jobs)) for jobs in (1, 2))

    assert single.roc_auc == parallel.roc_auc
    assert single.shuffled_roc_auc.tolist() == parallel.shuffled_roc_auc.tolist()


def test_the_p_value_counts_the_real_outcomes_as_one_of_the_shuffles():
    assert PermutationTest(0.7, np.array([0.4, 0.5, 0.7, 0.8])).p_value == pytest.approx(3 / 5)
    assert PermutationTest(0.9, np.array([0.4, 0.5, 0.7, np.nan])).p_value == pytest.approx(1 / 5)


def test_cases_swap_outcomes_within_their_fold_and_siblings_still_agree():
    groups = np.repeat(np.arange(60), np.arange(60) % 4 + 1)
    overturned = (np.arange(60) % 3 == 0)[groups]
    folds = grouped_folds(overturned, groups, 4, seed=0)

    shuffles = list(shuffled_outcomes(overturned, groups, folds, SETTINGS))

    assert len(shuffles) == 30
    first = np.unique(groups, return_index=True)[1]
    for shuffled in shuffles:
        assert (shuffled == shuffled[first][groups]).all()
        for _, test in folds:
            cases = first[np.unique(groups[test])]
            assert shuffled[cases].sum() == overturned[cases].sum()
    assert np.mean(shuffles, axis=0).std() < overturned.std() / 2


def test_a_case_with_two_outcomes_passes_on_both():
    groups = np.array([0, 0, 1, 1, 1])
    overturned = np.array([True, False, False, False, False])
    everything = [(np.arange(0), np.arange(5))]

    shuffles = {tuple(map(bool, each)) for each in shuffled_outcomes(overturned, groups, everything, SETTINGS)}

    assert shuffles == {(True, False, False, False, False), (False, False, True, False, True)}
