"""The store of runs, and its errors."""

import errno
import os
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from mlflow import MlflowClient
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.tracking.runs import record
from imr_ml.tracking.sending import UnsentError, sync
from imr_ml.tracking.store import connected
from imr_ml.tracking.uris import TrackingError, artifact_root, redact_uri, sqlite_file, tracking_uri

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


def test_runs_go_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    assert artifact_root(tracking_uri()) == tmp_path / "mlartifacts"
    assert list(tmp_path.iterdir()) == [], "looking up the store creates nothing"


@pytest.mark.parametrize("uri", ["http://tracking.example:5000", "sqlite:////srv/runs/mlflow.db"])
def test_the_environment_variable_selects_the_store(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert tracking_uri() == uri


def test_importing_tracking_does_not_import_mlflow_or_change_settings():
    code = (
        "import os, sys; before = dict(os.environ); import imr_ml.tracking.uris, imr_ml.tracking.runs;"
        "assert dict(os.environ) == before; sys.exit('mlflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_settings_are_restored_afterwards(empty_store, capfd):
    before = dict(os.environ), list(sys.path)
    with connected() as client:
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert client.tracking_uri == tracking_uri()
    assert (dict(os.environ), list(sys.path)) == before
    assert capfd.readouterr() == ("", ""), "MLflow says nothing"


@pytest.mark.parametrize(
    ("revision", "advice"),
    [
        ("181f10493468", "was created by an older MLflow; make a copy, then run: mlflow db upgrade sqlite:///"),
        ("ffffffffffff", "was created by a newer MLflow than"),
    ],
)
def test_a_store_of_another_mlflow_version_is_not_changed(empty_store, revision, advice):
    database = empty_store / "mlflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("update alembic_version set version_num = ?", [revision])
    content = database.read_bytes()

    with pytest.raises(TrackingError, match=advice) as error, connected():
        pass

    assert "\n" not in str(error.value)
    assert database.read_bytes() == content


def _store_of_an_older_mlflow(database, revisions_ago):
    """A store with the tables of an earlier MLflow, created by its migrations."""
    import mlflow
    from alembic import command
    from alembic.config import Config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    Base.metadata.create_all(create_engine(f"sqlite:///{database}"))
    config = Config()
    config.set_main_option("script_location", str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{database}")
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    command.upgrade(config, revisions[revisions_ago].revision)


@pytest.mark.slow
def test_a_store_of_an_older_mlflow_is_an_error_until_it_is_upgraded(
    trained, tracked, drawn_once, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    _store_of_an_older_mlflow(tmp_path / "mlflow.db", revisions_ago=3)
    before = (tmp_path / "mlflow.db").read_bytes()

    with pytest.raises(
        UnsentError, match=r"older MLflow; make a copy, then run: mlflow db upgrade .*; nothing is lost"
    ) as error:
        record(trained, tracked.model_folder)
    assert (tmp_path / "mlflow.db").read_bytes() == before

    advice = re.search("run: mlflow (db upgrade [^;]*);", str(error.value))[1]
    subprocess.run([sys.executable, "-m", "mlflow", *advice.split()], check=True, capture_output=True)
    (sent,) = sync()
    assert sent.model_version == "1"


def test_a_file_that_is_not_a_database_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").write_text("this is a shopping list, not a database")
    with pytest.raises(TrackingError, match=r"mlflow\.db: is not a readable SQLite store"), connected():
        pass


def test_a_server_that_is_down_is_a_one_line_error(monkeypatch):
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with pytest.raises(TrackingError, match=f"http://127.0.0.1:{port}: no MLflow server answers") as error, connected():
        pass
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("password", ["secret", "se/cret", "se[cret", "se@cret", "se:cret"])
def test_a_password_is_never_shown(password, monkeypatch):
    uri = f"http://runs:{password}@127.0.0.1:9"
    assert redact_uri(uri) == "http://runs:***@127.0.0.1:9"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError) as error, connected():
        pass
    assert "cret" not in str(error.value)


def test_text_without_a_password_is_not_redacted():
    assert redact_uri("http://127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert redact_uri("write to a@b.example: no store") == "write to a@b.example: no store"


@pytest.mark.parametrize(
    "uri", ["foo", "file:./mlruns", "./mlruns", " ", "localhost:5000", "sqlite://", "sqlite:///", "sqlite:///:memory:"]
)
def test_an_invalid_store_is_an_error_before_training(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    result = CliRunner().invoke(app, ["train", "--data", "nothere"])
    assert result.exit_code == 2
    assert f"MLFLOW_TRACKING_URI is {uri!r}, which can't store runs; set it to http://" in result.output


def test_a_missing_driver_and_a_database_that_is_down_are_immediate_errors(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mssql+nodriver://runs:secret@127.0.0.1:9/mlflow")
    with (
        pytest.raises(TrackingError, match=r"mssql\+nodriver://runs:\*\*\*@127.0.0.1:9/mlflow: .*nodriver"),
        connected(),
    ):
        pass
    pytest.importorskip("psycopg2", reason="psycopg2-binary is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg2://runs:secret@127.0.0.1:9/mlflow")
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9/mlflow: .*refused"), connected():
        pass


def test_an_interrupted_creation_leaves_no_store(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(MlflowClient, "search_experiments", fail)
    with pytest.raises(TrackingError, match=r"mlflow\.db: .*No space left on device"), connected():
        pass
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_sqlite_uri_are_not_part_of_the_file_name():
    assert sqlite_file("sqlite:////srv/runs/mlflow.db?timeout=60") == Path("/srv/runs/mlflow.db")


@pytest.mark.slow
def test_several_processes_can_create_a_store_at_once(tmp_path):
    code = "from imr_ml.tracking.store import connected\nwith connected() as client: client.search_experiments()"
    inherited = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=inherited, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_an_mlflow_error_inside_the_block_is_a_tracking_error(empty_store):
    with pytest.raises(TrackingError, match=r"mlflow\.db: Run with id=no_such_run not found"), connected() as client:
        client.get_run("no_such_run")
