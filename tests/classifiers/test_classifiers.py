"""Every classifier learns, predicts the same after loading, and has exact contributions or none."""

import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import skops.io
from scipy.special import expit
from sklearn.utils import all_estimators

from imr_ml.classifiers.calibrated import CalibratedClassifier
from imr_ml.classifiers.candidates import FAMILY_CANDIDATE_TYPES, OUTCOME_CANDIDATE_TYPES
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier, sparse_logistic_regression
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.skops_files import TRUSTED

LINEAR = ("logistic_regression", "linear_svm", "complement_nb", "nb_svm")
ARRANGEMENTS = ("per_family", "hierarchical", "chain")
COSTLY = ("gradient_boosting", "averaged", "stacked")


def with_slow(names):
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in COSTLY)) for name in names]


def fitted(prepared, name, arrangement="per_family"):
    settings = ModelSettings(
        outcome=(OUTCOME_CANDIDATE_TYPES[name](),),
        family=(FAMILY_CANDIDATE_TYPES[name](arrangement=arrangement),),
        half_life_years=(None,),
    )
    return RequestModel(settings).fit(prepared.frame, prepared.labels, prepared.groups)


def saved_and_loaded(classifier):
    saved = skops.io.dumps(classifier)
    estimators = {f"{kind.__module__}.{kind.__qualname__}" for _, kind in all_estimators()}
    assert type_names(saved) & estimators <= TRUSTED
    return skops.io.loads(saved, trusted=sorted(TRUSTED))


def type_names(saved):
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        schema = archive.read("schema.json").decode()
    pairs = re.findall(r'"__class__": "(\w+)",\s+"__module__": "([\w.]+)"', schema)
    assert pairs
    return {f"{module}.{name}" for name, module in pairs}


def test_both_tasks_have_the_same_classifiers():
    assert OUTCOME_CANDIDATE_TYPES.keys() == FAMILY_CANDIDATE_TYPES.keys() == {*LINEAR, "nearest_neighbors", *COSTLY}


@pytest.mark.parametrize("name", with_slow(OUTCOME_CANDIDATE_TYPES))
def test_a_loaded_classifier_predicts_the_same(prepared, name):
    model = fitted(prepared, name)

    predictions = model.predict(prepared.frame)

    assert (predictions.p_overturned >= 0).all()
    assert (predictions.p_overturned <= 1).all()
    truth, p = prepared.labels.overturned, predictions.p_overturned
    assert p[truth].mean() > p[~truth].mean() + 0.05
    likeliest = predictions.primary_family
    assert prepared.labels.families[np.arange(len(p)), likeliest].mean() > 0.8
    assert len(model.unexplained) == (0 if name in LINEAR else 2)
    model.outcome_, model.families_ = (
        replace(chosen, classifier=saved_and_loaded(chosen.classifier)) for chosen in (model.outcome_, model.families_)
    )
    loaded = model.predict(prepared.frame)
    assert (loaded.p_overturned == p).all()
    assert (loaded.family_probability == predictions.family_probability).all()


@pytest.mark.parametrize("name", ["logistic_regression", "linear_svm", "nearest_neighbors"])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS[1:])
def test_families_support_every_arrangement(prepared, name, arrangement):
    model = fitted(prepared, name, arrangement)

    predictions = model.predict(prepared.frame)

    assert prepared.labels.families[np.arange(len(prepared)), predictions.primary_family].mean() > 0.8
    expected = f"{name} has no exact contributions: the evidence of the families stays empty"
    assert expected in model.unexplained
    assert saved_and_loaded(model.families_.classifier).predict_proba(model.matrix(prepared.frame)) == pytest.approx(
        model.families_.classifier.predict_proba(model.matrix(prepared.frame)), abs=0
    )


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_score_has_exact_contributions(prepared, name):
    model = fitted(prepared, name)
    classifier, matrix = model.outcome_.classifier, model.matrix(prepared.frame.iloc[:4])
    coefficients = classifier.slope_ * classifier.coef_ * model.outcome_column_weights
    moved = (matrix.toarray() - model.baseline_.averages) * coefficients * model.reliability(matrix)[:, None]

    evidence = model.explain(matrix, model.predict_matrix(matrix), most=20)

    for weights, row in zip(moved, evidence, strict=True):
        by_name = dict(zip(model.feature_names, weights, strict=True))
        for term in row.outcome.terms:
            assert term.weight == pytest.approx(by_name[f"{term.block}__{term.term}"], abs=1e-9)


def test_a_nonlinear_classifier_has_no_contributions(prepared):
    model = fitted(prepared, "nearest_neighbors")
    matrix = model.matrix(prepared.frame.iloc[:2])
    predictions = model.predict_matrix(matrix)

    evidence = model.explain(matrix, predictions, most=5)

    assert [(row.outcome.terms, row.family.terms) for row in evidence] == [([], [])] * 2
    assert expit([row.outcome.log_odds for row in evidence]) == pytest.approx(predictions.p_overturned)


def test_both_calibrated_classifiers_agree_on_logistic_regression(prepared):
    model = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)
    matrix, truth, groups = model.matrix(prepared.frame), prepared.labels.overturned, prepared.groups

    of_regression = CalibratedLogisticClassifier(0.3).fit(matrix, truth, groups)
    general = CalibratedClassifier(sparse_logistic_regression(0.3, 0)).fit(matrix, truth, groups)

    assert (general.predict_proba(matrix) == of_regression.predict_proba(matrix)).all()


def test_every_classifier_uses_row_weights(prepared):
    model = fitted(prepared, "nearest_neighbors")
    matrix, truth, groups = model.matrix(prepared.frame), prepared.labels.overturned, prepared.groups
    ignored = np.where(truth, 1e-9, 1.0)

    weighed = CalibratedClassifier(OUTCOME_CANDIDATE_TYPES["nearest_neighbors"]().build(0)).fit(
        matrix, truth, groups, ignored
    )

    assert weighed.predict_proba(matrix)[:, 1].max() < 0.01
