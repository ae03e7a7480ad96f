"""Contents of the store after one recorded training."""

import json
import zipfile
from math import isfinite
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient, MlflowException

from imr_ml.evaluation.comparison import MODEL
from imr_ml.files import sha256_of
from imr_ml.model_files import read_model
from imr_ml.tracking.batches import record_batch
from imr_ml.tracking.predictions import Folds, read_held_out
from imr_ml.tracking.records import list_unsent
from imr_ml.tracking.registry import CHALLENGER, MODEL_NAME
from imr_ml.tracking.runs import Extras, record
from imr_ml.tracking.sending import UnsentError
from imr_ml.tracking.uris import TrackingError

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

FIGURES = {
    *(
        "beside_baselines",
        "by_fold",
        "confusion",
        "family_coefficients",
        "family_f1",
        "outcome_coefficients",
        "precision_recall",
    ),
    *("reliability", "roc", "score_histogram", "slices"),
}


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
        **{f".over_{name}": table for name, table in evaluation.differences.items()},
    }
    expected = {
        f"{metric}{whose}{end}": value
        for whose, table in tables.items()
        for metric, estimate in table.items()
        for end, value in (("", estimate.value), (".low", estimate.low), (".high", estimate.high))
    } | trained.coverage
    expected |= {
        f"{metric}.{name}": estimate.value
        for name, table in evaluation.estimates.items()
        if name != MODEL
        for metric, estimate in table.items()
    }

    finite = {name: value for name, value in expected.items() if isfinite(value)}
    assert {name: run.data.metrics.get(name) for name in finite} == finite
    assert {"outcome.roc_auc.low", "outcome.roc_auc.plain_tfidf"} <= set(finite)


def test_values_by_fold_are_steps_of_a_metric(client, run, trained):
    history = client.get_metric_history(run.info.run_id, "family.f1_micro.by_fold")
    values = trained.evaluation.by_fold["family.f1_micro"].ravel()
    assert [point.step for point in sorted(history, key=lambda point: point.step)] == list(range(len(values)))
    assert {point.value for point in history} == set(values)


def test_each_baseline_is_a_child_run(client, run, trained):
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {child.info.run_name for child in children} == {
        "base rate | 60 req | 0123456*",
        "UR's families | 60 req | 0123456*",
        "plain TF-IDF | 60 req | 0123456*",
    }
    for child in children:
        assert child.info.status == "FINISHED"
        assert child.data.tags["data.sha256"] == trained.data.sha256
        assert child.inputs.dataset_inputs[0].dataset.digest == run.inputs.dataset_inputs[0].dataset.digest
        estimates = trained.evaluation.estimates[child.data.params["predictor"]]
        assert child.data.metrics[
            "family.f1_micro" if "ur_" in child.data.params["predictor"] else "outcome.brier"
        ] in {estimate.value for estimate in estimates.values()}
        assert child.data.params["data.requests"] == run.data.params["data.requests"]


def test_out_of_fold_predictions_are_recorded_without_text_or_case_numbers(client, run, trained, tmp_path):
    path = client.download_artifacts(run.info.run_id, "evaluation/out_of_fold.parquet", tmp_path)
    table = pd.read_parquet(path)
    assert {"request", "case", "repeat", "fold", "overturned", "p_overturned", "p_acoem", "cited_odg"} < set(table)
    assert table.dtypes.map(lambda kind: kind.kind in "biuf").all()
    assert len(table) == 2 * trained.data.requests
    held_out = read_held_out(Path(path))
    assert held_out.folds == Folds(trained.data.sha256, folds=3, repeats=2, seed=0, stratify=True)
    assert len(set(held_out.groups)) == trained.data.groups
    assert (held_out.fold_of == trained.evaluation.fold_of).all()
    assert table.groupby(["repeat", "case"])["fold"].nunique().eq(1).all(), "a case is held out in one fold"
    for read, written in zip(held_out.predicted.repeats, trained.evaluation.out_of_fold.repeats, strict=True):
        assert (read.p_overturned == written.p_overturned).all()
        assert (read.family_set == written.family_set).all()


def test_slices_are_a_table_that_the_ui_shows(client, run, trained, tmp_path):
    path = client.download_artifacts(run.info.run_id, "evaluation/slices.json", tmp_path)
    table = json.loads(Path(path).read_text())
    assert {"kind", "slice", "requests", "value", "low", "high"} <= set(table["columns"])
    assert {"path": "evaluation/slices.json", "type": "table"} in json.loads(run.data.tags["mlflow.loggedArtifacts"])


def test_the_outbox_is_empty_after_sending(in_tracked):
    assert list_unsent() == []


def test_the_run_has_a_readable_name_and_finished(run, in_tracked):
    assert run.info.run_name == in_tracked.run.name == "tfidf+facts C=0.3 | 60 req | 0123456*"
    assert run.info.status == "FINISHED"


def test_settings_are_flat_params(run):
    params = run.data.params
    assert params["outcome.C"] == "0.3"
    assert params["outcome.weights.summary"] == "1.0"
    assert params["families.weights.summary"] == "0.0"
    assert params["nlp.negation"] == "True"
    assert params["evaluation.repeats"] == "2"
    assert params["data.requests"] == "60"
    assert "evaluation.jobs" not in params


def test_tags_contain_the_origin_of_data_and_code(run, trained):
    tags = run.data.tags
    assert tags["data.kind"] == tags["data.source"] == "sample"
    assert tags["data.sha256"] == trained.data.sha256
    assert tags["git.commit"].startswith("0123456")
    assert tags["git.dirty"] == "true"
    assert tags["version.mlflow"]


