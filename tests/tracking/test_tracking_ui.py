"""The UI's command, its port, and a real server on a recorded run."""

import json
import re
import socket
import sys
from contextlib import closing, contextmanager
from urllib.request import Request, urlopen

import pytest
from mlflow import MlflowClient
from tracking.servers import free_port, mlflow_server

from imr_ml.tracking.ui import run_server, serve_ui, start_page, ui_command
from imr_ml.tracking.uris import TrackingError, tracking_uri
from imr_ml.tracking.views import EXPERIMENT


@contextmanager
def _taken_port():
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_command_uses_the_local_store(empty_store):
    command = ui_command(5007)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options["--backend-store-uri"] == tracking_uri()
    assert options["--default-artifact-root"] == (empty_store / "mlartifacts").as_uri()
    assert options["--port"] == "5007"
    assert options["--host"] == "127.0.0.1"


def test_the_next_free_port_is_used_with_a_message(empty_store):
    started, lines = [], []
    with _taken_port() as port:
        assert serve_ui(port, say=lines.append, run=lambda command, *_: started.append(command) or 0) == 0
    free = started[0][started[0].index("--port") + 1]
    assert int(free) > port
    assert lines == [f"port {port} is in use; using {free}", "starting the MLflow UI"]


def test_a_free_port_is_used_without_a_message(empty_store):
    started, lines = [], []
    with _taken_port() as port:
        pass
    serve_ui(port, say=lines.append, run=lambda command, *_: started.append(command) or 0)
    assert started[0][started[0].index("--port") + 1] == str(port)
    assert lines == ["starting the MLflow UI"]


def test_the_host_of_another_machine_is_an_error(empty_store):
    with pytest.raises(TrackingError, match=r"ports 5000 to 5019 on 192\.0\.2\.1 can't be used"):
        serve_ui(5000, host="192.0.2.1")


@pytest.mark.slow
def test_for_a_team_server_only_its_address_is_printed(empty_store, monkeypatch):
    lines, port = [], free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with pytest.raises(TrackingError, match="no MLflow server answers"):
        serve_ui(5000, say=lines.append)
    assert lines == []
    with mlflow_server(empty_store, port):
        assert serve_ui(5000, say=lines.append) == 0
    assert lines == [f"MLflow UI: http://127.0.0.1:{port}"]


def test_a_server_that_fails_gives_exit_code_1_and_no_address(empty_store):
    with _taken_port() as port:
        pass
    lines = []
    failing = [sys.executable, "-c", "raise SystemExit(3)"]
    assert run_server(failing, f"http://127.0.0.1:{port}", lambda: lines.append("it answers")) == 1
    assert lines == []


@pytest.mark.slow
def test_make_ui_prints_the_free_port_and_the_address_of_the_trainings(running_ui, tracked):
    port_in_use, starting, address = running_ui.lines
    assert re.fullmatch(r"port \d+ is in use; using \d+", port_in_use)
    assert starting == "starting the MLflow UI"
    assert port_in_use.rpartition(" ")[2] in address
    experiment = f"#/experiments/{tracked.run.experiment_id}/runs?"
    assert experiment in running_ui.start_page
    assert running_ui.start_page.endswith("viewStateShareKey=figures")


def test_before_the_first_training_the_list_of_experiments_is_opened(empty_store):
    assert start_page("http://server").endswith("/#/experiments?workflowType=machine_learning")


def test_an_experiment_without_the_view_opens_without_it(empty_store):
    created = MlflowClient(tracking_uri()).create_experiment(EXPERIMENT)
    page = start_page("http://server")
    assert page == f"http://server/#/experiments/{created}/runs?workflowType=machine_learning"


@pytest.mark.slow
def test_a_real_server_shows_the_run(ui_address, tracked):
    response = _ask(
        f"{ui_address}/api/2.0/mlflow/runs/search", {"experiment_ids": [tracked.run.experiment_id], "max_results": 50}
    )
    (run,) = [run for run in response["runs"] if run["info"]["run_id"] == tracked.run.run_id]
    assert run["info"]["run_name"] == tracked.run.name
    assert "outcome.roc_auc" in {metric["key"] for metric in run["data"]["metrics"]}


@pytest.mark.slow
def test_a_real_server_shows_figures_and_the_registered_model(ui_address, tracked):
    figure = f"{ui_address}/get-artifact?run_id={tracked.run.run_id}&path=figures/roc.png"
    with urlopen(figure, timeout=30) as response:
        assert response.read(4) == b"\x89PNG"
    response = _ask(f"{ui_address}/api/2.0/mlflow/registered-models/get?name=imr-ml")
    assert response["registered_model"]["aliases"] == [{"alias": "challenger", "version": "1"}]


@pytest.mark.slow
def test_a_model_is_downloaded_from_a_real_server(ui_address, tracked, monkeypatch):
    from imr_ml.model_files import read_model
    from imr_ml.tracking.registry import fetch_model

    monkeypatch.setenv("MLFLOW_TRACKING_URI", ui_address)
    folder = fetch_model("models:/imr-ml@challenger")
    assert read_model(folder).version == read_model(tracked.model_folder).version


def _ask(url, body=None):
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=30) as response:
        return json.load(response)
