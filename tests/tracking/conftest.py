"""A small training, recorded once in a store that was migrated once; tests that write get a copy of the store."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from factories import make_requests
from tracking.servers import end, free_port, wait_for

from imr_ml.corpus import complete_requests, validate_requests
from imr_ml.evaluation import EvaluationSettings
from imr_ml.model_files import save_model
from imr_ml.tracking import GitState, RecordedRun, record, training_files
from imr_ml.tracking.store import connected
from imr_ml.training import TrainedModel, TrainingSettings, train

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

PLANTED = {
    "request": "quembolic harrowgate sprondle",
    "clinical_summary": "frobnitz marzolin snorquel",
    "rationale": "vorpentine gloomwort reasoning",
}
COMMIT = GitState("0123456789abcdef0123456789abcdef01234567", dirty=True)


@dataclass(frozen=True)
class Tracked:
    """A store with one recorded training."""

    folder: Path
    model_folder: Path
    run: RecordedRun
    git: GitState = COMMIT
    planted: tuple[str, ...] = tuple(PLANTED.values())


@pytest.fixture(scope="session")
def tracking_requests() -> pd.DataFrame:
    """Invented requests, a third of which hold phrases that no store may hold."""
    requests = make_requests(60, seed=3)
    for column, phrase in PLANTED.items():
        planted = requests[column] + f" {phrase}."
        requests[column] = requests[column].where(requests.index % 3 > 0, planted)
    return complete_requests(validate_requests(requests, "test"))


@pytest.fixture(scope="session")
def trained(tracking_requests: pd.DataFrame) -> TrainedModel:
    evaluation = EvaluationSettings(folds=3, repeats=2, resamples=50, jobs=1)
    return train(tracking_requests, TrainingSettings(evaluation=evaluation))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store; migrating one takes seconds, copying it does not."""
    folder = tmp_path_factory.mktemp("migrated")
    with _inside(folder), connected():
        pass
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def tracked(trained: TrainedModel, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """To be read only."""
    folder = tmp_path_factory.mktemp("project with a space")
    shutil.copy(migrated, folder / "mlflow.db")
    with _inside(folder):
        model_folder = save_model(trained, folder / "models" / "latest", COMMIT.commit)
        return Tracked(folder, model_folder, record(trained, model_folder, git=COMMIT))


@pytest.fixture
def in_tracked(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> Tracked:
    """The working directory is the store's."""
    monkeypatch.chdir(tracked.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tracked


@pytest.fixture
def empty_store(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a store of its own."""
    shutil.copy(migrated, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def drawn_once(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who records the same training again gets the pictures that were drawn for the first run of it."""
    (drawn,) = (tracked.folder / "mlartifacts").rglob("figures")
    monkeypatch.setattr(training_files, "_write_figures", lambda own, _: shutil.copytree(drawn, own / "figures"))


@pytest.fixture(scope="session")
def ui_address(tracked: Tracked) -> Iterator[str]:
    """The UI on that store, as `make ui` serves it; it must end when it is told to."""
    port = free_port()
    code = f"import sys; from imr_ml.tracking import serve_ui; sys.exit(serve_ui({port}))"
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tracked.folder, env=environment, start_new_session=True, **quiet
    ) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server)
            yield f"http://127.0.0.1:{port}"
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
        finally:
            end(server)
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)), "the server ended with the command"


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield
