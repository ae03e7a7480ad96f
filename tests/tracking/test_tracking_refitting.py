"""A champion of fewer letters that is refitted on the challenger's data, and the record of the promotion."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from factories import make_requests
from mlflow import MlflowClient
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.corpus.schema import validate_requests
from imr_ml.corpus.store import write_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.ingest.sources import manifest_here
from imr_ml.model_files import MANIFEST, save_model
from imr_ml.tracking.comparing import compare_runs
from imr_ml.tracking.judging import judge
from imr_ml.tracking.promotion import promote
from imr_ml.tracking.refitting import REFIT_OF
from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, check_run_name
from imr_ml.tracking.runs import Extras, record
from imr_ml.tracking.uris import TrackingError
from imr_ml.training import TrainingSettings, train

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.fixture(scope="module")
def requests():
    """Requests of 35 cases, decided within a year."""
    table = make_requests(70, seed=3)
    case = table["case_number"].factorize()[0]
    days = pd.to_timedelta(case * 17 % 35 * 10, unit="D")
    table["decision_date"] = (pd.Timestamp("2015-01-01") + days).strftime("%Y-%m-%d")
    return complete_requests(validate_requests(table, "test"))


@pytest.fixture(scope="module")
def models(requests):
    """Two trainings: one on part of the requests, one on all."""
    settings = TrainingSettings(evaluation=EvaluationSettings(folds=3, repeats=2, resamples=50, jobs=1))
    return {"fewer": train(requests.head(50), settings), "all": train(requests, settings)}


@pytest.fixture
def store(models, requests, drawn_once, empty_store):
    """The champion was trained on 50 requests, the challenger on all 70; both tables exist."""
    for name, training in models.items():
        write_requests(requests.head(training.data.requests), Path(f"{name}.parquet"))
        folder = save_model(training, Path(f"models/{name}"), manifest=manifest_here(Path(f"{name}.parquet")))
        record(training, folder, extras=Extras(compared=(), manifest=folder / MANIFEST, name=name))
    client = MlflowClient(f"sqlite:///{empty_store}/mlflow.db")
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")
    return client


@pytest.mark.slow
def test_a_champion_of_fewer_cases_is_refitted_and_replaced_by_the_challenger(store, models):
    trained = models["all"]
    result = CliRunner().invoke(app, ["promote"])

    assert result.exit_code == 0, result.output
    assert "the champion, version 1, was refitted on the data and folds of version 2" in result.output
    assert "it is as good, outcome.roc_auc +0.000 [+0.000, +0.000]" in result.output, "both have the same settings"
    assert f"trained on more cases ({trained.data.cases}, " in result.output
    assert "@champion is version 2 (before: version 1" in result.output
    version = store.get_model_version(MODEL_NAME, "2")
    assert version.tags["promotion.outcome"] == "promoted"
    assert "| challenger minus champion | value |" in version.description
    assert "| on later decisions | value |" in version.description
    assert "on later decisions" in result.output
    refitted = store.get_run(version.tags["promotion.refit_run"])
    assert refitted.data.tags[REFIT_OF] == "1"
    assert refitted.data.tags["mlflow.parentRunId"] == version.run_id
    assert refitted.data.params["data.cases"] == str(trained.data.cases)
    assert refitted.data.metrics["outcome.roc_auc"] == pytest.approx(
        trained.evaluation.estimates["model"]["outcome.roc_auc"].value
    )
    paired = compare_runs([refitted.info.run_id, "2"]).differences[0]
    assert paired["family.f1_micro"].value == 0


def test_a_version_that_is_as_good_but_of_fewer_cases_is_not_promoted(store):
    store.set_registered_model_alias(MODEL_NAME, CHAMPION, "2")
    for named in ("1", "fewer", f"models:/{MODEL_NAME}/1"):
        result = promote(named)
        assert (result.version, result.promoted) == ("1", False), named
        assert "not simpler" in result.verdict.reason
    with pytest.raises(TrackingError, match="version 2 is already the champion"):
        promote(CHALLENGER)
    with pytest.raises(TrackingError, match="no run has the name or identifier 'nobody'"):
        promote("nobody")


def test_a_challenger_without_its_data_is_not_promoted(store):
    Path("all.parquet").unlink()
    result = promote()
    assert not result.promoted
    assert "the champion can't be refitted on its data and folds" in result.verdict.reason
    assert "all.parquet" in result.verdict.reason
    assert result.refit == ""


def test_runs_are_compared_by_name_version_and_alias(store):
    comparison = compare_runs(["fewer", "1", "champion", "@challenger", "all", "2"])
    assert [run.name for run in comparison.runs] == ["fewer", "fewer", "fewer", "all", "all", "all"]


@pytest.mark.parametrize("name", ["7", "champion", "@challenger", "models:/x", "runs:/x"])
def test_a_run_name_that_looks_like_a_version_is_an_error(name):
    with pytest.raises(TrackingError, match="choose another name"):
        check_run_name(name)
    check_run_name(f"letters of {name}")


def test_a_challenger_that_is_worse_on_later_decisions_is_not_promoted(tracked, in_tracked):
    (run, _) = compare_runs([in_tracked.run.run_id] * 2).runs
    better = replace(run, params=run.params | {"data.cases": "9999"})
    assert judge(better, run, {"outcome.roc_auc": Estimate(-0.1, -0.2, 0.1)}).promote
    verdict = judge(better, run, {"outcome.roc_auc": Estimate(-0.2, -0.3, -0.1)})
    assert not verdict.promote
    assert verdict.reason == "it is worse on later decisions: outcome.roc_auc -0.200 [-0.300, -0.100]"


@pytest.mark.parametrize("command", [["promote"], ["rollback"], ["compare", "a", "b"], ["reproduce", "a"]])
def test_a_command_without_a_store_does_not_create_one(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "no run was tracked here yet; train a model with 'imr-ml train'" in result.stderr
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(tmp_path)


@pytest.mark.slow
def test_a_champion_is_refitted_on_the_tested_folds_of_a_large_table(requests, drawn_once, empty_store):
    settings = TrainingSettings(evaluation=EvaluationSettings(folds=3, resamples=50, jobs=1, large_from=60, repeats=1))
    for name, rows in {"fewer": 50, "all": 70}.items():
        write_requests(requests.head(rows), Path(f"{name}.parquet"))
        trained = train(requests.head(rows), settings)
        folder = save_model(trained, Path(f"models/{name}"), manifest=manifest_here(Path(f"{name}.parquet")))
        record(trained, folder, extras=Extras(compared=(), manifest=folder / MANIFEST, name=name))
    client = MlflowClient(f"sqlite:///{empty_store}/mlflow.db")
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")

    result = promote(CHALLENGER)

    refitted = client.get_run(result.refit)
    assert result.promoted
    assert refitted.data.metrics["outcome.roc_auc"] == trained.evaluation.estimates["model"]["outcome.roc_auc"].value
    assert len(trained.evaluation.rows) < 35
