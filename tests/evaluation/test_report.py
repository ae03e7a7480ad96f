"""The whole evaluation: it detects a signal, reports noise as chance, and does not leak within cases."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from progress_bars import ProgressBars
from sklearn.metrics import roc_auc_score

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset, Labels, Predictions
from imr_ml.evaluation.baselines import PlainText
from imr_ml.evaluation.comparison import LOWER_IS_BETTER, METRICS, MODEL, baselines_for
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.evaluation.report import evaluate, measured_coverage
from imr_ml.evaluation.splits import EvaluationSettings, grouped_folds
from imr_ml.guidelines.types import FAMILIES

QUICK = EvaluationSettings(folds=4, repeats=1, resamples=200, jobs=1)


class Remembering:
    """Predicts the outcome of an identical training summary, so only leakage helps it."""

    def fit(self, frame, labels, groups):
        self.known = dict(zip(frame["clinical_summary"], labels.overturned, strict=True))
        return self

    def predict(self, frame):
        p = frame["clinical_summary"].map(self.known).astype("float64").fillna(0.3).to_numpy()
        families = np.tile(np.arange(len(FAMILIES)) == 0, (len(frame), 1))
        return Predictions(p, families.astype(float), families)


@pytest.fixture(scope="module")
def evaluation(prepared):
    return evaluate(prepared, RequestModel, QUICK)


def test_every_metric_is_compared_with_its_baselines(evaluation):
    for metric in METRICS:
        for predictor in (MODEL, *baselines_for(metric)):
            estimate = evaluation.estimates[predictor][metric]
            assert estimate.low <= estimate.value <= estimate.high
        assert {name for name, by_metric in evaluation.differences.items() if metric in by_metric} == set(
            baselines_for(metric)
        )
    assert set(METRICS) > LOWER_IS_BETTER


def test_a_signal_is_found(evaluation):
    assert evaluation.estimates[MODEL]["outcome.roc_auc"].low > 0.7
    assert evaluation.estimates[MODEL]["family.f1_micro"].low > 0.7
    assert evaluation.differences["base_rate"]["outcome.roc_auc"].low > 0
    assert evaluation.differences["base_rate"]["outcome.brier"].high < 0


def test_a_difference_is_that_of_the_values(evaluation):
    for name, metrics in evaluation.differences.items():
        for metric, difference in metrics.items():
            values = [evaluation.estimates[who][metric].value for who in (MODEL, name)]
            assert difference.value == pytest.approx(values[0] - values[1])


def test_the_base_rate_has_an_auc_of_one_half(evaluation):
    assert evaluation.estimates["base_rate"]["outcome.roc_auc"].value == 0.5
    assert evaluation.estimates["base_rate"]["outcome.matthews"].value == 0


def test_shuffled_outcomes_are_not_found(prepared):
    """Shuffled by case, so that siblings still agree."""
    random = np.random.default_rng(3)
    cases = random.permutation(prepared.groups.max() + 1)
    by_case = prepared.labels.overturned[np.unique(prepared.groups, return_index=True)[1]]
    shuffled = replace(prepared.labels, overturned=by_case[cases][prepared.groups])

    evaluation = evaluate(replace(prepared, labels=shuffled), RequestModel, replace(QUICK, repeats=2))

    assert 0.35 < evaluation.estimates[MODEL]["outcome.roc_auc"].value < 0.65


def fingerprints(cases: int = 60) -> Dataset:
    """Each case has four requests that share a unique summary and a random outcome."""
    groups = np.arange(cases).repeat(4)
    overturned = (np.random.default_rng(1).random(cases) < 0.4)[groups]
    frame = pd.DataFrame(
        {
            "request": "MRI of the knee",
            "clinical_summary": [f"Seen in room {group}." for group in groups],
            "ur_guideline": "ODG",
            "ur_families": "odg",
        }
    )
    families = np.tile(np.arange(len(FAMILIES)) == 5, (len(groups), 1))
    return Dataset(frame, Labels(overturned, families, np.full(len(groups), np.nan)), groups)


def test_siblings_do_not_leak_across_folds():
    dataset = fingerprints()
    by_row = np.arange(len(dataset)) % 4
    random_folds = [(np.flatnonzero(by_row != fold), np.flatnonzero(by_row == fold)) for fold in range(4)]

    leaking = out_of_fold(dataset, {"m": Remembering}, [random_folds], jobs=1)["m"]
    grouped = evaluate(dataset, Remembering, QUICK)

    assert (leaking.mean_p_overturned == dataset.labels.overturned).all()
    assert grouped.estimates[MODEL]["outcome.roc_auc"].value == 0.5


def test_predictions_are_in_the_order_of_the_rows(prepared):
    class Echo(Remembering):
        def predict(self, frame):
            predictions = super().predict(frame)
            return replace(predictions, p_overturned=frame["row"].to_numpy() / 1000)

    frame = prepared.frame.assign(row=np.arange(len(prepared.frame)))
    evaluation = evaluate(replace(prepared, frame=frame), Echo, replace(QUICK, repeats=2))

    for repeat in evaluation.out_of_fold.repeats:
        assert (repeat.p_overturned * 1000).round().tolist() == frame["row"].tolist()


def test_progress_counts_each_fitted_predictor(prepared):
    bars = ProgressBars()

    evaluate(prepared, Remembering, QUICK, bars.start)

    assert bars.done == bars.announced == {"fitting held-out models": 16}


@pytest.mark.parametrize(("repeats", "requests", "run"), [(0, 1999, 5), (0, 2000, 1), (2, 10, 2), (2, 9999, 2)])
def test_small_tables_are_cross_validated_five_times(repeats, requests, run):
    assert EvaluationSettings(repeats=repeats).for_requests(requests).repeats == run


def test_an_evaluation_is_deterministic(prepared, evaluation):
    again = evaluate(prepared, RequestModel, QUICK)

    assert again.estimates == evaluation.estimates
    assert again.slices == evaluation.slices


def test_values_by_fold_are_those_of_the_test_parts(prepared):
    settings = replace(QUICK, repeats=2)
    evaluation = evaluate(prepared, Remembering, settings)

    for repeat, predictions in enumerate(evaluation.out_of_fold.repeats):
        folds = grouped_folds(prepared.labels.overturned, prepared.groups, 4, settings.seed + repeat)
        for fold, (_, test) in enumerate(folds):
            own = roc_auc_score(prepared.labels.overturned[test], predictions.p_overturned[test])
            assert evaluation.by_fold["outcome.roc_auc"][repeat, fold] == pytest.approx(own)
    assert {values.shape for values in evaluation.by_fold.values()} == {(2, 4)}


def test_a_source_without_families_has_only_outcome_metrics(prepared):
    labels = replace(prepared.labels, families=np.zeros_like(prepared.labels.families))
    bars = ProgressBars()

    evaluation = evaluate(replace(prepared, labels=labels), Remembering, QUICK, bars.start)

    outcome_only = {metric for metric in METRICS if metric.startswith("outcome.")}
    assert all(set(by_metric) == outcome_only for by_metric in evaluation.estimates.values())
    assert set(evaluation.estimates) == {MODEL, "base_rate", "plain_tfidf"}
    assert set(evaluation.by_fold) == outcome_only
    assert bars.done == bars.announced == {"fitting held-out models": 12}


def test_coverage_is_measured_on_cases_not_used_for_thresholds(evaluation):
    measured = measured_coverage(evaluation, coverage=0.8)

    assert 0.65 < measured["conformal.coverage"] <= 1
    assert 0.5 < measured["conformal.coverage_overturned"] <= 1
    assert 0 <= measured["conformal.confident"] <= 1


LARGE = replace(QUICK, folds=5, large_from=100)


@pytest.fixture(scope="module")
def of_large_table(prepared):
    assert len(prepared) > LARGE.large_from
    return evaluate(prepared, RequestModel, LARGE)


def test_a_large_table_is_tested_on_one_fold(prepared, of_large_table):
    rows = of_large_table.rows

    assert len(of_large_table.labels.overturned) == len(rows) == len(of_large_table.groups)
    assert 0.15 < len(rows) / len(prepared) < 0.25
    assert not set(prepared.groups[rows]) & set(np.delete(prepared.groups, rows))
    assert (of_large_table.labels.overturned == prepared.labels.overturned[rows]).all()
    assert of_large_table.settings.tested_folds == 1
    assert not of_large_table.settings.stratify


def test_predictions_of_a_large_table_are_those_of_its_held_out_model(prepared, of_large_table):
    rows = of_large_table.rows
    rest = prepared[np.delete(np.arange(len(prepared)), rows)]

    model = RequestModel().fit(rest.frame, rest.labels, rest.groups)

    expected = model.predict(prepared.frame.iloc[rows])
    assert np.allclose(of_large_table.out_of_fold.mean_p_overturned, expected.p_overturned)
    assert sum(row.requests for row in of_large_table.slices if row.kind == "sex") == len(rows)


def test_all_folds_of_a_large_table_are_tested_on_demand(prepared):
    settings = replace(LARGE, tested_folds=5).for_requests(len(prepared))

    assert (settings.tested_folds, settings.repeats) == (5, 1)
    assert replace(LARGE, repeats=2).for_requests(len(prepared)).tested_folds == 5


def test_plain_text_is_fitted_on_a_sample_of_a_large_table(prepared, monkeypatch):
    monkeypatch.setattr(PlainText, "MOST_REQUESTS", 60)
    folds = grouped_folds(prepared.labels.overturned, prepared.groups, 4, seed=0)[:1]

    part, whole = (
        out_of_fold(prepared, {"plain": PlainText}, [folds], 1, large_from=large_from)["plain"].repeats[0]
        for large_from in (100, 1000)
    )

    assert len(part.p_overturned) == len(whole.p_overturned) == len(folds[0][1])
    assert not np.allclose(part.p_overturned, whole.p_overturned)
