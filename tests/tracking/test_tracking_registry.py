"""Downloading registered models."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.model_files import read_model
from imr_ml.tracking.registry import fetch_model
from imr_ml.tracking.uris import TrackingError

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.mark.parametrize("uri", ["models:/imr-ml@challenger", "models:/imr-ml/1", "runs:/{run}/model"])
def test_a_downloaded_model_equals_the_recorded_one(in_tracked, uri):
    folder = fetch_model(uri.format(run=in_tracked.run.run_id))
    assert read_model(folder).version == read_model(in_tracked.model_folder).version


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/imr-ml@champion", r"imr-ml has versions 1 and aliases @challenger \(1\)$"),
        ("models:/imr-ml/7", r"imr-ml has versions 1 and aliases @challenger \(1\)$"),
        ("models:/impl@champion", "no model 'impl' in sqlite:.*; registered models: imr-ml$"),
        ("runs:/0123/model", "^runs:/0123/model: .*not found"),
    ],
)
def test_a_missing_model_is_an_error_that_lists_the_existing_ones(in_tracked, uri, message):
    with pytest.raises(TrackingError, match=message) as error:
        fetch_model(uri)
    assert "\n" not in str(error.value)


def test_moved_files_of_a_version_are_an_error_with_their_path(tracked, tmp_path, monkeypatch):
    shutil.copy(tracked.folder / "mlflow.db", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    gone = f"{tmp_path}/moved away/model"
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as store, store:
        store.execute("update logged_models set artifact_location = ?", [f"file://{gone}"])
        store.execute("update model_versions set storage_location = ?", [f"file://{gone}"])
    with pytest.raises(TrackingError, match=f"its files are no longer at {gone}; restore that folder"):
        fetch_model("models:/imr-ml@challenger")


@pytest.mark.parametrize("model", ["http://127.0.0.1:9/x", "s3://bucket/model"])
def test_a_model_is_a_folder_or_tracked(model):
    result = CliRunner().invoke(app, ["score", "requests.csv", "--output", "scored.csv", "--model", model])
    assert result.exit_code == 2
    assert f"{model}: name a folder, models:/imr-ml@champion or runs:/RUN/model" in result.output


def test_an_empty_registry_is_reported(empty_store):
    with pytest.raises(TrackingError, match="no model is registered; train one with 'imr-ml train'"):
        fetch_model("models:/imr-ml@challenger")


def test_fetching_without_a_store_does_not_create_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match="no run was tracked here yet"):
        fetch_model("models:/imr-ml@challenger")
    assert list(tmp_path.iterdir()) == []
