"""Fetching a registered model."""

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
def test_a_fetched_model_is_the_one_that_was_recorded(in_tracked, uri):
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
def test_what_is_not_there_is_reported_with_what_is(in_tracked, uri, message):
    with pytest.raises(TrackingError, match=message) as error:
        fetch_model(uri)
    assert "\n" not in str(error.value)


def test_a_version_whose_files_were_moved_is_reported_with_their_place(tracked, tmp_path, monkeypatch):
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
    done = CliRunner().invoke(app, ["score", "requests.csv", "--output", "scored.csv", "--model", model])
    assert done.exit_code == 2
    assert f"{model}: name a folder, models:/imr-ml@champion or runs:/RUN/model" in done.output


def test_an_empty_registry_is_reported(empty_store):
    with pytest.raises(TrackingError, match="no model is registered; train one with 'imr-ml train'"):
        fetch_model("models:/imr-ml@challenger")


def test_asking_where_nothing_was_tracked_makes_no_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match="no run was tracked here yet"):
        fetch_model("models:/imr-ml@challenger")
    assert list(tmp_path.iterdir()) == []
