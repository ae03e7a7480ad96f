"""`imr-ml sweep`: output, winner file, recorded runs and bad input."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from factories import make_requests
from mlflow import MlflowClient
from tracking.servers import free_port
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.errors import ImrError
from imr_ml.experiments.reading import read_experiment
from imr_ml.sweeps.reading import read_plan
from imr_ml.sweeps.searching import Search, open_storage
from imr_ml.tracking.sweeps import SWEEPS

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")
EXPERIMENT = """\
[training]
half_life_years = [inf]
[families]
alternatives = []
[evaluation]
resamples = 20
[sweep]
outer_folds = 2
inner_folds = 2
"outcome.C" = {low = 0.03, high = 3.0, log = true}
"features.request.ngrams" = [1, 2]
"""
SWEEP = ("sweep", "mine.toml", "--data", "requests.parquet", "--jobs", "1")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in a folder with requests and an experiment file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    make_requests(60).to_parquet("requests.parquet")
    Path("mine.toml").write_text(EXPERIMENT)

    def invoke(*arguments):
        return CliRunner().invoke(app, list(arguments))

    return invoke


@pytest.mark.slow
def test_a_sweep_prints_its_cost_and_gain_writes_the_winner_and_is_recorded(run):
    result = run(*SWEEP, "--trials", "7")

    assert result.exit_code == 0, result.output
    assert "cost: 3 searches (2 outer folds, then all the data) of 2 trials" in result.stdout
    assert "6 trials (" in result.stdout
    assert "selected (nested)" in result.stdout
    assert "selected minus file, outcome.roc_auc: " in result.stdout
    winner = read_experiment("mine.best.toml")
    assert winner.experiment.training.half_life_years == (float("inf"),)
    assert winner.experiment.features.request.ngrams in (1, 2)
    client = MlflowClient(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(SWEEPS).experiment_id
    (parent,) = client.search_runs([experiment], "tags.kind = 'sweep'")
    assert parent.info.run_id in result.stdout
    assert len(client.search_runs([experiment], "tags.kind = 'trial'")) == 6

    again = run(*SWEEP)
    assert again.exit_code == 2
    assert again.stderr == "imr-ml: mine.best.toml: already exists; move it away, or choose another file with -o\n"


def test_training_ignores_the_sweep_table_and_says_so(run, monkeypatch):
    def stop(*_):
        raise ImrError("stopped")

    monkeypatch.setattr("imr_ml.training.train", stop)

    result = run("train", "--data", "requests.parquet", "--experiment", "mine.toml")

    assert "mine.toml: its [sweep] table is for 'imr-ml sweep'; training uses its other settings" in result.stdout
    assert result.stderr == "imr-ml: stopped\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sweep", "nothere.toml"), "nothere.toml: can't be read"),
        (("sweep", "default"), "default: has no [sweep] table; add one"),
        ((*SWEEP, "--set", "outcome.c=1"), "outcome.c: unknown key of logistic_regression; allowed: "),
        ((*SWEEP, "--set", "sweep.objective=1"), "sweep: unknown key"),
        ((*SWEEP, "--trials", "2"), "2 trials are too few for 3 searches"),
        (("sweep", "mine.toml", "--data", "nothere.csv"), "nothere.csv"),
    ],
)
def test_bad_input_gives_one_line_and_leaves_no_files(run, arguments, message):
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path("sweeps").exists()
    assert not Path("mine.best.toml").exists()


def _ended_trials(store):
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as database:
        try:
            query = "SELECT COUNT(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')"
            return database.execute(query).fetchone()[0]
        except sqlite3.OperationalError:
            return 0


def _results(store):
    plan = read_plan("mine.toml")
    with open_storage(store) as storage:
        searches = [Search(name, plan, storage, {}) for name in plan.searches]
        trials = [trial for search in searches for trial in search.results]
        return [(trial.search, trial.values, trial.state, trial.metrics) for trial in trials]


@pytest.mark.slow
def test_a_killed_sweep_resumes_and_gives_the_same_result(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    program = str(Path(sys.executable).parent / "imr-ml")
    command = [program, *SWEEP, "--trials", "18", "--store", "killed.db"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": dict(os.environ)}
    with subprocess.Popen(command, **quiet, start_new_session=True) as sweep:
        deadline = time.monotonic() + 300
        while _ended_trials(Path("killed.db")) < 4 and sweep.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(sweep.pid, signal.SIGKILL)
    assert 4 <= _ended_trials(Path("killed.db")) < 18

    resumed = run(*SWEEP, "--trials", "18", "--store", "killed.db")
    whole = run(*SWEEP, "--trials", "18", "--store", "whole.db", "-o", "whole.best.toml")

    assert resumed.exit_code == whole.exit_code == 0, resumed.output
    assert _results(Path("killed.db")) == _results(Path("whole.db"))
    assert Path("mine.best.toml").read_text() == Path("whole.best.toml").read_text()
