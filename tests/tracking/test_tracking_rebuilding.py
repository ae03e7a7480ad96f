"""A run rebuilt from its manifest and commit, and its metrics beside the recorded ones."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import imr_ml
from imr_ml.cli import app
from imr_ml.corpus.schema import SchemaError
from imr_ml.corpus.store import write_requests
from imr_ml.files import sha256_of
from imr_ml.ingest.sources import manifest_here
from imr_ml.model_files import MANIFEST, ModelError, save_model
from imr_ml.tracking.git import GitState
from imr_ml.tracking.rebuilding import reproduce, settings_of_facts
from imr_ml.tracking.runs import Extras, record
from imr_ml.tracking.store import connected
from imr_ml.tracking.uris import TrackingError

ELSEWHERE = GitState("0123456789abcdef0123456789abcdef01234567", dirty=False)


def silent(_description, _total):
    return lambda _steps: None


@pytest.fixture
def recorded(trained, tracking_requests, drawn_once, empty_store):
    """Records the small training, of a table on disk, as of some commit."""
    write_requests(tracking_requests, Path("requests.parquet"))

    def run(git=None):
        folder = save_model(trained, Path("models/latest"), manifest=manifest_here(Path("requests.parquet")))
        return record(trained, folder, git=git, extras=Extras(compared=(), manifest=folder / MANIFEST))

    return run


@pytest.fixture
def not_trained_again(monkeypatch, trained):
    monkeypatch.setattr("imr_ml.training.train", lambda *_: trained)


def test_a_run_holds_the_manifest_of_its_table(recorded):
    run = recorded()

    with connected() as client:
        found = client.get_run(run.run_id)
        path = client.download_artifacts(run.run_id, MANIFEST)
    assert found.data.tags["data.manifest.sha256"] == sha256_of(Path(path))
    assert json.loads(Path(path).read_text())["table"] == "requests.parquet"


def test_a_run_rebuilt_has_equal_metrics(recorded):
    run = recorded()

    done = CliRunner().invoke(app, ["reproduce", run.run_id])

    assert done.exit_code == 0, done.output
    assert "table: same file; training data: equal" in done.stdout
    with connected() as client:
        metrics = client.get_run(run.run_id).data.metrics
    assert f"{len(metrics)} of {len(metrics)} metrics are equal" in done.stdout
    assert f"{metrics['outcome.roc_auc']:.6f}" in done.stdout
    assert "the run has no commit" in done.stderr


def test_a_metric_that_differs_is_shown_and_exit_code_3_reports_it(recorded, not_trained_again):
    run = recorded()
    with connected() as client:
        client.log_metric(run.run_id, "outcome.roc_auc", 0.123)
        client.log_metric(run.run_id, "system/cpu", 1.0)
        client.log_metric(run.run_id, "of.another.time", 0.5)

    done = reproduce(run.run_id, silent)
    shown = CliRunner().invoke(app, ["reproduce", run.run_id])

    assert done.unequal == ("of.another.time", "outcome.roc_auc")
    assert shown.exit_code == 3
    assert "0.123000" in shown.stdout
    assert "NO" in shown.stdout


def test_a_table_that_changed_is_reported_in_one_line(recorded, tracking_requests, not_trained_again):
    run = recorded()
    write_requests(tracking_requests.head(50), Path("requests.parquet"))

    with pytest.raises(SchemaError, match=r"requests\.parquet: the table that was trained on has changed since"):
        reproduce(run.run_id, silent)

    done = CliRunner().invoke(app, ["reproduce", run.run_id])
    assert done.exit_code == 2
    assert "requests.parquet: the table that was trained on has changed" in done.stderr


def test_a_model_without_a_manifest_is_reported(trained, drawn_once, empty_store):
    run = record(trained, save_model(trained, Path("models/latest")), extras=Extras(compared=()))

    with pytest.raises(ModelError, match=r"has no manifest of its table \(data.manifest.json is missing\)"):
        reproduce(run.run_id, silent)


def test_a_baselines_run_is_not_reproduced(tracked, in_tracked):
    with connected() as client:
        child = next(
            run.info.run_id
            for run in client.search_runs([tracked.run.experiment_id])
            if run.data.tags.get("mlflow.parentRunId") == tracked.run.run_id
        )

    with pytest.raises(TrackingError, match=f"baseline's: name the run that it stands under, {tracked.run.run_id[:8]}"):
        reproduce(child, silent)


def test_a_commit_that_is_not_here_is_reported_and_may_be_done_without(recorded, not_trained_again):
    run = recorded(ELSEWHERE)

    with pytest.raises(TrackingError, match=r"commit 0123456 is not in the checkout of this folder.*--here"):
        reproduce(run.run_id, silent)

    done = reproduce(run.run_id, silent, here=True)
    assert done.notes == ("the installed code is not that of commit 0123456; figures may differ",)
    assert done.unequal == ()


def test_a_run_of_changed_files_is_stated_not_to_be_exact(recorded, not_trained_again):
    run = recorded(GitState(ELSEWHERE.commit, dirty=True))

    done = reproduce(run.run_id, silent, here=True)

    assert done.notes[0].startswith("files differed from commit 0123456 when it was trained")


def test_libraries_of_another_version_are_reported(recorded, not_trained_again, monkeypatch):
    run = recorded()
    monkeypatch.setattr("imr_ml.tracking.rebuilding.version", lambda name: "0.0" if name == "numpy" else "1.0")

    done = reproduce(run.run_id, silent)

    assert any("numpy" in note and "0.0 now" in note for note in done.notes)


def test_settings_are_reported_and_read_without_loss(trained, tmp_path):
    facts = json.loads((save_model(trained, tmp_path / "model") / "model.json").read_text())

    assert settings_of_facts(facts["settings"]) == trained.settings


def git(*arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(recorded):
    """The store's folder as a checkout of this package, with one commit."""
    shutil.copytree(Path(imr_ml.__file__).parent, "src/imr_ml", ignore=shutil.ignore_patterns("__pycache__"))
    Path(".gitignore").write_text("*\n!src/**\n")
    git("init", "-q")
    git("add", "-f", "src")
    git("commit", "-q", "-m", "first")
    return GitState(git("rev-parse", "HEAD"), dirty=False)


@pytest.mark.slow
def test_a_run_is_rebuilt_by_the_code_of_its_commit(recorded, checkout):
    run = recorded(checkout)
    Path("src/imr_ml/tracking/rebuilding.py").write_text("raise SystemExit('the code of a later commit')\n")
    git("commit", "-q", "-a", "-m", "second")

    done = reproduce(run.run_id, silent)

    assert done.code == f"commit {checkout.short}, checked out for it"
    assert (done.unequal, done.data_equal, done.table_equal) == ((), True, True)
    assert len(git("worktree", "list").splitlines()) == 1


@pytest.mark.slow
def test_code_that_can_not_make_runs_again_is_reported(recorded, checkout):
    git("rm", "-q", "src/imr_ml/tracking/rebuilding.py")
    git("commit", "-q", "-m", "before there was such a thing")
    run = recorded(GitState(git("rev-parse", "HEAD"), dirty=False))

    with pytest.raises(TrackingError, match="can't rebuild a run; to use the installed code: --here"):
        reproduce(run.run_id, silent)


def test_an_installed_package_is_not_looked_for_in_the_users_own_repository(recorded, not_trained_again):
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    run = recorded(GitState(git("rev-parse", "HEAD"), dirty=False))

    assert reproduce(run.run_id, silent).code.startswith("the installed code")
