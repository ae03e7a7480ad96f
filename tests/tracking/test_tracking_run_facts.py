"""Names, metrics and descriptions of runs, without a store."""

from copy import copy
from dataclasses import replace

import pytest

from imr_ml.classifiers import Candidate, Chosen
from imr_ml.evaluation import MODEL, Estimate
from imr_ml.features import BlockWeights
from imr_ml.tracking import GitState, run_facts


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
def test_a_name_says_features_penalty_size_and_commit(trained, weights, git, name):
    model = copy(trained.model)
    model.outcome_ = Chosen(Candidate(weights, C=0.3), trained.model.outcome_.classifier)
    assert run_facts.run_name(replace(trained, model=model), git) == name


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
    assert params["outcome.weights.facts_used"].startswith("category,")
