"""Predictions do not depend on decisions, and tuning keeps each case on one side."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import make_requests
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from imr_ml.classifiers.families import GuidelineFamilyClassifier
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.corpus.schema import COLUMNS, Role, validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.evaluation.splits import grouped_folds
from imr_ml.features.frame import feature_frame

DECIDED = {
    "outcome": lambda rows: np.where(rows["outcome"] == "upheld", "overturned", "upheld"),
    "families": lambda rows: rows["families"].map(lambda cited: "none" if "odg" in cited else "odg|other"),
    "imr_guideline": lambda _: "The reviewer found another page of another guideline.",
    "rationale": lambda _: "Lasting relief. The request is medically necessary; the denial is overturned.",
    "decision_date": lambda _: "2019-11-30",
    "decision_year": lambda _: 2019,
    "specialties": lambda _: "Psychiatry|Pain Medicine",
    "letter_warnings": lambda _: "the header's decision differs",
}
IDS = {
    "case_number": lambda rows: rows["case_number"].str.replace("CM16", "CM19"),
    "item": lambda rows: rows["item"] + 7,
    "case_version": lambda _: 2,
    "source": lambda _: "dwc",
    "file": lambda _: "overturned.pdf",
    "letter_sha256": lambda rows: rows["case_number"].str[-3:],
    "text_from": lambda _: "ocr",
}


def table(**changes) -> pd.DataFrame:
    rows = make_requests(120, noise=0.2)
    rows = rows.assign(**{name: change(rows) for name, change in changes.items()})
    return complete_requests(validate_requests(rows, "factory"))


def bits(predictions) -> list[bytes]:
    return [
        part.tobytes() for part in (predictions.p_overturned, predictions.family_probability, predictions.family_set)
    ]


@pytest.fixture(scope="module")
def fitted():
    dataset = Dataset.from_table(table())
    return dataset.frame, RequestModel().fit(dataset.frame, dataset.labels, dataset.groups)


def test_every_column_that_is_not_a_feature_is_covered():
    assert {column.name for column in COLUMNS if column.role is not Role.FEATURE} == set(DECIDED | IDS)


@pytest.mark.parametrize("names", [[name] for name in DECIDED | IDS] + [list(DECIDED | IDS)], ids=", ".join)
def test_features_and_predictions_do_not_depend_on_other_columns(fitted, names):
    frame, model = fitted
    changes = {name: (DECIDED | IDS)[name] for name in names}

    changed = feature_frame(table(**changes))

    pd.testing.assert_frame_equal(changed, frame, check_exact=True)
    assert bits(model.predict(changed)) == bits(model.predict(frame))


def test_predictions_do_not_change_with_siblings_outcomes(fitted):
    """Each request with siblings of the other outcome, otherwise unchanged."""
    frame, model = fitted
    odd = {"outcome": lambda rows: np.where(rows["item"] % 2 == 0, DECIDED["outcome"](rows), rows["outcome"])}

    assert bits(model.predict(feature_frame(table(**odd)))) == bits(model.predict(frame))


def test_held_out_predictions_do_not_change_with_the_labels_of_their_fold():
    dataset = Dataset.from_table(table())
    labels = dataset.labels
    folds = grouped_folds(labels.overturned, dataset.groups, 3, seed=0)
    before = out_of_fold(dataset, {"m": RequestModel}, [folds], jobs=1)["m"].repeats[0]
    train, test = folds[1]
    flipped = replace(labels, overturned=labels.overturned.copy(), families=labels.families.copy())
    flipped.overturned[test], flipped.families[test] = ~labels.overturned[test], ~labels.families[test]

    changed = replace(dataset, labels=flipped)
    after = out_of_fold(changed, {"m": RequestModel}, [folds], jobs=1)["m"].repeats[0]

    assert (after.p_overturned[test] == before.p_overturned[test]).all()
    assert (after.family_probability[test] == before.family_probability[test]).all()
    assert (after.family_set[test] == before.family_set[test]).all()
    assert (after.p_overturned[train] != before.p_overturned[train]).any()


def test_inner_folds_never_have_a_group_on_both_sides(prepared, monkeypatch):
    """Every split by scikit-learn while a model is fitted, for calibration and thresholds."""
    counts: dict[str, int] = {}
    own = prepared.groups // 2

    def watched(kind):
        split = kind.split

        def watching(self, X, y=None, groups=None):  # noqa: N803
            for train, test in split(self, X, y, groups):
                assert set(own[train]).isdisjoint(own[test])
                counts[kind.__name__] = counts.get(kind.__name__, 0) + 1
                yield train, test

        monkeypatch.setattr(kind, "split", watching)

    for kind in (GroupKFold, StratifiedGroupKFold):
        watched(kind)
    RequestModel().fit(prepared.frame, prepared.labels, own)

    assert set(counts) == {"GroupKFold", "StratifiedGroupKFold"}
    assert min(counts.values()) >= 5


def fingerprints(cases: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cases of four requests that share a unique feature and a random outcome."""
    groups = np.arange(cases).repeat(4)
    return np.eye(cases)[groups], (np.random.default_rng(1).random(cases) < 0.4)[groups], groups


def test_calibration_does_not_use_siblings():
    features, truth, groups = fingerprints()

    leaking = CalibratedLogisticClassifier(C=10).fit(features, truth)
    grouped = CalibratedLogisticClassifier(C=10).fit(features, truth, groups)

    assert leaking.held_out_loss_.mean() < 0.2
    assert grouped.held_out_loss_.mean() > 0.6
    assert np.ptp(grouped.predict_proba(features)[:, 1]) < 0.3 < np.ptp(leaking.predict_proba(features)[:, 1])


def test_family_thresholds_do_not_use_siblings():
    features, truth, groups = fingerprints()
    families = np.column_stack([truth, ~truth])

    leaking = GuidelineFamilyClassifier(C=10).fit(features, families)
    grouped = GuidelineFamilyClassifier(C=10).fit(features, families, groups)

    assert leaking.held_out_loss_.mean() < 0.2
    assert grouped.held_out_loss_.mean() > 0.4
