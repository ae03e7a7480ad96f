"""Experiments on the command line: list, show, diff, schema, train and ladder."""

import json
from pathlib import Path

import pytest
from factories import make_requests
from typer.testing import CliRunner

from imr_ml.classifiers.settings import ModelSettings
from imr_ml.cli import app
from imr_ml.errors import ImrError
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.experiments.reading import built_in_names, read_experiment
from imr_ml.model_files import read_model
from imr_ml.tracking.store import connected
from imr_ml.training import TrainingSettings

EXPERIMENT = """\
description = "Words, quickly"
[nlp]
canonical_tokens = false
[families]
alternatives = []
[training]
half_life_years = [inf]
[evaluation]
repeats = 1
resamples = 20
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def invoke(*arguments):
        return CliRunner().invoke(app, list(arguments))

    return invoke


@pytest.fixture
def settings_of(run, monkeypatch):
    """Return the settings that `imr-ml train` uses with some arguments."""
    make_requests(60).to_parquet("requests.parquet")
    calls = []

    def stop(_requests, settings, _start, _groups):
        calls.append(settings)
        raise ImrError("stopped")

    monkeypatch.setattr("imr_ml.training.train", stop)

    def settings(*arguments):
        result = run("train", "--data", "requests.parquet", *arguments)
        assert result.exit_code == 2
        assert result.stderr == "imr-ml: stopped\n"
        return calls.pop()

    return settings


def test_every_built_in_experiment_is_listed_with_its_description(run):
    lines = run("experiments", "list").stdout.splitlines()

    assert [line.split()[0] for line in lines] == list(built_in_names())
    assert lines[0].startswith("default ")
    assert all(len(line.split()) > 3 for line in lines)


def test_the_output_of_show_is_an_experiment_file(run):
    Path("mine.toml").write_text(run("experiments", "show", "words_only").stdout)

    assert read_experiment("mine.toml").experiment == read_experiment("words_only").experiment


def test_diff_lists_the_keys_that_differ(run):
    result = run("experiments", "diff", "default", "long_phrases")

    assert "features.summary.ngrams" in result.stdout
    assert "outcome.C" not in result.stdout
    assert run("experiments", "diff", "default", "default").stdout == "all settings are the same\n"


def test_a_removed_alternative_is_one_line_of_diff(run):
    Path("mine.toml").write_text("[families]\nalternatives = []\n")

    lines = run("experiments", "diff", "default", "mine.toml").stdout.splitlines()

    assert sum("families" in line for line in lines) == 1
    assert any("linear_svm weights.facts=0.0" in line for line in lines)


def test_the_schema_is_json(run):
    assert "outcome" in json.loads(run("experiments", "schema").stdout)["properties"]


def test_training_without_an_experiment_uses_the_default_settings(settings_of):
    assert settings_of() == TrainingSettings()


def test_options_for_single_settings_still_work(settings_of):
    settings = settings_of("--folds", "3", "--seed", "4", "--coverage", "0.8", "--jobs", "1", "--learning-curve")

    assert settings == TrainingSettings(
        model=ModelSettings(seed=4),
        evaluation=EvaluationSettings(folds=3, seed=4, jobs=1, learning_curve=True),
        coverage=0.8,
    )


def test_set_values_and_options_override_the_file(settings_of):
    settings = settings_of("--experiment", "long_phrases", "--set", "outcome.C=1", "--set", "training.seed=3")

    assert settings.model.terms.summary.ngrams == 3
    assert settings.model.outcome[0].C == 1.0
    assert settings.model.seed == settings.evaluation.seed == 3
    assert settings_of("--set", "training.seed=3", "--seed", "5").model.seed == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--experiment", "none_such"), "no experiment is called 'none_such'; use default,"),
        (("--set", "outcome.c=1"), "outcome.c: unknown key of logistic_regression; allowed: "),
        (("--set", "outcome.C"), "write KEY=VALUE"),
    ],
)
def test_a_wrong_experiment_gives_one_line_before_data_is_read(run, arguments, message):
    result = run("train", "--data", "nothere.csv", *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")
def test_an_experiment_is_trained_registered_scored_and_reproduced_like_the_default(run):
    make_requests(60).to_parquet("requests.parquet")
    Path("words.toml").write_text(EXPERIMENT)

    trained = run("train", "--data", "requests.parquet", "--experiment", "words.toml", "--folds", "2", "--jobs", "1")

    assert trained.exit_code == 0, trained.output
    assert "registered as models:/imr-ml/1 (challenger)" in trained.stdout
    assert not read_model(Path("models/latest")).nlp.canonical_tokens
    with connected() as client:
        version = client.get_model_version("imr-ml", "1")
        recorded = client.get_run(version.run_id)
        file = client.download_artifacts(version.run_id, "experiment.toml")
    settings = read_experiment(file).experiment.training_settings()
    assert settings.nlp.canonical_tokens is False
    assert recorded.data.params["nlp.canonical_tokens"] == "False"
    assert recorded.data.params["training.half_life_years"] == "inf"
    assert recorded.data.tags["experiment"] == "words"
    changes = "nlp.canonical_tokens=False, families.alternatives=none, training.half_life_years=inf"
    assert recorded.info.run_name.startswith(f"words: {changes} | 60 req")
    scored = run("score", "requests.parquet", "--output", "scored.csv", "--model", "models:/imr-ml@challenger")
    assert scored.exit_code == 0, scored.output
    reproduced = run("reproduce", f"{version.run_id}", "--here", "--from-table")
    assert reproduced.exit_code == 0, reproduced.output


def test_the_ladder_compares_experiments_on_the_same_folds_and_stores_nothing(run):
    make_requests(60).to_parquet("requests.parquet")
    Path("mine.toml").write_text(EXPERIMENT)

    result = run("ladder", "mine.toml", "complement_nb", "--data", "requests.parquet", "--folds", "2", "--repeats", "1")

    assert result.exit_code == 0, result.output
    for name in ("base_rate", "plain_tfidf", "mine", "complement_nb", "roc auc", "f1 micro"):
        assert name in result.stdout
    assert not Path("mlflow.db").exists()
    assert not Path("models").exists()


def test_a_ladder_with_an_unknown_experiment_gives_one_line(run):
    result = run("ladder", "none_such", "--data", "nothere.csv")

    assert result.exit_code == 2
    assert result.stderr.startswith("imr-ml: no experiment is called 'none_such'")


@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")
def test_a_nonlinear_classifier_is_registered_promoted_scored_and_reproduced(run):
    make_requests(60).to_parquet("requests.parquet")
    quick = ("--folds", "2", "--jobs", "1", "--set", "evaluation.repeats=1", "--set", "evaluation.resamples=20")

    trained = run("train", "--data", "requests.parquet", "--experiment", "gradient_boosting", *quick)

    assert trained.exit_code == 0, trained.output
    no_evidence = "gradient_boosting has no exact contributions: the evidence of the outcome stays empty"
    assert no_evidence in Path("models/latest/README.md").read_text()
    promoted = run("promote", "--force", "--reason", "for a test")
    assert promoted.exit_code == 0, promoted.output
    scored = run("score", "requests.parquet", "--output", "scored.csv", "--model", "models:/imr-ml@champion")
    assert scored.exit_code == 0, scored.output
    assert no_evidence in scored.stderr
    reproduced = run("reproduce", "models:/imr-ml/1", "--here", "--from-table")
    assert reproduced.exit_code == 0, reproduced.output
