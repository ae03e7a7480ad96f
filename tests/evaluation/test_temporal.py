"""Training on earlier decisions, testing on later ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Labels
from imr_ml.evaluation.comparison import available_metrics
from imr_ml.evaluation.report import evaluate
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.evaluation.temporal import NoTemporalSplit, temporal_split
from imr_ml.guidelines.types import FAMILIES

QUICK = EvaluationSettings(folds=2, repeats=1, resamples=50, jobs=1)


def labels(years: np.ndarray, overturned: np.ndarray | None = None) -> Labels:
    overturned = np.arange(len(years)) % 2 == 0 if overturned is None else overturned
    return Labels(overturned, np.ones((len(years), len(FAMILIES)), dtype=bool), np.asarray(years, dtype=float))


@given(
    years=st.lists(st.sampled_from([np.nan, 2014.1, 2014.5, 2015.0, 2015.3, 2016.9]), min_size=60, max_size=90),
    cases=st.integers(30, 60),
    seed=st.integers(0, 99),
)
@settings(max_examples=50)
def test_no_request_of_a_later_case_is_used_for_training(years, cases, seed):
    groups = np.random.default_rng(seed).integers(0, cases, len(years))
    decided = labels(np.array(years))
    try:
        train, test = temporal_split(decided, groups)
    except NoTemporalSplit:
        return

    assert set(groups[train]).isdisjoint(groups[test])
    assert decided.decided_year[train].max() < decided.decided_year[test].min()
    assert test.tolist() == np.flatnonzero(decided.decided_year >= decided.decided_year[test].min()).tolist()


def test_about_seven_tenths_of_the_cases_are_used_for_training():
    train, test = temporal_split(labels(np.linspace(2014, 2016, 100)), np.arange(100))

    assert (len(train), len(test)) == (70, 30)


def test_a_case_also_decided_later_is_only_used_for_testing():
    years, groups = np.linspace(2014, 2016, 100), np.arange(100)
    groups[0] = 99

    train, test = temporal_split(labels(years), groups)

    assert 0 not in train
    assert 0 not in test
    assert 99 in test


@pytest.mark.parametrize(
    ("years", "overturned", "reason"),
    [
        (np.full(40, np.nan), None, "no decision has a date; it needs at least three months"),
        (
            np.linspace(2016, 2016.2, 40),
            None,
            "the dated decisions span 2.4 months; it needs at least three months",
        ),
        (np.linspace(2014, 2016, 40), np.arange(40) > 30, r"only 0 earlier case\(s\) with a request overturned"),
        (np.linspace(2014, 2016, 40), np.arange(40) < 20, r"only 0 later case\(s\) with a request overturned"),
        (np.linspace(2014, 2016, 40), np.arange(40) >= 5, None),
    ],
)
def test_a_missing_temporal_split_has_a_reason(years, overturned, reason):
    if reason is None:
        with pytest.raises(NoTemporalSplit, match=r"only 0 later case\(s\) with a request upheld"):
            temporal_split(labels(years, overturned), np.arange(40))
    else:
        with pytest.raises(NoTemporalSplit, match=reason):
            temporal_split(labels(years, overturned), np.arange(40))


def test_an_evaluation_has_a_temporal_split_if_dates_allow_it(prepared):
    dated = replace(prepared.labels, decided_year=2015 + prepared.groups / 40)

    evaluation = evaluate(replace(prepared, labels=dated), RequestModel, QUICK)

    later = evaluation.temporal
    assert evaluation.no_temporal is None
    assert (later.train_cases, later.test_cases, later.train_requests, later.left_out) == (56, 24, 112, 0)
    assert later.cutoff_date == "2016-05-26"
    assert set(later.comparison.estimates["model"]) == set(available_metrics(dated))
    assert later.comparison.estimates["model"]["outcome.roc_auc"].value > 0.7
    assert later.comparison.differences["base_rate"]["outcome.roc_auc"].low > 0


def test_an_evaluation_without_a_temporal_split_has_the_reason(prepared):
    evaluation = evaluate(prepared, RequestModel, QUICK)

    assert evaluation.temporal is None
    assert evaluation.no_temporal == (
        "no temporal split: the dated decisions span 0.0 months; it needs at least three months"
    )


def test_a_cutoff_of_years_only_is_a_year(prepared):
    dated = replace(prepared.labels, decided_year=2012.5 + prepared.groups // 20)

    evaluation = evaluate(replace(prepared, labels=dated), RequestModel, QUICK)

    assert evaluation.temporal.cutoff_date == "2014"
