"""Experiment files: what they set, what they refuse, and how they are written."""

import json
import tomllib

import pytest

from imr_ml.experiments.reading import ExperimentError, built_in, changed_keys, json_schema, read_experiment
from imr_ml.experiments.schema import Experiment, TrainingSettings, flat_keys, to_toml, values_of


@pytest.fixture
def write(tmp_path):
    def write_file(text):
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_file


def test_an_empty_file_is_the_default_model(write):
    assert read_experiment(write("")).experiment.training_settings() == TrainingSettings()
    assert read_experiment().experiment.training_settings() == TrainingSettings()


def test_what_a_file_does_not_set_is_as_in_the_default_model(write):
    text = "[outcome]\nC = 2\n[outcome.weights]\nsummary = 3.0\n[training]\nhalf_life_years = [inf, 4]\nseed = 5\n"

    settings = read_experiment(write(text)).experiment.training_settings()

    default = TrainingSettings().model
    (outcome,) = settings.model.outcome
    assert (outcome.C, outcome.weights.summary) == (2.0, 3.0)
    assert outcome.weights.request == default.outcome[0].weights.request
    assert settings.model.family == default.family
    assert settings.model.half_life_years == (None, 4.0)
    assert settings.model.seed == settings.evaluation.seed == 5


def test_an_alternative_is_its_section_but_for_what_it_sets(write):
    text = (
        "[families]\nC = 9.0\n[[families.alternatives]]\nC = 8.0\n[[families.alternatives]]\nweights = {pairs = 0.1}\n"
    )

    first, second, third = read_experiment(write(text)).experiment.training_settings().model.family

    assert (second.C, second.weights) == (8.0, first.weights)
    assert (third.C, third.weights.pairs, third.weights.facts) == (9.0, 0.1, first.weights.facts)


def test_each_section_has_terms_of_its_own():
    terms = read_experiment("default", ["features.request.ngrams=3"]).experiment.training_settings().model.terms

    assert (terms.request.ngrams, terms.summary.ngrams) == (3, 2)


def test_a_set_value_replaces_the_files(write):
    path = write("[outcome]\nC = 2.0\n[families]\nC = 3.0\n")

    named = read_experiment(path, ["outcome.C=1.0", "nlp.negation=false", "families.alternatives=[]"])

    assert named.name == "mine"
    assert [one.C for one in named.experiment.outcome] == [1.0]
    assert [one.C for one in named.experiment.families] == [3.0]
    assert not named.experiment.nlp.negation


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "outcome.c=1.0",
            "outcome.c: unknown key of logistic_regression; allowed: weights, classifier, C, alternatives",
        ),
        ("model.C=1.0", "model: unknown key; allowed: description, nlp, features, outcome, families"),
        ("nlp.spelling=true", "nlp.spelling: unknown key; allowed: negation, mask_determination, canonical_tokens"),
        ("outcome.weights.words=1", "outcome.weights.words: unknown key; allowed: request, summary, ur_guideline"),
        (
            "families.alternatives=[{x=1}]",
            "families.alternatives.0.x: unknown key of linear_svm; allowed: weights, classifier, C",
        ),
        ("outcome.alternatives=[{weights={x=1}}]", "outcome.alternatives.0.weights.x: unknown key; allowed: request"),
        ("outcome.C=large", "outcome.C: should be a valid number"),
        ("outcome.C=0", "outcome.C: should be greater than 0"),
        ("outcome.C=inf", "outcome.C: should be a finite number"),
        ("outcome.C=2020-01-01", "outcome.C: should be a valid number"),
        ("features.ngrams=3", "features.ngrams: unknown key; allowed: request, summary, ur_guideline"),
        ("outcome.alternatives=1", "outcome.alternatives: should be a list"),
        ("outcome=1", "outcome: should be a table"),
        ("outcome.classifier=forest", "outcome.classifier: should be one of logistic_regression, linear_svm"),
        (
            "outcome={classifier='nearest_neighbors', C=1}",
            "outcome.C: unknown key of nearest_neighbors; allowed: weights, classifier, n_neighbors, alternatives",
        ),
        (
            "families.alternatives=[{classifier='forest'}]",
            "families.alternatives.0.classifier: should be one of linear",
        ),
        ("outcome.arrangement=chain", "outcome.arrangement: unknown key of logistic_regression; allowed: weights"),
        ("families.arrangement=tree", "families.arrangement: should be 'per_family', 'hierarchical' or 'chain'"),
        (
            "outcome={classifier='nb_svm', weights={numbers=1}}",
            "outcome: weights.numbers and weights.case_size should be 0: nb_svm takes no values below 0",
        ),
        ("outcome={classifier='stacked', bases=['nb']}", "outcome.bases.0: should be 'logistic_regression', 'compl"),
        ("features.summary.min_cases=0", "features.summary.min_cases: should be greater than or equal to 1"),
        ("nlp.negation=1", "nlp.negation: should be true or false"),
        ("evaluation.folds=2.5", "evaluation.folds: should be a valid integer"),
        ("training.coverage=1.5", "training.coverage: should be less than or equal to 0.99"),
        ("training.half_life_years=[]", "training.half_life_years: Tuple should have at least 1 item"),
        (
            "families.weights.facts_used=['age']",
            "families.weights.facts_used.0: 'age' is not a fact; allowed: category,",
        ),
        ("families.weights.facts_used=[]", "families.weights: facts is above 0, but facts_used is empty; list facts"),
        (
            "outcome.weights={request=0, summary=0, ur_guideline=0, facts=0, numbers=0, case_size=0, codes=0}",
            "outcome.weights: all are 0; set one of request, summary",
        ),
        ("outcome.C", "'outcome.C': write KEY=VALUE, as in outcome.C=1.0"),
        ("=1", "'=1': write KEY=VALUE"),
    ],
)
def test_what_is_not_allowed_is_named_with_its_key_and_what_is(change, message):
    with pytest.raises(ExperimentError) as error:
        read_experiment("default", [change])

    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[outcome", "mine.toml: is not TOML"), ("x = 1", "mine.toml: x: unknown key; allowed: description, nlp")],
)
def test_a_file_that_is_no_experiment_is_named(write, text, message):
    with pytest.raises(ExperimentError, match=message):
        read_experiment(write(text))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("nb", "no experiment is called 'nb'; built in are default, .*nb_svm, .*, or name a .toml file"),
        ("no/such.toml", "no/such.toml: can't be read"),
    ],
)
def test_an_experiment_that_is_not_there_is_reported(named, message):
    with pytest.raises(ExperimentError, match=message):
        read_experiment(named)


