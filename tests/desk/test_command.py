"""Start the desk from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.cli import models as cli_models
from imr_ml.desk.server import HOST, listen
from imr_ml.errors import ImrError


def run(*arguments):
    return CliRunner().invoke(app, ["desk", *map(str, arguments)])


def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path):
    result = run("--model", tmp_path)

    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "contains no model" in result.stderr


def test_a_missing_table_of_rates_is_refused_in_one_line(model_folder, tmp_path):
    result = run("--model", model_folder, "--rates", tmp_path / "none.csv")

    assert result.exit_code == 2
    assert "none.csv" in result.stderr


def test_the_next_free_port_is_used_on_the_loopback_interface():
    with listen(0) as first:
        host, port = first.getsockname()
        with listen(port) as second:
            assert host == second.getsockname()[0] == HOST == "127.0.0.1"
            assert second.getsockname()[1] > port


@pytest.mark.parametrize("port", [-1, 70_000])
def test_an_invalid_port_is_refused(port, model_folder):
    assert run("--model", model_folder, "--port", port).exit_code == 2


def test_champion_is_the_registered_model_unless_a_folder_has_that_name(model_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'runs.db'}")
    (tmp_path / "champion").symlink_to(model_folder)

    assert cli_models.model_folder("champion") == Path("champion")
    with pytest.raises(ImrError, match="no run was tracked here yet"):
        cli_models.model_folder("challenger")
