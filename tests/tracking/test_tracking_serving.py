"""The recorded model in an environment with only its requirements gives exactly the scores of `imr-ml score`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from mlflow import MlflowClient
from packaging.requirements import Requirement
from tracking.servers import end, free_port, wait_for
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning"),
]

ROOT = Path(__file__).parents[2]
COLUMNS = ("case_number", "request", "clinical_summary", "ur_guideline", "date_of_injury", "application_received")
EMPTY = 3
"""Row with an empty request, which has an error and no scores."""
CASES = {
    "the model's coverage": ({}, ()),
    "a coverage of 0.6": ({"coverage": 0.6}, ("--coverage", "0.6")),
    "a coverage of 0.6 without evidence": (
        {"coverage": 0.6, "evidence": False},
        ("--coverage", "0.6", "--no-evidence"),
    ),
}
"""Case -> parameters of the MLflow model, options of the command."""
CHAMPION_URI = f"models:/{MODEL_NAME}@{CHAMPION}"

LOAD_AND_PREDICT = """
import builtins, importlib, json, sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec

assert find_spec("imr_ml") is None, "the project can be imported"
imported = set()

def noting(real):
    def importing(name, *args, **kwargs):
        if sys._getframe(1).f_globals.get("__name__", "").partition(".")[0] == "imr_ml":
            imported.add(name.partition(".")[0])
        return real(name, *args, **kwargs)
    return importing

builtins.__import__, importlib.import_module = noting(builtins.__import__), noting(importlib.import_module)
import mlflow, pandas

model = mlflow.pyfunc.load_model(sys.argv[1])
table = pandas.read_csv(sys.argv[2])
answers = {name: model.predict(table, params=params) for name, params in json.loads(sys.argv[3]).items()}
distributions = packages_distributions()
print(json.dumps({
    "code": sys.modules["imr_ml"].__file__,
    "imported": [distributions[name][0] for name in imported if name in distributions],
    "answers": {
        name: answer.astype(object).where(answer.notna(), None).to_dict("records") for name, answer in answers.items()
    },
}))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the variables of the processes in it."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str | Path, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "bin" / "python", *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def pip(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "pip", "--disable-pip-version-check", *arguments, seconds=900)


@pytest.fixture(scope="module")
def requirements(tracked):
    """The file that was logged with the model."""
    (path,) = (tracked.folder / "mlartifacts").rglob("requirements.txt")
    return path


@pytest.fixture(scope="module")
def champion_store(tracked, tmp_path_factory):
    """Address of a copy of the store in which the challenger is champion."""
    database = tmp_path_factory.mktemp("promoted") / "mlflow.db"
    shutil.copy(tracked.folder / "mlflow.db", database)
    client = MlflowClient(f"sqlite:///{database}")
    challenger = client.get_model_version_by_alias(MODEL_NAME, CHALLENGER)
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
    return f"sqlite:///{database}"


@pytest.fixture(scope="module")
def environment(requirements, champion_store):
    """A new environment with only the model's requirements."""
    # Not in pytest's temporary folder, which is kept: the environment takes a gigabyte.
    with TemporaryDirectory() as folder:
        environment = Environment(Path(folder) / "venv", _variables(Path(folder), champion_store))
        subprocess.run([sys.executable, "-m", "venv", environment.folder], check=True)
        # Any version: a requirement that is missing from the index must fail the installation, not skip the test.
        probe = environment.pip("--retries", "1", "--timeout", "20", "index", "versions", "mlflow")
        if probe.returncode:
            pytest.skip(f"no package index within reach: {probe.stderr.strip().splitlines()[-1]}")
        # Indirect dependencies have the locked versions, so that new releases do not affect the test.
        locked = ("--constraint", ROOT / "requirements.lock")
        installed = environment.pip("install", "--quiet", "--no-compile", "-r", requirements, *locked)
        assert installed.returncode == 0, installed.stderr
        yield environment


def _variables(folder, store):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW_"))}
    return {
        **inherited,
        # MLflow starts uvicorn without a path.
        "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # The model's code is imported from the store, which other tests read.
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "MLFLOW_TRACKING_URI": store,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@pytest.fixture(scope="module")
def requests_csv(tracking_requests, tmp_path_factory):
    table = tracking_requests[list(COLUMNS)].head(12).astype("string")
    table.loc[EMPTY, "request"] = ""
    path = tmp_path_factory.mktemp("requests") / "requests.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def loaded(environment, requests_csv):
    """Output of a process in that environment that loads the champion."""
    params = {name: params for name, (params, _) in CASES.items()}
    result = environment.run("-c", LOAD_AND_PREDICT, CHAMPION_URI, requests_csv, json.dumps(params))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout) | {"stderr": result.stderr}


@pytest.fixture(scope="module")
def served(environment, tmp_path_factory):
    """Address of a server for the champion in that environment."""
    port, folder = free_port(), tmp_path_factory.mktemp("served")
    command = [environment.folder / "bin" / "python", "-m", "mlflow", "models", "serve", "--model-uri", CHAMPION_URI]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment.variables, stdout=log, stderr=log, start_new_session=True
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server)
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            end(server)


def test_the_model_loads_from_its_own_code_without_a_warning(loaded, tracked):
    code = Path(loaded["code"])
    assert code.is_relative_to(tracked.folder / "mlartifacts")
    assert code.parts[-3:] == ("code", "imr_ml", "__init__.py")
    # MLflow logs this for a missing requirement or another version.
    assert "WARNING" not in loaded["stderr"]


def test_the_requirements_are_what_scoring_imports(loaded, requirements):
    named = {Requirement(line).name for line in requirements.read_text().splitlines()}
    assert set(loaded["imported"]) == named - {"mlflow"}


@pytest.mark.parametrize("case", CASES)
def test_the_loaded_model_gives_the_same_scores_as_the_command(loaded, tracked, requests_csv, tmp_path, case):
    scored = _scored(tracked, requests_csv, tmp_path / "scored.parquet", case)
    _assert_same(loaded["answers"][case], scored)


@pytest.mark.parametrize("case", CASES)
def test_the_served_model_gives_the_same_scores_as_the_command(served, tracked, requests_csv, tmp_path, case):
    scored = _scored(tracked, requests_csv, tmp_path / "scored.parquet", case)
    _assert_same(_ask(served, pd.read_csv(requests_csv), CASES[case][0]), scored)


def _scored(tracked, table, output, case):
    command = ["score", str(table), "--output", str(output), "--model", str(tracked.model_folder), *CASES[case][1]]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    scored = pd.read_parquet(output)
    assert scored["p_overturned"].nunique() > 1
    assert scored["evidence"].isna().all() == ("--no-evidence" in command)
    return scored


def _ask(url, table, params):
    body = {"dataframe_split": json.loads(table.to_json(orient="split", index=False)), "params": params}
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=120) as response:
        return json.load(response, parse_constant=_no_json)["predictions"]


def _no_json(constant):
    raise AssertionError(f"{constant} is no JSON")


def _assert_same(answered, scored):
    assert len(answered) == len(scored) == 12
    for name in answered[0]:
        assert [row[name] for row in answered] == [None if pd.isna(value) else value for value in scored[name]], name
    assert answered[EMPTY]["error"]
    assert answered[EMPTY]["p_overturned"] is None
