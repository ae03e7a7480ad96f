"""Sweeps over classifiers: each is tried with its keys."""

import optuna
import pytest

from imr_ml.experiments.reading import ExperimentError
from imr_ml.sweeps.reading import read_plan

CLASSIFIERS = '"outcome.classifier" = ["logistic_regression", "nearest_neighbors", "nb_svm"]\n'


@pytest.fixture
def plan_of(tmp_path):
    def read(table, settings=""):
        (tmp_path / "mine.toml").write_text(f"{settings}\n[sweep]\n{table}\n", encoding="utf-8")
        return read_plan(str(tmp_path / "mine.toml"))

    return read


def test_a_classifier_is_tried_with_its_keys(plan_of):
    own = '"outcome.n_neighbors" = [5, 25]\n"outcome.alpha" = [1.0]\n'
    plan = plan_of(f'"outcome.C" = {{low = 0.1, high = 1.0}}\n{CLASSIFIERS}{own}')
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    tried = [plan.suggest(study.ask()) for _ in range(30)]

    keys = {values["outcome.classifier"]: set(values) - {"outcome.classifier"} for values in tried}
    assert keys == {
        '"logistic_regression"': {"outcome.C"},
        '"nearest_neighbors"': {"outcome.n_neighbors"},
        '"nb_svm"': {"outcome.C", "outcome.alpha"},
    }
    for values in tried:
        plan.experiment(values)
    assert plan.start == {"outcome.classifier": '"logistic_regression"', "outcome.C": 0.3}


def test_a_key_that_no_classifier_has_is_unknown(plan_of):
    with pytest.raises(ExperimentError, match="learning_rate: unknown key of logistic_regression"):
        plan_of(f'{CLASSIFIERS}"outcome.learning_rate" = [0.1]\n')


def test_a_classifier_that_contradicts_the_file_is_an_error(plan_of):
    with pytest.raises(ExperimentError, match="C: unknown key of nearest_neighbors"):
        plan_of(CLASSIFIERS, "[outcome]\nC = 1.0")
