"""Experiment files: reading, validation and writing."""

import json
import tomllib

import pytest

from imr_ml.experiments.reading import ExperimentError, built_in_names, changed_keys, read_experiment
from imr_ml.experiments.schema import Experiment, TrainingSettings, experiment_values, flat_keys, json_schema, to_toml


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


def test_missing_keys_have_the_values_of_the_default_model(write):
    text = "[outcome]\nC = 2\n[outcome.weights]\nsummary = 3.0\n[training]\nhalf_life_years = [inf, 4]\nseed = 5\n"

    settings = read_experiment(write(text)).experiment.training_settings()

    default = TrainingSettings().model
    (outcome,) = settings.model.outcome
    assert (outcome.C, outcome.weights.summary) == (2.0, 3.0)
    assert outcome.weights.request == default.outcome[0].weights.request
    assert settings.model.family == default.family
    assert settings.model.half_life_years == (None, 4.0)
    assert settings.model.seed == settings.evaluation.seed == 5


def test_an_alternative_inherits_from_its_section(write):
    text = (
        "[families]\nC = 9.0\n[[families.alternatives]]\nC = 8.0\n[[families.alternatives]]\nweights = {pairs = 0.1}\n"
    )

    first, second, third = read_experiment(write(text)).experiment.training_settings().model.family

    assert (second.C, second.weights) == (8.0, first.weights)
    assert (third.C, third.weights.pairs, third.weights.facts) == (9.0, 0.1, first.weights.facts)


def test_each_section_has_separate_terms():
    terms = read_experiment("default", ["features.request.ngrams=3"]).experiment.training_settings().model.terms

    assert (terms.request.ngrams, terms.summary.ngrams) == (3, 2)


def test_an_override_replaces_the_files_value(write):
    path = write("[outcome]\nC = 2.0\n[families]\nC = 3.0\n")

    named = read_experiment(path, ["outcome.C=1.0", "nlp.negation=false", "families.alternatives=[]"])

    assert named.name == "mine"
    assert [candidate.C for candidate in named.experiment.outcome] == [1.0]
    assert [candidate.C for candidate in named.experiment.families] == [3.0]
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
def test_an_invalid_value_is_an_error_with_its_key_and_the_allowed_values(change, message):
    with pytest.raises(ExperimentError) as error:
        read_experiment("default", [change])

    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[outcome", "mine.toml: is not TOML"), ("x = 1", "mine.toml: x: unknown key; allowed: description, nlp")],
)
def test_a_file_that_is_not_an_experiment_is_an_error(write, text, message):
    with pytest.raises(ExperimentError, match=message):
        read_experiment(write(text))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("nb", "no experiment is called 'nb'; use default, .*nb_svm, .* or the path of a .toml file"),
        ("no/such.toml", "no/such.toml: can't be read"),
    ],
)
def test_a_missing_experiment_is_an_error(named, message):
    with pytest.raises(ExperimentError, match=message):
        read_experiment(named)


@pytest.mark.parametrize("name", built_in_names())
def test_a_built_in_experiment_differs_from_the_default_and_has_a_description(name):
    experiment = read_experiment(name).experiment

    assert experiment.description
    changed = changed_keys(experiment_values(TrainingSettings()), experiment.values())
    assert bool(changed) == (name != "default")


@pytest.mark.parametrize("name", built_in_names())
def test_an_experiment_survives_a_round_trip_through_toml(write, name):
    experiment = read_experiment(name).experiment

    assert read_experiment(write(to_toml(experiment.values()))).experiment == experiment


def test_settings_survive_a_round_trip_through_a_file(write):
    settings = read_experiment("words_only", ["training.seed=3"]).experiment.training_settings()

    values = experiment_values(settings)

    assert read_experiment(write(to_toml(values))).experiment.training_settings() == settings
    assert tomllib.loads(to_toml(values)) == {name: one for name, one in values.items() if name != "description"}


def test_changed_keys_are_exactly_those_that_differ():
    default = read_experiment().experiment.values()

    def changed(*overrides):
        return list(changed_keys(default, read_experiment("default", overrides).experiment.values()))

    assert changed("families.C=0.3") == ["families.C"]
    assert changed("families.alternatives=[]") == ["families.alternatives"]
    assert changed("families.alternatives=[{C=1}, {C=2}]") == ["families.alternatives"]
    assert changed("outcome.classifier=linear_svm") == ["outcome.classifier", "outcome.C"]
    assert changed("features.summary.min_cases=3") == ["features.summary.min_cases"]


def test_an_alternative_can_have_another_classifier(write):
    text = "[outcome]\nC = 2.0\n[[outcome.alternatives]]\nclassifier = 'nearest_neighbors'\nn_neighbors = 7\n"

    first, second = read_experiment(write(text)).experiment.outcome

    assert (first.classifier, first.C) == ("logistic_regression", 2.0)
    assert (second.classifier, second.n_neighbors) == ("nearest_neighbors", 7)


def test_an_arrangement_also_applies_to_the_alternatives():
    families = read_experiment("default", ["families.arrangement=chain"]).experiment.families

    assert [candidate.arrangement for candidate in families] == ["chain", "chain"]


def test_flat_keys_are_dotted():
    keys = flat_keys(experiment_values(TrainingSettings()))

    assert keys["outcome.weights.summary"] == 1.0
    assert keys["families.alternatives"] == ["linear_svm weights.facts=0.0 weights.pairs=0.0 C=0.3"]
    assert not any(isinstance(value, dict) for value in keys.values())


def test_the_schema_requires_no_key_and_allows_no_other():
    schema = json_schema()

    assert "required" not in json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {*Experiment.model_fields, "sweep"}
