"""A champion of fewer letters, refitted on the challenger's data, and what the promotion records."""

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
    """A training on some of the requests and one on all."""
    settings = TrainingSettings(evaluation=EvaluationSettings(folds=3, repeats=2, resamples=50, jobs=1))
    return {"fewer": train(requests.head(50), settings), "all": train(requests, settings)}


@pytest.fixture
def store(models, requests, drawn_once, empty_store):
    """The champion learned from 50 requests, the challenger from all 70; both tables are there."""
    for name, one in models.items():
        write_requests(requests.head(one.data.requests), Path(f"{name}.parquet"))
        folder = save_model(one, Path(f"models/{name}"), manifest=manifest_here(Path(f"{name}.parquet")))
        record(one, folder, extras=Extras(compared=(), manifest=folder / MANIFEST, name=name))
    client = MlflowClient(f"sqlite:///{empty_store}/mlflow.db")
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")
    return client


@pytest.mark.slow
def test_a_champion_of_fewer_cases_is_refitted_on_the_challengers_and_gives_way_to_it(store, models):
    trained = models["all"]
    done = CliRunner().invoke(app, ["promote"])

    assert done.exit_code == 0, done.output
    assert "the champion, version 1, was refitted on the data and folds of version 2" in done.output
    assert "it is as good, outcome.roc_auc +0.000 [+0.000, +0.000]" in done.output, "both have the same settings"
    assert f"trained on more cases ({trained.data.cases}, " in done.output
    assert "@champion is version 2 (before: version 1" in done.output
    version = store.get_model_version(MODEL_NAME, "2")
    assert version.tags["promotion.outcome"] == "promoted"
    assert "| challenger minus champion | value |" in version.description
    assert "| on later decisions | value |" in version.description
    assert "on later decisions" in done.output
    refitted = store.get_run(version.tags["promotion.refit_run"])
    assert refitted.data.tags[REFIT_OF] == "1"
    assert refitted.data.tags["mlflow.parentRunId"] == version.run_id
    assert refitted.data.params["data.cases"] == str(trained.data.cases)
    assert refitted.data.metrics["outcome.roc_auc"] == pytest.approx(
        trained.evaluation.estimates["model"]["outcome.roc_auc"].value
    )
    paired = compare_runs([refitted.info.run_id, "2"]).differences[0]
    assert paired["family.f1_micro"].value == 0


def test_any_version_can_be_named_and_one_of_fewer_cases_is_not_promoted_for_being_as_good(store):
    store.set_registered_model_alias(MODEL_NAME, CHAMPION, "2")
    for named in ("1", "fewer", f"models:/{MODEL_NAME}/1"):
        done = promote(named)
        assert (done.version, done.promoted) == ("1", False), named
        assert "not simpler" in done.verdict.reason
    with pytest.raises(TrackingError, match="version 2 is already the champion"):
        promote(CHALLENGER)
    with pytest.raises(TrackingError, match="no run has the name or identifier 'nobody'"):
        promote("nobody")


def test_a_challenger_whose_data_are_gone_is_refused_with_the_reason(store):
    Path("all.parquet").unlink()
    done = promote()
    assert not done.promoted
    assert "the champion can't be refitted on its data and folds" in done.verdict.reason
    assert "all.parquet" in done.verdict.reason
    assert done.refit == ""


def test_runs_are_compared_by_name_version_and_alias(store):
    found = compare_runs(["fewer", "1", "champion", "@challenger", "all", "2"])
    assert [one.name for one in found.runs] == ["fewer", "fewer", "fewer", "all", "all", "all"]


@pytest.mark.parametrize("name", ["7", "champion", "@challenger", "models:/x", "runs:/x"])
def test_a_run_is_not_named_like_a_version(name):
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
def test_a_command_that_finds_no_store_makes_none(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "no run was tracked here yet; train a model with 'imr-ml train'" in done.stderr
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(tmp_path)


@pytest.mark.slow
def test_a_champion_is_refitted_on_the_part_that_a_large_table_was_tested_on(requests, drawn_once, empty_store):
    settings = TrainingSettings(evaluation=EvaluationSettings(folds=3, resamples=50, jobs=1, large_from=60, repeats=1))
    for name, rows in {"fewer": 50, "all": 70}.items():
        write_requests(requests.head(rows), Path(f"{name}.parquet"))
        trained = train(requests.head(rows), settings)
        folder = save_model(trained, Path(f"models/{name}"), manifest=manifest_here(Path(f"{name}.parquet")))
        record(trained, folder, extras=Extras(compared=(), manifest=folder / MANIFEST, name=name))
    client = MlflowClient(f"sqlite:///{empty_store}/mlflow.db")
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")

    done = promote(CHALLENGER)

    refitted = client.get_run(done.refit)
    assert done.promoted
    assert refitted.data.metrics["outcome.roc_auc"] == trained.evaluation.estimates["model"]["outcome.roc_auc"].value
    assert len(trained.evaluation.rows) < 35
