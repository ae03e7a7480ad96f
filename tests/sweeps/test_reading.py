"""[sweep] tables: the varied keys, and errors."""

import optuna
import pytest

from imr_ml.experiments.reading import ExperimentError, read_experiment
from imr_ml.sweeps.reading import read_plan
from imr_ml.sweeps.space import Range


@pytest.fixture
def plan_of(tmp_path, monkeypatch):
    """Reads a file with a [sweep] table."""
    monkeypatch.chdir(tmp_path)

    def read(table, settings="", overrides=()):
        (tmp_path / "mine.toml").write_text(f"{settings}\n[sweep]\n{table}\n", encoding="utf-8")
        return read_plan("mine.toml", overrides)

    return read


def test_a_table_names_ranges_and_choices(plan_of):
    plan = plan_of('"outcome.C" = {low = 0.1, high = 10, log = true}\n"features.request.ngrams" = [1, 2, 3]')

    penalty, ngrams = plan.parameters
    assert (penalty.key, penalty.values, penalty.start) == ("outcome.C", Range(low=0.1, high=10, log=True), 0.3)
    assert (ngrams.key, ngrams.values, ngrams.start) == ("features.request.ngrams", (1, 2, 3), 2)
    assert (plan.objective, plan.outer_folds, plan.inner_folds) == ("outcome.roc_auc", 3, 3)


def test_a_key_is_the_same_with_and_without_quotes(plan_of):
    quoted = plan_of('"outcome.C" = [0.1, 1.0]\n"features.request.ngrams" = {low = 1, high = 3}')

    assert (
        plan_of("outcome.C = [0.1, 1.0]\nfeatures.request.ngrams = {low = 1, high = 3}").parameters == quoted.parameters
    )


def test_a_sweep_of_families_selects_by_a_family_metric(plan_of):
    assert plan_of('"families.C" = [0.1, 1.0]').objective == "family.f1_micro"
    assert plan_of('objective = "outcome.log_loss"\n"families.C" = [0.1, 1.0]').objective == "outcome.log_loss"


def test_the_table_is_not_part_of_the_experiment(plan_of):
    plan = plan_of('"outcome.C" = [0.1, 1.0]', "[outcome]\nC = 1.0")

    default, changed = read_experiment("default", ["outcome.C=1.0"]), read_experiment("default", ["outcome.C=0.1"])
    assert plan.base.experiment.training_settings() == default.experiment.training_settings()
    assert plan.experiment({"outcome.C": "0.1"}).training_settings() == changed.experiment.training_settings()


def test_the_search_starts_at_overridden_values(plan_of):
    (penalty,) = plan_of('"outcome.C" = [0.1, 1.0]', overrides=["outcome.C=1"]).parameters

    assert penalty.start == 1.0


def test_a_varied_classifier_is_drawn_with_its_keys(plan_of):
    plan = plan_of('"outcome.C" = [0.3, 1.0]\n"outcome.classifier" = ["logistic_regression"]\n"families.C" = [0.06]')

    drawn = plan.suggest(optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask())

    assert list(drawn) == ["outcome.C", "outcome.classifier", "families.C"]
    assert drawn["outcome.classifier"] == '"logistic_regression"'
    assert plan.start == {"outcome.C": "0.3", "outcome.classifier": '"logistic_regression"', "families.C": "0.06"}
    assert [parameter.classifiers for parameter in plan.parameters] == [('"logistic_regression"',), None, None]
    with pytest.raises(ExperimentError, match="magic: unknown key"):
        plan_of('"outcome.magic" = [0.3]\n"outcome.classifier" = ["logistic_regression"]')


@pytest.mark.parametrize(
    ("table", "start"),
    [
        ('"outcome.C" = [0.1, 1.0]', None),
        ('"outcome.C" = {low = 0.5, high = 1.0}', None),
        ('"outcome.C" = {low = 0.2, high = 1.0, step = 0.4}', None),
        ('"outcome.C" = {low = 0.1, high = 1.0, step = 0.1}', 0.3),
        ('"training.half_life_years" = [[inf, 8.0, 4.0, 2.0, 1.0], [inf]]', [float("inf"), 8.0, 4.0, 2.0, 1.0]),
    ],
)
def test_the_search_starts_at_the_files_value_if_it_is_in_the_space(plan_of, table, start):
    assert plan_of(table).parameters[0].start == start


