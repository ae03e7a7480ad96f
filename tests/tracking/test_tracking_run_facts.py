"""Names, metrics and descriptions of runs, without a store."""

from dataclasses import replace

import pytest

from imr_ml.classifiers import ModelSettings
from imr_ml.evaluation import MODEL, Estimate
from imr_ml.features import FeatureSettings
from imr_ml.tracking import GitState, run_facts
from imr_ml.training import TrainingSettings


@pytest.mark.parametrize(
    ("features", "git", "name"),
    [
        (FeatureSettings(), None, "tfidf+facts C=0.3 | 60 req"),
        (FeatureSettings(facts=0, numbers=0), None, "tfidf C=0.3 | 60 req"),
        (FeatureSettings(request=0, summary=0, ur_guideline=0), None, "facts C=0.3 | 60 req"),
        (FeatureSettings(), GitState("a1b2c3d4e5", dirty=False), "tfidf+facts C=0.3 | 60 req | a1b2c3d"),
        (FeatureSettings(), GitState("a1b2c3d4e5", dirty=True), "tfidf+facts C=0.3 | 60 req | a1b2c3d*"),
    ],
)
def test_a_name_says_features_penalty_size_and_commit(trained, features, git, name):
    settings = TrainingSettings(model=ModelSettings(outcome_features=features))
    assert run_facts.run_name(replace(trained, settings=settings), git) == name


def test_what_could_not_be_measured_is_no_metric(trained):
    unknown = Estimate(float("nan"), float("nan"), float("nan"))
    estimates = {**trained.evaluation.estimates}
    estimates[MODEL] = {**estimates[MODEL], "outcome.roc_auc": unknown}
    changed = replace(trained, evaluation=replace(trained.evaluation, estimates=estimates))

    lacking = set(run_facts.metrics(trained)) - set(run_facts.metrics(changed))
    assert lacking == {"outcome.roc_auc", "outcome.roc_auc.low", "outcome.roc_auc.high"}


def test_runs_on_real_letters_are_not_called_synthetic(trained):
    real = replace(trained, data=replace(trained.data, source="dwc"))
    assert run_facts.data_tags(real.data)["data.kind"] == "real"
    assert "ynthetic" not in run_facts.description(real)
    assert "SYNTHETIC" not in run_facts.summary(real)


def test_every_param_is_one_value(trained):
    params = run_facts.params(trained)
    assert {type(value) for value in params.values()} <= {str, int, float, bool}
    assert params["outcome.features.facts_used"].startswith("category,")
