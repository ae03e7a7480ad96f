"""Drift reports as runs, without text of requests."""

import json
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.files import sha256_of
from imr_ml.model_files import read_model
from imr_ml.tracking.batches import SCORING
from imr_ml.tracking.views import pages

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.fixture
def checked(tracked, tracking_requests, empty_store):
    """Runs the command on requests of new cases that are all for the same treatment."""
    batch = tracking_requests.assign(request=tracking_requests["request"].iloc[1], category="Surgery")
    batch["case_number"] = "CM19-" + batch["case_number"].str[-7:]
    batch.to_parquet(empty_store / "secret-name.parquet")

    def run(*arguments):
        return CliRunner().invoke(
            app,
            ["drift", "--current", "secret-name.parquet", "--model", str(tracked.model_folder), "--track", *arguments],
        )

    return run


def only_run(store):
    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("imr_ml scoring")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def test_a_drift_run_has_statistics_with_intervals_settings_and_a_figure(checked, tracked, empty_store, tmp_path):
    result = checked("--psi", "0.3")
    assert result.exit_code == 3, result.output
    assert "in 'imr_ml scoring'" in result.stdout

    run = only_run(empty_store)
    recorded = run.data
    assert run.info.status == "FINISHED"
    assert recorded.tags["drift"] == "yes"
    assert recorded.tags["model.data.kind"] == "sample"
    assert recorded.tags["input.sha256"] == sha256_of(empty_store / "secret-name.parquet")
    assert recorded.params["drift.psi"] == "0.3"
    assert recorded.params["drift.reference.rows"] == recorded.params["drift.current.rows"] == "60"
    assert recorded.params["model.version"] == read_model(tracked.model_folder).version
    values = [recorded.metrics[f"drift.psi.category{end}"] for end in (".low", "", ".high")]
    assert values == sorted(values)
    assert 0 <= recorded.metrics["drift.ks.p_overturned"] <= 1
    assert recorded.metrics["rows.compared"] == 60
    (view,) = pages()[SCORING].views.values()
    charts = {name for section in view.sections for name in section.bars if name.startswith("drift.")}
    assert charts <= set(recorded.metrics)
    picture = download_artifacts(run_id=run.info.run_id, artifact_path="drift/drift.png", dst_path=str(tmp_path))
    assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_a_batch_without_drift_is_recorded_as_no_drift(checked, empty_store):
    assert checked("--psi", "1000", "--ks", "1").exit_code == 0
    assert only_run(empty_store).data.tags["drift"] == "no"


def test_a_drift_run_contains_no_text_case_number_or_file_name(checked, tracked, tracking_requests, empty_store):
    checked()

    run = only_run(empty_store)
    recorded = json.dumps([run.data.params, run.data.tags, run.info.run_name, run.data.metrics])
    path = download_artifacts(run_id=run.info.run_id, artifact_path="drift/drift.json", dst_path=str(empty_store))
    recorded += Path(path).read_text("utf-8")
    batch = pd.read_parquet(empty_store / "secret-name.parquet")
    for phrase in (*tracked.planted, "secret-name", *batch["case_number"], *tracking_requests["request"]):
        assert phrase not in recorded
