"""Sweeps in MLflow: one run for the sweep, and one for each trial with its values and metrics."""

import pytest
from mlflow import MlflowClient
from tracking.servers import free_port, mlflow_server
from tracking.sweep_examples import FILE_TEXT, make_sweep

from imr_ml.experiments.schema import flat_keys
from imr_ml.sweeps.results import winner_toml
from imr_ml.tracking.git import GitState
from imr_ml.tracking.records import list_unsent
from imr_ml.tracking.sending import UnsentError
from imr_ml.tracking.sweeps import SWEEPS, record_sweep
from imr_ml.tracking.views import pages

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")
GIT = GitState("0123456789abcdef0123456789abcdef01234567", dirty=True)
VARIED = ("outcome.C", "outcome.weights.facts", "features.request.ngrams")


def _record(folder):
    sweep = make_sweep(folder)
    return sweep, record_sweep(sweep, {"sweep.toml": FILE_TEXT, "best.toml": winner_toml(sweep)}, GIT)


def _trials_of(client, recorded):
    """Runs of the trials, in the order of their names."""
    query = f"tags.mlflow.parentRunId = '{recorded.run_id}'"
    return sorted(client.search_runs([recorded.experiment_id], query), key=lambda run: run.info.run_name)


@pytest.fixture
def recorded(empty_store):
    sweep, run = _record(empty_store)
    client = MlflowClient(run.tracking_uri)
    return sweep, client, client.get_run(run.run_id), _trials_of(client, run)


def test_a_sweep_is_one_run_with_a_run_for_each_trial(recorded):
    sweep, client, parent, trials = recorded

    assert client.get_experiment(parent.info.experiment_id).name == SWEEPS
    assert parent.info.run_name == "mine: 18 trials | 60 req | 0123456*"
    assert parent.data.tags["kind"] == "sweep"
    assert len(trials) == len(sweep.trials) == 18
    assert {run.data.tags["kind"] for run in trials} == {"trial"}
    assert {run.info.status for run in (parent, *trials)} == {"FINISHED"}


def test_the_sweeps_run_describes_the_gain(recorded):
    sweep, client, parent, _ = recorded

    assert parent.data.metrics["outcome.roc_auc"] == 0.7
    assert parent.data.metrics["outcome.roc_auc.file.low"] == 0.6
    assert parent.data.metrics["outcome.roc_auc.over_file.high"] == 0.03
    assert sweep.verdict in parent.data.tags["mlflow.note.content"]
    assert "Synthetic sample corpus" in parent.data.tags["mlflow.note.content"]
    assert parent.data.params["outcome.C"] == "0.3"
    assert parent.data.params["sweep.varied.outcome.C"] == "0.1..10.0 log"
    assert parent.data.params["sweep.winner.outcome.C"] == "1.0"
    assert set(flat_keys(sweep.plan.base.experiment.values())) <= set(parent.data.params)
    assert {artifact.path for artifact in client.list_artifacts(parent.info.run_id)} == {"sweep.toml", "best.toml"}


def test_a_trial_has_the_varied_keys_and_its_inner_metrics(recorded):
    _, client, _, trials = recorded

    first = trials[0]
    assert first.info.run_name == "all: trial 0 | 60 req | 0123456*"
    assert first.data.params == {"outcome.C": "0.2", "outcome.weights.facts": "0.0", "features.request.ngrams": "1"}
    assert first.data.metrics["inner.outcome.roc_auc"] == pytest.approx(0.6015)
    assert first.data.metrics["inner.family.f1_micro"] == 0.8
    assert first.data.metrics["inner.folds"] == 2
    assert (first.data.tags["search"], first.data.tags["state"]) == ("all", "complete")
    steps = client.get_metric_history(first.info.run_id, "inner.outcome.roc_auc.by_fold")
    assert [(step.step, step.value) for step in steps] == [(0, 0.6), (1, 0.603)]
    assert sum(run.data.tags["state"] == "pruned" for run in trials) == 3
    assert all(set(run.data.params) == set(VARIED) for run in trials)


def test_no_param_tag_or_name_contains_the_files_description(recorded):
    _, _, parent, trials = recorded

    for run in (parent, *trials):
        values = [run.info.run_name, *run.data.params.values(), *run.data.tags.values()]
        assert [value for value in values if "quembolic" in value] == []


def test_every_metric_and_tag_of_a_view_of_sweeps_is_recorded(recorded):
    _, _, parent, trials = recorded
    runs = (parent, *trials)
    tags = {f"tag:{name}" for run in runs for name in run.data.tags}
    metrics = {name for run in runs for name in run.data.metrics} | {"inner.outcome.brier"}

    for view in pages()[SWEEPS].views.values():
        assert set(view.columns) <= tags | metrics | {"Dataset"}
        assert view.order_by in metrics | {""}


def test_a_rejected_sweep_stays_in_the_outbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(UnsentError, match="nothing is lost"):
        _record(tmp_path)

    assert len(list_unsent()) == 1


@pytest.mark.slow
def test_a_server_accepts_a_sweep(tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.chdir(tmp_path)
    with mlflow_server(tmp_path, port):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        sweep, run = _record(tmp_path)
        client = MlflowClient(run.tracking_uri)
        trials = _trials_of(client, run)
        assert len(trials) == len(sweep.trials)
        assert all(set(trial.data.params) == set(VARIED) for trial in trials)
        assert {artifact.path for artifact in client.list_artifacts(run.run_id)} == {"sweep.toml", "best.toml"}
