"""Arguments that `imr-ml train` passes to tracking; the training is the small one that all tests share."""

import json

import pandas as pd
import pytest
from tracking.servers import free_port
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.tracking.records import list_unsent


@pytest.fixture
def train(trained, tracking_requests, drawn_once, tmp_path, monkeypatch):
    """Trains and returns the record, which stays on disk because no server answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("imr_ml.training.train", lambda *_: trained)
    undecided = tracking_requests.head(3).assign(outcome=None).astype(tracking_requests.dtypes)
    pd.concat([undecided, tracking_requests]).to_parquet("requests.parquet")

    def run(*arguments):
        result = CliRunner().invoke(app, ["train", "--data", "requests.parquet", *arguments])
        assert result.exit_code == 0, result.output
        (record,) = list_unsent()
        return record

    return run


def test_texts_are_tracked_with_their_predictions_if_requested(train, trained, tracking_requests):
    path = train("--log-text") / "artifacts" / "model" / "evaluation" / "requests.json"
    table = json.loads(path.read_text())
    texts = pd.DataFrame(table["data"], columns=table["columns"])
    assert texts["request"].tolist() == tracking_requests["request"].tolist()
    assert texts["rationale"].tolist() == tracking_requests["rationale"].tolist()
    assert texts["overturned"].tolist() == tracking_requests["outcome"].eq("overturned").tolist()
    assert texts["p_overturned"].tolist() == pytest.approx(trained.evaluation.out_of_fold.mean_p_overturned)


def test_no_text_is_tracked_if_not_requested(train, tracked):
    record = train()
    files = [record / "record.json", *(path for kind in ("json", "md", "html") for path in record.rglob(f"*.{kind}"))]
    assert not any("requests.json" in path.name for path in files)
    assert {"record.json", "slices.json", "model_card.md", "report.html"} <= {path.name for path in files}
    assert [path.name for path in files for phrase in tracked.planted if phrase in path.read_text()] == []


def test_allowed_errors_are_recorded_on_the_run_and_the_version(train, tracking_requests):
    tracking_requests.head(20).to_parquet("few.parquet")
    facts = json.loads((train("--data", "few.parquet", "--allow-errors", "--name", "few") / "record.json").read_text())
    assert facts["runs"][0]["name"] == "few"
    assert facts["runs"][0]["tags"]["data.errors"] == facts["model"]["tags"]["data.errors"] == "too_few"
    assert facts["model"]["description"].endswith("TRAINED DESPITE ERRORS in the data: too_few")


def test_the_report_is_recorded_and_saved_in_the_models_folder(train, tmp_path):
    record = train()
    pages = [record / "artifacts" / "model", record / "model" / "data" / "latest", tmp_path / "models" / "latest"]
    assert len({(page / "report.html").read_text("utf-8") for page in pages}) == 1
    text = (pages[0] / "report.html").read_text("utf-8")
    assert "SYNTHETIC" in text
    assert text.count("data:image/png") > 8
    assert "report.html)" in (record / "record.json").read_text("utf-8")
