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
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from factories import make_requests
from tracking.browsing import PATIENCE_MS
from tracking.servers import end

from imr_ml.corpus.schema import validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.model_files import save_model
from imr_ml.tracking.git import GitState
from imr_ml.tracking.runs import record
from imr_ml.tracking.sending import RecordedRun
from imr_ml.tracking.store import connected
from imr_ml.training import TrainedModel, TrainingSettings, train

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
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
    """Invented requests; a third contain phrases that no store may contain."""
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
    """An empty store to copy, because creating one takes seconds."""
    folder = tmp_path_factory.mktemp("migrated")
    with _inside(folder), connected():
        pass
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def tracked(trained: TrainedModel, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """A model and its run, to read only."""
    folder = tmp_path_factory.mktemp("project with a space")
    shutil.copy(migrated, folder / "mlflow.db")
    with _inside(folder):
        model_folder = save_model(trained, folder / "models" / "latest", COMMIT.commit)
        return Tracked(folder, model_folder, record(trained, model_folder, git=COMMIT))


@pytest.fixture
def in_tracked(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> Tracked:
    """Use the store's folder as the working directory."""
    monkeypatch.chdir(tracked.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tracked


@pytest.fixture
def empty_store(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a separate store."""
    shutil.copy(migrated, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def drawn_once(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reuse the figures of the first run when the same training is recorded again."""
    (drawn,) = {figure.parent for figure in (tracked.folder / "mlartifacts").rglob("figures/*.png")}
    monkeypatch.setattr(
        "imr_ml.reporting.figures.start_figures",
        lambda _, folder: iter([shutil.copytree(drawn, folder, dirs_exist_ok=True)]),
    )


@dataclass(frozen=True)
class RunningUi:
    """Addresses and lines printed by `make ui`."""

    address: str
    start_page: str
    lines: tuple[str, ...]


@pytest.fixture(scope="session")
def running_ui(tracked: Tracked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUi]:
    """Run `make ui` on that store with a port that is in use; it must stop when interrupted."""
    ready = tmp_path_factory.mktemp("ready") / "ready"
    ready.touch()
    # As from a terminal, even if make started the tests.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    environment["MLFLOW_TRACKING_URI"] = tracked.run.tracking_uri
    with closing(socket.socket()) as used_port:
        used_port.bind(("127.0.0.1", 0))
        used_port.listen()
        wanted = used_port.getsockname()[1]
        command = ["make", "ui", f"PORT={wanted}", f"BIN={Path(sys.executable).parent}", f"READY={ready}"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as server:
            try:
                lines = _read_until(server, "MLflow UI: ")
                page = lines[-1].removeprefix("MLflow UI: ").partition(" ")[0]
                yield RunningUi(page.partition("/#")[0], page, lines)
                server.send_signal(signal.SIGTERM)
                server.wait(timeout=30)
            finally:
                end(server)
    with closing(socket.socket()) as probe:
        port = int(page.partition("/#")[0].rpartition(":")[2])
        assert probe.connect_ex(("127.0.0.1", port)), "the server ended with the command"


def _read_until(server: subprocess.Popen[str], beginning: str) -> tuple[str, ...]:
    lines = []
    for line in server.stdout:
        lines.append(line.rstrip())
        if line.startswith(beginning):
            break
    return tuple(lines)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page of a browser, as wide as the UI needs."""
    opened = browser.new_page(viewport={"width": 1600, "height": 1000})
    opened.set_default_timeout(PATIENCE_MS)
    # On the first visit, the UI opens a panel over a third of the page.
    opened.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
    yield opened
    opened.close()


@pytest.fixture
def ui_address(running_ui: RunningUi) -> str:
    return running_ui.address


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield
