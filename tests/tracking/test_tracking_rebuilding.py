"""Runs rebuilt from their manifest and commit, compared with the recorded metrics."""

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
from imr_ml.tracking.rebuilding import reproduce
from imr_ml.tracking.runs import Extras, record
from imr_ml.tracking.store import connected
from imr_ml.tracking.training_inputs import settings_from_facts
from imr_ml.tracking.uris import TrackingError

ELSEWHERE = GitState("0123456789abcdef0123456789abcdef01234567", dirty=False)


def no_progress(_description, _total):
    return lambda _steps: None


@pytest.fixture
def recorded(trained, tracking_requests, drawn_once, empty_store):
    """Records the small training of a table on disk with a given commit."""
    write_requests(tracking_requests, Path("requests.parquet"))

    def run(git=None):
        folder = save_model(trained, Path("models/latest"), manifest=manifest_here(Path("requests.parquet")))
        return record(trained, folder, git=git, extras=Extras(compared=(), manifest=folder / MANIFEST))

    return run


@pytest.fixture
def not_trained_again(monkeypatch, trained):
    monkeypatch.setattr("imr_ml.training.train", lambda *_: trained)


def test_a_run_contains_the_manifest_of_its_table(recorded):
    run = recorded()

    with connected() as client:
        recorded_run = client.get_run(run.run_id)
        path = client.download_artifacts(run.run_id, MANIFEST)
    assert recorded_run.data.tags["data.manifest.sha256"] == sha256_of(Path(path))
    assert json.loads(Path(path).read_text())["table"] == "requests.parquet"


def test_a_rebuilt_run_has_equal_metrics(recorded):
    run = recorded()

    result = CliRunner().invoke(app, ["reproduce", run.run_id])

    assert result.exit_code == 0, result.output
    assert "table: same file; training data: equal" in result.stdout
    with connected() as client:
        metrics = client.get_run(run.run_id).data.metrics
    assert f"{len(metrics)} of {len(metrics)} metrics are equal" in result.stdout
    assert f"{metrics['outcome.roc_auc']:.6f}" in result.stdout
    assert "the run has no commit" in result.stderr


def test_a_metric_that_differs_is_shown_and_exit_code_3_reports_it(recorded, not_trained_again):
    run = recorded()
    with connected() as client:
        client.log_metric(run.run_id, "outcome.roc_auc", 0.123)
        client.log_metric(run.run_id, "system/cpu", 1.0)
        client.log_metric(run.run_id, "of.another.time", 0.5)

    result = reproduce(run.run_id, no_progress)
    shown = CliRunner().invoke(app, ["reproduce", run.run_id])

    assert result.unequal == ("of.another.time", "outcome.roc_auc")
    assert shown.exit_code == 3
    assert "0.123000" in shown.stdout
    assert "NO" in shown.stdout


def test_a_table_that_changed_is_reported_in_one_line(recorded, tracking_requests, not_trained_again):
    run = recorded()
    write_requests(tracking_requests.head(50), Path("requests.parquet"))

    with pytest.raises(SchemaError, match=r"requests\.parquet: the table that was trained on has changed since"):
        reproduce(run.run_id, no_progress)

    result = CliRunner().invoke(app, ["reproduce", run.run_id])
    assert result.exit_code == 2
    assert "requests.parquet: the table that was trained on has changed" in result.stderr


def test_a_model_without_a_manifest_is_reported(trained, drawn_once, empty_store):
    run = record(trained, save_model(trained, Path("models/latest")), extras=Extras(compared=()))

    with pytest.raises(ModelError, match=r"has no manifest of its table \(data.manifest.json is missing\)"):
        reproduce(run.run_id, no_progress)


def test_the_run_of_a_baseline_cannot_be_reproduced(tracked, in_tracked):
    with connected() as client:
        child = next(
            run.info.run_id
            for run in client.search_runs([tracked.run.experiment_id])
            if run.data.tags.get("mlflow.parentRunId") == tracked.run.run_id
        )

    with pytest.raises(TrackingError, match=f"name its parent run instead, {tracked.run.run_id[:8]}"):
        reproduce(child, no_progress)


def test_a_missing_commit_is_an_error_unless_the_installed_code_is_used(recorded, not_trained_again):
    run = recorded(ELSEWHERE)

    with pytest.raises(TrackingError, match=r"commit 0123456 is not in this folder.s checkout.*--here"):
        reproduce(run.run_id, no_progress)

    result = reproduce(run.run_id, no_progress, here=True)
    assert result.notes == ("the installed code is not that of commit 0123456; metrics may differ",)
    assert result.unequal == ()


def test_uncommitted_changes_are_noted(recorded, not_trained_again):
    run = recorded(GitState(ELSEWHERE.commit, dirty=True))

    result = reproduce(run.run_id, no_progress, here=True)

    assert result.notes[0].startswith("the run was trained with unrecorded changes to commit 0123456")


def test_different_library_versions_are_noted(recorded, not_trained_again, monkeypatch):
    run = recorded()
    monkeypatch.setattr("imr_ml.tracking.rebuilding.version", lambda name: "0.0" if name == "numpy" else "1.0")

    result = reproduce(run.run_id, no_progress)

    assert any("numpy" in note and "0.0 now" in note for note in result.notes)


def test_settings_survive_a_round_trip_through_the_facts(trained, tmp_path):
    facts = json.loads((save_model(trained, tmp_path / "model") / "model.json").read_text())

    assert settings_from_facts(facts["settings"]) == trained.settings


def git(*arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    result = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return result.stdout.strip()


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

    result = reproduce(run.run_id, no_progress)

    assert result.code == f"commit {checkout.short}, in a temporary checkout"
    assert (result.unequal, result.data_equal, result.table_equal) == ((), True, True)
    assert len(git("worktree", "list").splitlines()) == 1


@pytest.mark.slow
def test_a_commit_without_code_to_rebuild_runs_is_an_error(recorded, checkout):
    git("rm", "-q", "src/imr_ml/tracking/rebuilding.py")
    git("commit", "-q", "-m", "before there was such a thing")
    run = recorded(GitState(git("rev-parse", "HEAD"), dirty=False))

    with pytest.raises(TrackingError, match="can't rebuild a run; to use the installed code: --here"):
        reproduce(run.run_id, no_progress)


def test_a_commit_of_the_users_own_repository_uses_the_installed_package(recorded, not_trained_again):
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    run = recorded(GitState(git("rev-parse", "HEAD"), dirty=False))

    assert reproduce(run.run_id, no_progress).code.startswith("the installed code")
