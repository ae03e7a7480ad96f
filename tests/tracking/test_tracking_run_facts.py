"""Names, metrics and descriptions of runs, without a store."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from imr_ml.classifiers.candidates import LogisticRegression
from imr_ml.classifiers.request_model import Chosen
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.learning import LearningPoint
from imr_ml.experiments.reading import read_experiment
from imr_ml.experiments.schema import experiment_values, flat_keys
from imr_ml.features.settings import BlockWeights
from imr_ml.reporting.compared_models import ComparedModel, compared_baselines
from imr_ml.tracking import descriptions, run_facts
from imr_ml.tracking.descriptions import describe_training, summarize
from imr_ml.tracking.git import GitState
from imr_ml.tracking.run_facts import fold_points, learning_points


@pytest.mark.parametrize(
    ("weights", "git", "name"),
    [
        (BlockWeights(), None, "tfidf+facts C=0.3 | 60 req"),
        (BlockWeights(facts=0, numbers=0), None, "tfidf C=0.3 | 60 req"),
        (BlockWeights(request=0, summary=0, ur_guideline=0), None, "facts C=0.3 | 60 req"),
        (BlockWeights(), GitState("a1b2c3d4e5", dirty=False), "tfidf+facts C=0.3 | 60 req | a1b2c3d"),
        (BlockWeights(), GitState("a1b2c3d4e5", dirty=True), "tfidf+facts C=0.3 | 60 req | a1b2c3d*"),
    ],
)
def test_a_run_name_has_features_penalty_size_and_commit(trained, weights, git, name):
    model = copy(trained.model)
    model.outcome_ = Chosen(LogisticRegression(weights=weights), trained.model.outcome_.classifier)
    assert descriptions.name_run(replace(trained, model=model), git) == name


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        (["evaluation.folds=3", "training.seed=5"], "tfidf+facts C=0.3"),
        (["outcome.C=1.0"], "mine: outcome.C=1.0"),
        (["outcome.C=1.0", "nlp.negation=false"], "mine: nlp.negation=False, outcome.C=1.0"),
        ([f"outcome.weights.{name}=9" for name in ("facts", "pairs", "summary", "numbers", "codes")], "2 more"),
    ],
)
def test_a_run_name_has_the_changed_settings_except_evaluation(trained, changes, title):
    settings = read_experiment("default", changes).experiment.training_settings()

    name = descriptions.name_run(replace(trained, settings=settings), None, experiment="mine")

    assert name.endswith(f"{title} | 60 req")


def test_params_are_the_keys_of_the_experiment_file(trained):
    params = run_facts.collect_params(trained)

    assert flat_keys(experiment_values(trained.settings)).keys() <= params.keys()
    assert params["outcome.C"] == "0.3"
    assert params["outcome.chosen"] == "first"
    assert params["families.chosen"] in ("first", "alternatives.0")
    assert params["outcome.alternatives"] == "none"
    assert all(params.values())


def test_a_model_without_families_has_no_family_params(trained):
    model = copy(trained.model)
    model.families_ = None

    params = run_facts.collect_params(replace(trained, model=model))

    assert not any(name.startswith("families.") for name in params)


def test_undefined_values_are_not_metrics(trained):
    unknown = Estimate(float("nan"), float("nan"), float("nan"))
    estimates = {**trained.evaluation.estimates}
    estimates[MODEL] = {**estimates[MODEL], "outcome.roc_auc": unknown}
    changed = replace(trained, evaluation=replace(trained.evaluation, estimates=estimates))

    all_names, fewer = (
        {point.name for point in run_facts.collect_metrics(training)} for training in (trained, changed)
    )
    assert all_names - fewer == {"outcome.roc_auc", "outcome.roc_auc.low", "outcome.roc_auc.high"}


def test_runs_on_real_letters_are_not_called_synthetic(trained):
    real = replace(trained, data=replace(trained.data, source="dwc"))
    assert run_facts.data_tags(real.data)["data.kind"] == "real"
    assert "ynthetic" not in describe_training(real, (), {})
    assert "SYNTHETIC" not in summarize(real)


@pytest.mark.parametrize("source", ["own", "vendor-7"])
def test_runs_on_own_decisions_are_labeled_own(trained, source):
    own = replace(trained, data=replace(trained.data, source=source))
    assert run_facts.data_tags(own.data) | {"data.sha256": ""} == {
        "data.kind": "own",
        "data.source": source,
        "data.sha256": "",
    }
    assert summarize(own).startswith(f"OWN decisions (source {source}), not published letters; ")
    assert "The user's own decisions, not published letters" in describe_training(own, (), {})


def test_every_param_is_one_value(trained):
    params = run_facts.collect_params(trained)
    assert not any(mark in value for value in params.values() for mark in "{}[]()")
    assert params["outcome.weights.facts_used"].startswith("category,")


def test_metrics_of_a_baseline_have_the_same_names_as_the_models(trained):
    models = {point.name for point in run_facts.collect_metrics(trained)}
    baselines = compared_baselines(trained)
    assert {baseline.title for baseline in baselines} == {"base rate", "UR's families", "plain TF-IDF"}
    for baseline in baselines:
        names = {point.name for point in run_facts.collect_metrics(trained, baseline)}
        assert names <= models
        assert "outcome.roc_auc.low" in names or baseline.key == "ur_families"


def test_values_by_fold_are_steps_without_undefined_ones():
    points = fold_points({"outcome.roc_auc": np.array([[0.5, np.nan], [0.7, 0.8]])})
    assert [(point.name, point.step, point.value) for point in points] == [
        ("outcome.roc_auc.by_fold", 0, 0.5),
        ("outcome.roc_auc.by_fold", 2, 0.7),
        ("outcome.roc_auc.by_fold", 3, 0.8),
    ]


def test_steps_of_the_learning_curve_are_training_requests():
    estimates = {
        MODEL: {"outcome.brier": Estimate(0.1, 0.05, 0.2)},
        "plain_tfidf": {"outcome.brier": Estimate(0.3, 0, 1)},
    }
    points = learning_points([LearningPoint(5, 10, estimates), LearningPoint(9, 20, estimates)])
    assert {point.step for point in points} == {10, 20}
    assert {point.name: point.value for point in points} == {
        "outcome.brier.learning": 0.1,
        "outcome.brier.learning.low": 0.05,
        "outcome.brier.learning.high": 0.2,
        "outcome.brier.learning.plain_tfidf": 0.3,
    }


def test_a_term_of_several_classifiers_is_counted_once(trained):
    outcome = trained.model.outcome_.classifier.coef_ != 0
    families = (trained.model.families_.classifier.coef_ != 0).any(axis=0)
    terms = run_facts.count_terms(trained.model)
    assert max(outcome.sum(), families.sum()) <= terms == (outcome | families).sum()


def test_a_nonlinear_model_has_no_term_count(trained):
    model = copy(trained.model)
    model.outcome_ = Chosen(trained.model.outcome_.candidate, object())
    assert run_facts.count_terms(model) is None


def test_the_description_has_a_column_per_rung_and_links_to_artifacts(trained):
    baseline = ComparedModel("plain_tfidf", "plain TF-IDF", trained.evaluation.estimates["plain_tfidf"])
    text = describe_training(trained, (baseline,), {"model card": "model_card.md"})
    assert "| metric | model | plain TF-IDF |" in text
    assert "[model card](run:model_card.md)" in text
