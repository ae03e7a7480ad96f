"""Fetching a registered model."""

import pytest

from imr_ml.model_files import load_model
from imr_ml.tracking import TrackingError, fetch_model

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.mark.parametrize("uri", ["models:/imr-ml@challenger", "models:/imr-ml/1", "runs:/{run}/model"])
def test_a_fetched_model_is_the_one_that_was_recorded(in_tracked, uri):
    folder = fetch_model(uri.format(run=in_tracked.run.run_id))
    assert load_model(folder).version == load_model(in_tracked.model_folder).version


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("models:/imr-ml@champion", r"imr-ml has versions 1 and aliases @challenger \(1\)$"),
        ("models:/imr-ml/7", r"imr-ml has versions 1 and aliases @challenger \(1\)$"),
        ("models:/impl@champion", "no model 'impl' in sqlite:.*; registered are: imr-ml$"),
        ("runs:/0123/model", "^runs:/0123/model: .*not found"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(in_tracked, uri, told):
    with pytest.raises(TrackingError, match=told) as error:
        fetch_model(uri)
    assert "\n" not in str(error.value)


def test_an_empty_registry_is_told(empty_store):
    with pytest.raises(TrackingError, match="none is registered; train one with 'make train'"):
        fetch_model("models:/imr-ml@challenger")


def test_asking_where_nothing_was_tracked_makes_no_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match="no model was tracked yet"):
        fetch_model("models:/imr-ml@challenger")
    assert list(tmp_path.iterdir()) == []
