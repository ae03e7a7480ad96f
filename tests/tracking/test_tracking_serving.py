"""The recorded model behind `mlflow models serve`: the same numbers as `imr-ml score`, bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from tracking.servers import QUIET, end, free_port, wait_for
from typer.testing import CliRunner

from imr_ml.cli import app

COLUMNS = ("case_number", "request", "clinical_summary", "ur_guideline", "date_of_injury", "application_received")


@pytest.fixture(scope="module")
def served(tracked):
    """Address of a server of the challenger."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", "models:/imr-ml@challenger"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # MLflow starts uvicorn by its bare name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **QUIET, "PATH": path, "MLFLOW_TRACKING_URI": tracked.run.tracking_uri}
    with (
        (tracked.folder / "serve.log").open("wb") as log,
        subprocess.Popen(
            command, cwd=tracked.folder, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server)
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            end(server)


def _ask(url, table, params):
    body = {"dataframe_split": json.loads(table.to_json(orient="split", index=False)), "params": params}
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=120) as response:
        return json.load(response, parse_constant=_no_json)["predictions"]


def _no_json(constant):
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.slow
@pytest.mark.parametrize("coverage", [None, 0.6], ids=["the model's coverage", "a coverage of 0.6"])
def test_the_served_model_gives_the_numbers_of_the_command(served, tracked, tracking_requests, tmp_path, coverage):
    table = tracking_requests[list(COLUMNS)].head(12).astype("string")
    # An empty request has an error and no numbers.
    table.loc[3, "request"] = ""
    table.to_csv(tmp_path / "requests.csv", index=False)
    command = ["score", str(tmp_path / "requests.csv"), "--output", str(tmp_path / "scored.parquet")]
    command += ["--model", str(tracked.model_folder), *(["--coverage", str(coverage)] if coverage else [])]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    scored = pd.read_parquet(tmp_path / "scored.parquet")

    answered = _ask(served, table, {"coverage": coverage} if coverage else {})

    assert len(answered) == len(scored) == 12
    for name in answered[0]:
        theirs = [None if pd.isna(row[name]) else row[name] for row in answered]
        ours = [None if pd.isna(value) else value for value in scored[name]]
        assert theirs == ours, name
    assert scored["p_overturned"].nunique() > 1
    assert answered[3]["error"]
    assert answered[3]["p_overturned"] is None