@pytest.mark.parametrize("name", built_in())
def test_a_built_in_experiment_differs_from_the_default_and_tells_why(name):
    experiment = read_experiment(name).experiment

    assert experiment.description
    changed = changed_keys(values_of(TrainingSettings()), experiment.values())
    assert bool(changed) == (name != "default")


@pytest.mark.parametrize("name", built_in())
def test_an_experiment_that_was_written_is_read_again(write, name):
    experiment = read_experiment(name).experiment

    assert read_experiment(write(to_toml(experiment.values()))).experiment == experiment


def test_settings_become_the_file_that_gives_them(write):
    settings = read_experiment("words_only", ["training.seed=3"]).experiment.training_settings()

    values = values_of(settings)

    assert read_experiment(write(to_toml(values))).experiment.training_settings() == settings
    assert tomllib.loads(to_toml(values)) == {name: one for name, one in values.items() if name != "description"}


def test_exactly_the_keys_that_differ_are_changed():
    default = read_experiment().experiment.values()

    def changed(*overrides):
        return list(changed_keys(default, read_experiment("default", overrides).experiment.values()))

    assert changed("families.C=0.3") == ["families.C"]
    assert changed("families.alternatives=[]") == ["families.alternatives"]
    assert changed("families.alternatives=[{C=1}, {C=2}]") == ["families.alternatives"]
    assert changed("outcome.classifier=linear_svm") == ["outcome.classifier", "outcome.C"]
    assert changed("features.summary.min_cases=3") == ["features.summary.min_cases"]


def test_an_alternative_may_be_another_classifier(write):
    text = "[outcome]\nC = 2.0\n[[outcome.alternatives]]\nclassifier = 'nearest_neighbors'\nn_neighbors = 7\n"

    first, second = read_experiment(write(text)).experiment.outcome

    assert (first.classifier, first.C) == ("logistic_regression", 2.0)
    assert (second.classifier, second.n_neighbors) == ("nearest_neighbors", 7)


def test_an_arrangement_holds_for_the_alternatives_too():
    families = read_experiment("default", ["families.arrangement=chain"]).experiment.families

    assert [one.arrangement for one in families] == ["chain", "chain"]


def test_keys_are_flat():
    keys = flat_keys(values_of(TrainingSettings()))

    assert keys["outcome.weights.summary"] == 1.0
    assert keys["families.alternatives"] == ["linear_svm weights.facts=0.0 weights.pairs=0.0 C=0.3"]
    assert not any(isinstance(value, dict) for value in keys.values())


def test_the_schema_requires_no_key_and_allows_no_other():
    schema = json_schema()

    assert "required" not in json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {*Experiment.model_fields, "sweep"}