def test_the_description_starts_with_the_warning_about_sample_data(run, trained):
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
    assert "request" in {column["name"] for column in json.loads(used.dataset.schema)["mlflow_colspec"]}
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]


def test_figures_are_images_of_readable_size(client, run, in_tracked):
    paths = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    assert paths == {f"figures/{name}.png" for name in FIGURES}
    for path in paths:
        content = (in_tracked.folder / "mlartifacts" / run.info.run_id / "artifacts" / path).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20]) >= 800, "pixels wide"


def test_the_newest_version_is_the_challenger_with_a_description(client, in_tracked):
    version = client.get_model_version_by_alias(MODEL_NAME, CHALLENGER)
    assert str(version.version) == in_tracked.run.model_version
    assert version.run_id == in_tracked.run.run_id
    assert version.tags["data.kind"] == "sample"
    assert version.description.startswith("SYNTHETIC sample corpus; 60 requests; outcome ROC AUC 0.")


def test_the_logged_model_has_the_metrics_and_params_of_the_run(client, run):
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert {metric.key for metric in logged.metrics} == set(run.data.metrics)
    assert {metric.dataset_digest for metric in logged.metrics} == {run.inputs.dataset_inputs[0].dataset.digest}
    assert logged.params["outcome.C"] == "0.3"


def test_no_planted_phrase_is_in_a_store_after_training_and_scoring(
    trained, tracked, tracking_requests, empty_store, monkeypatch
):
    """The model's vocabulary contains words and pairs of words, so the scan of it looks for phrases of three words."""
    record(trained, tracked.model_folder)
    tracking_requests.to_parquet(empty_store / "requests.parquet")
    _score_and_record(tracked.model_folder, empty_store / "requests.parquet")
    stored = [empty_store / "mlflow.db", *(path for path in (empty_store / "mlartifacts").rglob("*") if path.is_file())]
    words = {word for phrase in tracked.planted for word in phrase.split()}

    for path in stored:
        leaked = [text for text in (tracked.planted if path.suffix == ".skops" else words) if text in _text_in(path)]
        assert leaked == [], path.name
    assert "outcome.roc_auc" in _text_in(stored[0])
    assert "imr_ml scoring" in _text_in(stored[0])
    (model,) = [path for path in stored if path.name == "model.skops"]
    assert "marzolin" in _text_in(model), "the scan sees the vocabulary"


def test_texts_are_recorded_if_passed(trained, tracked, drawn_once, tracking_requests, empty_store):
    run = record(trained, tracked.model_folder, extras=Extras(texts=tracking_requests))
    path = empty_store / "mlartifacts" / run.run_id / "artifacts" / "evaluation" / "requests.json"
    assert all(phrase in path.read_text() for phrase in tracked.planted)
    tags = MlflowClient(run.tracking_uri).get_run(run.run_id).data.tags
    assert {"path": "evaluation/requests.json", "type": "table"} in json.loads(tags["mlflow.loggedArtifacts"])


def test_a_batch_run_has_counts_shares_and_the_model_version(tracked, tracking_requests, empty_store):
    tracking_requests.to_parquet(empty_store / "requests.parquet")
    run = _score_and_record(tracked.model_folder, empty_store / "requests.parquet")
    client = MlflowClient(run.tracking_uri)
    recorded = client.get_run(run.run_id).data
    assert client.get_experiment(run.experiment_id).name == "imr_ml scoring"
    assert recorded.metrics["rows"] == recorded.metrics["rows.scored"] == 60
    assert sum(value for name, value in recorded.metrics.items() if name.startswith("share.")) == pytest.approx(1)
    assert recorded.params["model.version"] == read_model(tracked.model_folder).version
    assert recorded.tags["model.data.kind"] == "sample"
    assert recorded.tags["input.sha256"] == sha256_of(empty_store / "requests.parquet")
    assert "requests.parquet" not in json.dumps([recorded.params, recorded.tags])


def _score_and_record(model_folder, requests):
    from imr_ml.scoring.batch import score_file

    model = read_model(model_folder)
    summary = score_file(requests, requests.with_name("scored.parquet"), model)
    return record_batch(requests, summary, model, {"coverage": 0.9}, elapsed_s=2.0)


def _text_in(path):
    """Text content of a file, including members of archives and text arrays."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(name).replace(b"\0", b"") for name in archive.namelist()]
        return b"\n".join(parts).decode("utf-8", errors="ignore")
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    return path.read_bytes().decode("utf-8", errors="ignore")


def test_a_rejected_run_fails_registers_nothing_and_stays_in_the_outbox(
    trained, tracked, drawn_once, empty_store, monkeypatch
):
    def refuse(*_, **__):
        raise MlflowException("the store is full")

    monkeypatch.setattr(MlflowClient, "log_model_artifacts", refuse)
    with pytest.raises(UnsentError, match=r"mlflow\.db: the store is full; nothing is lost.*imr-ml sync$") as error:
        record(trained, tracked.model_folder)
    assert list_unsent() == [error.value.folder]

    client = MlflowClient(f"sqlite:///{empty_store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("imr_ml training")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert run.info.run_name == "tfidf+facts C=0.3 | 60 req"
    assert client.search_registered_models() == []


def test_a_deleted_experiment_is_reported_with_the_command_that_restores_it(trained, tracked, drawn_once, empty_store):
    client = MlflowClient(f"sqlite:///{empty_store / 'mlflow.db'}")
    deleted = client.create_experiment("imr_ml training")
    client.delete_experiment(deleted)

    with pytest.raises(TrackingError, match=f"was deleted.*--experiment-id {deleted}"):
        record(trained, tracked.model_folder)