@pytest.mark.parametrize(
    ("table", "values", "allowed"),
    [
        ('"outcome.C" = {low = 0.123456, high = 0.123457}', {"0.123456", "0.123457"}, float),
        ('"outcome.C" = {low = 1, high = 3}', None, float),
        ('"features.request.ngrams" = {low = 1, high = 3}', {"1", "2", "3"}, int),
        ('"training.half_life_years" = [[inf], [8.0, 2.0]]', {"[inf]", "[8.0, 2.0]"}, None),
        ('"outcome.C" = {low = 0.1, high = 1.0, step = 0.4}', {"0.1", "0.5", "0.9"}, float),
        ('"features.request.ngrams" = {low = 1, high = 4, step = 2}', {"1", "3"}, int),
        ('"nlp.negation" = [true, false]', {"true", "false"}, None),
    ],
)
def test_a_trial_has_valid_values(plan_of, table, values, allowed):
    plan = plan_of(table)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    drawn = {plan.parameters[0].suggest(study.ask()) for _ in range(30)}

    for value in drawn:
        plan.experiment({plan.parameters[0].key: value})
        assert allowed is None or str(allowed(value)) == value
    assert values is None or drawn <= values


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "mine.toml: has no [sweep] table"),
        ("outer_folds = 2", "mine.toml: sweep: names no key to vary; write choices"),
        ('"outcome.c" = [1.0]', 'mine.toml: sweep."outcome.c"[0] = 1.0: outcome.c: unknown key'),
        ('"outcom.C" = [1.0]', 'sweep."outcom.C"[0] = 1.0: outcom: unknown key; allowed: description, nlp'),
        ('"outcome.C" = [0.1, "high"]', 'sweep."outcome.C"[1] = "high": outcome.C: should be a valid number'),
        ('"outcome.C" = [0.1, -1.0]', 'sweep."outcome.C"[1] = -1.0: outcome.C: should be greater than 0'),
        ('"outcome.C" = {low = 0.0, high = 1.0}', 'sweep."outcome.C".low = 0.0: outcome.C: should be greater than 0'),
        ('"outcome.C" = {low = 2.0, high = 1.0}', 'sweep."outcome.C": is empty: low (2.0) must be below high (1.0)'),
        ('"outcome.C" = {low = 1.0}', 'sweep."outcome.C".high: Field required'),
        ('"outcome.C" = {lo = 1.0, high = 2.0}', 'sweep."outcome.C".lo: unknown key; allowed: low, high, log, step'),
        ('"outcome.C" = {low = "a", high = 2.0}', 'sweep."outcome.C".low: should be a valid integer'),
        (
            '"outcome.C" = {low = 0.1, high = 2.0, step = 9.0}',
            'sweep."outcome.C": step must be above 0 and at most 1.9',
        ),
        ('"outcome.C" = {low = 0.1, high = 2, step = 0.1, log = true}', "can't be used with log"),
        ('"outcome.weights.facts" = {low = 0.0, high = 1.0, log = true}', "log needs low above 0, and low is 0.0"),
        ('"outcome.C" = []', 'sweep."outcome.C": has no values; write choices'),
        ('"outcome.C" = 1.0', 'sweep."outcome.C": has no values; write choices'),
        ('"outcome.C" = [1.0, 1.0]', 'sweep."outcome.C": contains a value twice'),
        (
            '"features.request.ngrams" = {low = 1, high = 9}',
            "features.request.ngrams: should be less than or equal to 5",
        ),
        ('"features.request.ngrams" = {low = 1, high = 2.5}', "low, high and step must be whole numbers"),
        ('"families.alternatives.0.C" = [0.1]', "families.alternatives: should be a list"),
        ('"nlp.negation" = {low = 0, high = 1}', "nlp.negation: should be true or false"),
        ('"outcome.classifier" = ["logistic_regression", "magic"]', 'sweep."outcome.classifier"[1] = "magic"'),
        ('"evaluation.folds" = [3, 5]', "can't be varied: it changes how a model is evaluated, not the model"),
        ('"training.seed" = [3, 5]', "can't be varied"),
        (
            'objective = "auc"\n"outcome.C" = [0.1]',
            "sweep.objective: 'auc' is not an objective; allowed: outcome.roc_auc",
        ),
        ('outer_folds = 1\n"outcome.C" = [0.1]', "sweep.outer_folds: should be greater than or equal to 2"),
        ('folds = 3\n"outcome.C" = [0.1]', 'sweep."folds": has no values'),
    ],
)
def test_an_invalid_table_is_a_one_line_error_with_the_key_and_the_allowed_values(plan_of, table, message):
    with pytest.raises(ExperimentError) as error:
        plan_of(table)

    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1
