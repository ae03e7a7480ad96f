"""The team server as `compose.yaml` describes it, on a real PostgreSQL: its own command, passwords and hosts."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from mlflow import MlflowClient
from tracking.servers import QUIET, end, free_port, wait_for

from imr_ml.corpus.store import write_requests

COMPOSE = Path(__file__).parents[2] / "compose.yaml"
SECRET = {"IMR_DATABASE_PASSWORD": "db0secret", "IMR_ADMIN_PASSWORD": "a long password", "IMR_SECRET_KEY": "k" * 32}


def _postgres_programs():
    paths = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return paths[-1].parent if paths else None


def _filled_in(text, values):
    """Fill in the variables of a value in compose.yaml."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda match: values.get(match[1], match[2]), text)


@contextmanager
def _postgres(folder):
    programs, port, data = _postgres_programs(), free_port(), folder / "pgdata"
    data.mkdir()
    password = folder / "password"
    password.write_text(SECRET["IMR_DATABASE_PASSWORD"])
    # PostgreSQL does not run as root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(data, "postgres")
        shutil.chown(password, "postgres")
        shared = Path(tempfile.gettempdir())
        for parent in (parent for parent in [folder, *folder.parents] if shared in parent.parents):
            parent.chmod(0o755)
    initdb = [programs / "initdb", "-D", data, "-U", "mlflow", f"--pwfile={password}", "--auth=scram-sha-256"]
    subprocess.run([*as_user, *initdb], check=True, capture_output=True)
    start = [programs / "postgres", "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1"]
    with subprocess.Popen(
        [*as_user, *start], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            _wait_for_database(programs, port)
            environment = os.environ | {"PGPASSWORD": SECRET["IMR_DATABASE_PASSWORD"]}
            create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow"]
            subprocess.run(create, check=True, env=environment)
            yield port
        finally:
            end(server)


def _wait_for_database(programs, port):
    ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    for _ in range(60):
        if subprocess.run(ready, check=False, capture_output=True).returncode == 0:
            return
    raise TimeoutError("PostgreSQL")


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """Address of the server in compose.yaml, with local addresses."""
    if _postgres_programs() is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    pytest.importorskip("psycopg2", reason="psycopg2-binary is not installed")
    pytest.importorskip("flask_wtf", reason="mlflow[auth] is not installed")
    folder = tmp_path_factory.mktemp("team")
    output = yaml.safe_load(COMPOSE.read_text())
    service, port = output["services"]["server"], free_port()
    with _postgres(folder) as database:
        values = {**SECRET, "IMR_ALLOWED_HOSTS": f"127.0.0.1:{port}"}
        places = {
            "database:5432": f"127.0.0.1:{database}",
            "=/artifacts": f"={folder}/artifacts",
            "=0.0.0.0": "=127.0.0.1",
            "=5000": f"={port}",
            "/etc/mlflow": str(folder),
        }

        def here(text):
            for old, new in places.items():
                text = text.replace(old, new)
            return _filled_in(text, values)

        (folder / "auth.ini").write_text(here(output["configs"]["auth"]["content"]))
        environment = {name: here(value) for name, value in service["environment"].items()}
        command = [here(each) for each in service["command"]]
        assert command[0] == "mlflow"
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**os.environ, **QUIET, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as server,
        ):
            try:
                wait_for(f"http://127.0.0.1:{port}/health", server)
                yield f"http://127.0.0.1:{port}"
            finally:
                end(server)


@pytest.fixture
def signed_in(team, monkeypatch):
    _sign_in(monkeypatch, team)
    return team


def _sign_in(patch, team):
    patch.setenv("MLFLOW_TRACKING_URI", team)
    patch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    patch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET["IMR_ADMIN_PASSWORD"])


@pytest.fixture(scope="module")
def trained_at_once(team, tracking_requests, tmp_path_factory):
    """Two concurrent trainings in separate folders: folder -> result of `imr-ml train`."""
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]

    def train(folder):
        write_requests(tracking_requests, folder / "requests.parquet")
        command = [sys.executable, "-c", "from imr_ml.cli import app; app()", "train", "--data", "requests.parquet"]
        command += ["--folds", "3", "--jobs", "1"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    with pytest.MonkeyPatch.context() as patch:
        _sign_in(patch, team)
        with ThreadPoolExecutor(2) as both:
            return dict(zip(folders, both.map(train, folders), strict=True))


@pytest.mark.slow
def test_two_trainings_at_once_are_both_recorded(signed_in, trained_at_once):
    for result in trained_at_once.values():
        assert (result.returncode, result.stderr) == (0, "")
    output = "".join(result.stdout for result in trained_at_once.values())
    assert sorted(re.findall(r"registered as models:/imr-ml/(\d)", output)) == ["1", "2"]
    client = MlflowClient(signed_in)
    experiment = client.get_experiment_by_name("imr_ml training")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 8
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert experiment.artifact_location.startswith("mlflow-artifacts:")


@pytest.mark.slow
def test_a_model_is_fetched_from_the_server_and_promoted_there(signed_in, trained_at_once):
    from imr_ml.model_files import read_model
    from imr_ml.tracking.promotion import promote
    from imr_ml.tracking.registry import fetch_model

    # As long as allowed: a database that is stricter than SQLite must accept the record.
    promote(force=True, reason="a test" + "." * 4990)
    trained = {read_model(folder / "models" / "latest").version for folder in trained_at_once}
    assert read_model(fetch_model("models:/imr-ml@champion")).version in trained


@pytest.mark.slow
def test_access_requires_a_password(team):
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{team}/api/2.0/mlflow/experiments/search?max_results=1", timeout=30)
    assert refused.value.code == 401


@pytest.mark.slow
def test_requests_for_another_host_are_refused(team):
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"{team}/ajax-api/2.0/mlflow/experiments/search", headers={"Host": "evil.example"}), timeout=30)
    assert refused.value.code == 403
