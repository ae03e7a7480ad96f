"""What one recorded training leaves in the store."""

import json
import sqlite3
import zipfile
from contextlib import closing
from math import isfinite

import pytest
from mlflow import MlflowClient

from imr_ml.evaluation import MODEL
from imr_ml.tracking import CHALLENGER, MODEL_NAME, TrackingError, record

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

FIGURES = {"confusion", "family_f1", "precision_recall", "reliability", "roc", "score_histogram"}


@pytest.fixture
def client(in_tracked):
    return MlflowClient(in_tracked.run.tracking_uri)


@pytest.fixture
def run(client, in_tracked):
    return client.get_run(in_tracked.run.run_id)


def test_every_estimate_of_the_evaluation_is_a_metric_with_its_interval(run, trained):
    evaluation = trained.evaluation
    tables = {
        "": evaluation.estimates[MODEL],
        **{f".{name}": table for name, table in evaluation.estimates.items() if name != MODEL},
        **{f".over_{name}": table for name, table in evaluation.differences.items()},
    }
    expected = {
        f"{metric}{whose}{end}": value
        for whose, table in tables.items()
        for metric, one in table.items()
        for end, value in (("", one.value), (".low", one.low), (".high", one.high))
    } | trained.coverage

    assert run.data.metrics == {name: value for name, value in expected.items() if isfinite(value)}
    assert {"outcome.roc_auc.low", "outcome.roc_auc.plain_tfidf"} <= set(run.data.metrics)


def test_the_run_has_a_readable_name_and_finished(run, in_tracked):
    assert run.info.run_name == in_tracked.run.name == "tfidf+facts C=0.3 | 60 req | 0123456*"
    assert run.info.status == "FINISHED"


def test_settings_are_flat_params(run):
    params = run.data.params
    assert params["outcome.C"] == "0.3"
    assert params["outcome.weights.summary"] == "1.0"
    assert params["family.weights.summary"] == "0.0"
    assert params["nlp.negation"] == "True"
    assert params["evaluation.repeats"] == "2"
    assert params["data.requests"] == "60"
    assert "evaluation.jobs" not in params


def test_tags_say_which_data_and_which_code(run, trained):
    tags = run.data.tags
    assert tags["data.kind"] == tags["data.source"] == "sample"
    assert tags["data.sha256"] == trained.data.sha256
    assert tags["git.commit"].startswith("0123456")
    assert tags["git.dirty"] == "true"
    assert tags["version.mlflow"]


def test_the_description_says_first_that_sample_figures_mean_nothing(run, trained):
    lines = run.data.tags["mlflow.note.content"].splitlines()
    assert lines[0].startswith("**Synthetic sample corpus")
    estimate = trained.evaluation.estimates[MODEL]["outcome.roc_auc"]
    assert any(line.startswith("| outcome.roc_auc |") and str(estimate) in line for line in lines)


def test_the_data_set_is_a_digest_column_names_and_counts(run, trained):
    (used,) = run.inputs.dataset_inputs
    assert trained.data.sha256.startswith(used.dataset.digest)
    assert json.loads(used.dataset.profile) == {
        "num_rows": 60,
        "cases": 30,
        "overturned": trained.data.overturned,
    }
    assert "request" in {one["name"] for one in json.loads(used.dataset.schema)["mlflow_colspec"]}
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]


def test_figures_are_pictures_of_legible_size(client, run, in_tracked):
    paths = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    assert paths == {f"figures/{name}.png" for name in FIGURES}
    for path in paths:
        content = (in_tracked.folder / "mlartifacts" / run.info.run_id / "artifacts" / path).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20]) >= 800, "pixels wide"


def test_the_newest_version_is_the_challenger_and_says_what_it_is(client, in_tracked):
    version = client.get_model_version_by_alias(MODEL_NAME, CHALLENGER)
    assert str(version.version) == in_tracked.run.model_version
    assert version.run_id == in_tracked.run.run_id
    assert version.tags["data.kind"] == "sample"
    assert version.description.startswith("SYNTHETIC sample corpus; 60 requests; outcome ROC AUC 0.")


def test_the_logged_model_carries_the_runs_metrics_and_params(client, run):
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    values = {metric.key: metric.value for metric in logged.metrics}
    assert values == run.data.metrics
    assert {metric.dataset_digest for metric in logged.metrics} == {run.inputs.dataset_inputs[0].dataset.digest}
    assert logged.params["outcome.C"] == "0.3"


def test_no_planted_phrase_is_in_the_store(in_tracked):
    words = {word for phrase in in_tracked.planted for word in phrase.split()}
    with closing(sqlite3.connect(in_tracked.folder / "mlflow.db")) as connection:
        database = "\n".join(connection.iterdump())
    assert "outcome.roc_auc" in database
    assert [word for word in words if word in database] == []


def test_no_planted_phrase_is_in_the_artifacts(in_tracked):
    """The model's own vocabulary holds words and pairs of words, so whole phrases are looked for in it."""
    words = {word for phrase in in_tracked.planted for word in phrase.split()}
    files = [path for path in (in_tracked.folder / "mlartifacts").rglob("*") if path.is_file()]
    models = [path for path in files if path.suffix == ".skops"]
    assert len(models) == 1
    for path in set(files) - set(models):
        content = path.read_bytes().decode("utf-8", errors="ignore")
        assert [word for word in words if word in content] == [], path.name
    with zipfile.ZipFile(models[0]) as archive:
        # Without null bytes, arrays of text read as text.
        parts = [archive.read(name).replace(b"\0", b"") for name in archive.namelist()]
    content = b"\n".join(parts).decode("utf-8", errors="ignore")
    assert "marzolin" in content, "the scan sees the vocabulary"
    assert [phrase for phrase in in_tracked.planted if phrase in content] == []


def test_a_run_that_raises_ends_as_failed_and_registers_nothing(trained, empty_store):
    with pytest.raises(OSError):
        record(trained, empty_store / "no such model", git=None)

    client = MlflowClient(f"sqlite:///{empty_store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("imr_ml training")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert run.info.run_name == "tfidf+facts C=0.3 | 60 req"
    assert client.search_registered_models() == []


def test_a_deleted_experiment_is_told_with_the_command_that_restores_it(trained, tracked, empty_store):
    client = MlflowClient(f"sqlite:///{empty_store / 'mlflow.db'}")
    deleted = client.create_experiment("imr_ml training")
    client.delete_experiment(deleted)

    with pytest.raises(TrackingError, match=f"was deleted.*--experiment-id {deleted}"):
        record(trained, tracked.model_folder)
