"""Metrics of slices."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from imr_ml.classifiers.types import Dataset, Labels, Predictions
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.slices import FEWEST_REQUESTS, slice_table, slices
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.guidelines.types import FAMILIES

QUICK = EvaluationSettings(resamples=100)


def drawn(labels: Labels) -> OutOfFold:
    random = np.random.default_rng(0)
    probability = random.random(labels.families.shape)
    return OutOfFold((Predictions(random.random(len(labels.overturned)), probability, probability > 0.5),))


@pytest.fixture(scope="module")
def sliced(prepared):
    return slices(prepared, drawn(prepared.labels), QUICK)


def of(sliced, kind):
    return {row.value: row for row in sliced if row.kind == kind}


def test_a_kind_counts_every_request_once(prepared, sliced):
    for kind in ("category", "items in case", "UR cites nothing", "age", "sex", "year of decision"):
        assert sum(row.requests for row in of(sliced, kind).values()) == len(prepared.frame)
        assert sum(row.overturned for row in of(sliced, kind).values()) == prepared.labels.overturned.sum()


def test_slices_are_those_of_the_table(prepared, sliced):
    assert {name: row.requests for name, row in of(sliced, "sex").items()} == {"female": 80, "male": 80}
    assert set(of(sliced, "items in case")) == {"unknown"}
    assert set(of(sliced, "age")) == {"30 to 39", "40 to 49", "50 to 59"}
    assert set(of(sliced, "year of decision")) == {"2016"}
    assert set(of(sliced, "UR cites nothing")) == {"no"}
    cited = prepared.labels.families.sum(axis=0)
    by_family = {family: int(count) for family, count in zip(FAMILIES, cited, strict=True) if count}
    assert {name: row.requests for name, row in of(sliced, "cited family").items()} == by_family


def test_metrics_of_a_slice_use_only_its_requests(prepared, sliced):
    rows = np.flatnonzero(prepared.frame["sex"] == "female")
    p_overturned = drawn(prepared.labels).repeats[0].p_overturned

    auc = of(sliced, "sex")["female"].estimates["outcome.roc_auc"]

    assert auc.value == pytest.approx(roc_auc_score(prepared.labels.overturned[rows], p_overturned[rows]))
    assert auc.low < auc.value < auc.high


@pytest.mark.parametrize(("female", "has_figures"), [(FEWEST_REQUESTS - 1, False), (FEWEST_REQUESTS, True)])
def test_a_small_slice_has_counts_and_no_metrics(prepared, female, has_figures):
    frame = prepared.frame.assign(sex=["female"] * female + ["male"] * (160 - female))

    sliced = slices(replace(prepared, frame=frame), drawn(prepared.labels), QUICK)

    assert of(sliced, "sex")["female"].requests == female
    assert bool(of(sliced, "sex")["female"].estimates) is has_figures


def test_a_slice_with_one_outcome_has_no_auc(prepared):
    is_female = np.asarray(prepared.frame["sex"] == "female")
    labels = replace(prepared.labels, overturned=prepared.labels.overturned & ~is_female)

    by_sex = of(slices(replace(prepared, labels=labels), drawn(labels), QUICK), "sex")

    assert set(by_sex["male"].estimates) - set(by_sex["female"].estimates) == {"outcome.roc_auc"}
    assert by_sex["female"].overturned == 0


def test_missing_values_form_a_slice(prepared):
    missing = {"sex": "_absent", "age": np.nan, "category": "_absent", "ur_families": "_absent"}
    labels = replace(prepared.labels, decided_year=np.full(160, np.nan))

    sliced = slices(Dataset(prepared.frame.assign(**missing), labels, prepared.groups), drawn(labels), QUICK)

    for kind in ("sex", "age", "category", "UR cites nothing", "year of decision"):
        assert {name: row.requests for name, row in of(sliced, kind).items()} == {"unknown": 160}


def test_without_families_there_are_no_family_slices_or_metrics(prepared):
    labels = replace(prepared.labels, families=np.zeros_like(prepared.labels.families))

    sliced = slices(replace(prepared, labels=labels), drawn(labels), QUICK)

    assert not of(sliced, "cited family")
    assert {metric.split(".")[0] for row in sliced for metric in row.estimates} == {"outcome"}


def test_the_table_has_a_row_for_each_slice_and_metric(sliced):
    table = slice_table(sliced)

    assert list(table) == ["kind", "slice", "requests", "cases", "overturned", "metric", "value", "low", "high"]
    assert len(table) == sum(max(1, len(row.estimates)) for row in sliced)
    assert table[table["requests"] < FEWEST_REQUESTS]["value"].isna().all()
    assert table[table["requests"] >= FEWEST_REQUESTS]["value"].notna().all()
