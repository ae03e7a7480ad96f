"""Stores that were moved or copied with their project."""

import shutil
from pathlib import Path

import pytest

from imr_ml.model_files import read_model
from imr_ml.tracking.promotion import promote, rollback
from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, fetch_model
from imr_ml.tracking.runs import record
from imr_ml.tracking.store import connected
from imr_ml.tracking.uris import TrackingError

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


@pytest.fixture
def copied(tracked, tmp_path, monkeypatch) -> Path:
    """The working directory: a copy of the project with its store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = shutil.copytree(tracked.folder, tmp_path / "copy of 50%_project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def moved(copied, tmp_path, monkeypatch) -> Path:
    """The working directory: a project that was used in one folder and then moved."""
    with connected():
        pass
    folder = copied.rename(tmp_path / "moved")
    monkeypatch.chdir(folder)
    return folder


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def test_artifacts_of_a_moved_project_are_found_at_the_new_location(moved, tracked):
    folder = fetch_model(f"models:/{MODEL_NAME}@{CHALLENGER}")

    assert folder.is_relative_to(moved)
    assert read_model(folder).version == read_model(tracked.model_folder).version
    with connected() as client:
        assert client.list_artifacts(tracked.run.run_id)


def test_training_in_a_moved_project_does_not_recreate_the_old_folder(moved, tracked, trained, drawn_once, copied):
    sent = record(trained, tracked.model_folder)

    assert not copied.exists()
    assert sent.model_version == "2"
    assert (moved / "mlartifacts" / sent.run_id).is_dir()
    assert fetch_model(f"models:/{MODEL_NAME}/2").is_relative_to(moved)


def test_training_in_a_copy_does_not_change_the_original(copied, tracked, trained, drawn_once):
    before = _files(tracked.folder)

    sent = record(trained, tracked.model_folder)

    assert _files(tracked.folder) == before
    assert (copied / "mlartifacts" / sent.run_id).is_dir()


def test_a_copied_database_without_artifacts_uses_the_original_ones(
    tracked, trained, drawn_once, tmp_path, monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(tracked.folder / "mlflow.db", tmp_path)

    assert fetch_model(f"models:/{MODEL_NAME}/1").is_relative_to(tracked.folder)
    record(trained, tracked.model_folder)
    assert fetch_model(f"models:/{MODEL_NAME}/2").is_relative_to(tmp_path)


def test_artifacts_outside_of_the_project_keep_their_location(copied):
    with connected() as client:
        created = client.create_experiment("elsewhere", "s3://bucket/mlartifacts")
        other = client.create_experiment("other", f"file://{copied}/others")
    with connected() as client:
        assert client.get_experiment(created).artifact_location == "s3://bucket/mlartifacts"
        assert client.get_experiment(other).artifact_location == f"file://{copied}/others"


def test_a_version_without_files_is_not_promoted_even_by_force(moved):
    shutil.rmtree(moved / "mlartifacts" / "models")

    with pytest.raises(TrackingError, match="version 1, the challenger: its files are no longer at") as error:
        promote(force=True, reason="all the same")

    assert f"{moved}/mlartifacts/models" in str(error.value)
    with connected() as client:
        assert CHAMPION not in client.get_registered_model(MODEL_NAME).aliases


def test_a_previous_champion_without_files_is_not_restored(moved, tracked, trained, drawn_once):
    promote(force=True, reason="the first")
    record(trained, tracked.model_folder)
    promote(force=True, reason="the second")
    shutil.rmtree(fetch_model(f"models:/{MODEL_NAME}/1").parents[1])

    with pytest.raises(TrackingError, match="version 1, the previous champion: its files are no longer at"):
        rollback()
