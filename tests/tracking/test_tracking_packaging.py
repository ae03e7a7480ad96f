"""The recorded model as an MLflow model."""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires

import mlflow
import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from imr_ml.model_files import load_model
from imr_ml.scoring import SCORE_COLUMNS, score_frame
from imr_ml.tracking.packaging import REQUIREMENTS, input_example, pip_requirements, signature

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

COLUMNS = ("case_number", "request", "clinical_summary", "ur_guideline", "date_of_injury", "age", "sex")


@pytest.fixture
def loaded(in_tracked, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", in_tracked.run.tracking_uri)
    return mlflow.pyfunc.load_model("models:/imr-ml@challenger")


@pytest.mark.parametrize(
    "as_given",
    [
        pytest.param(lambda table: table, id="as in the requests table"),
        pytest.param(
            lambda table: table.assign(date_of_injury=table["date_of_injury"].astype(str)), id="dates as text"
        ),
        pytest.param(lambda table: table.assign(age=table["age"].astype("int64")), id="whole ages"),
        pytest.param(lambda table: table.assign(ur_guideline=float("nan")), id="an empty column"),
        pytest.param(lambda table: table.drop(columns="sex"), id="an absent column"),
        pytest.param(lambda table: table.assign(adjuster="nobody"), id="a column of their own"),
    ],
)
def test_mlflow_predicts_what_scoring_does(loaded, in_tracked, tracking_requests, as_given):
    table = as_given(tracking_requests[list(COLUMNS)].head(6))
    expected = score_frame(table, load_model(in_tracked.model_folder))[list(SCORE_COLUMNS)]
    expected = expected.astype(dict.fromkeys(expected.select_dtypes("float"), "Float64"))
    pd.testing.assert_frame_equal(loaded.predict(table), expected)
    assert expected["error"].isna().all()


def test_evidence_is_a_parameter(loaded):
    assert loaded.predict(input_example())["evidence"].notna().all()
    assert loaded.predict(input_example(), params={"evidence": False})["evidence"].isna().all()


def test_coverage_is_a_parameter(loaded, in_tracked, tracking_requests):
    table = tracking_requests[list(COLUMNS)]
    sure = [loaded.predict(table, params={"coverage": coverage})["confident"].sum() for coverage in (0.5, 0.99)]
    assert sure[0] > sure[1], "who wants to be right more often is told less often"


def test_a_request_without_its_summary_column_is_refused_by_name(loaded):
    with pytest.raises(mlflow.MlflowException, match="clinical_summary"):
        loaded.predict(input_example().drop(columns="clinical_summary"))


def test_the_signature_names_the_scored_columns_in_their_order():
    assert tuple(signature().outputs.input_names()) == SCORE_COLUMNS
    assert signature().inputs.required_input_names() == ["request", "clinical_summary"]


def test_the_model_holds_code_but_no_pickle_and_no_bytecode(in_tracked):
    names = [path.name for path in (in_tracked.folder / "mlartifacts").rglob("*")]
    assert {"pyfunc.py", "model.skops", "MLmodel", "requirements.txt", "input_example.json"} <= set(names)
    assert [name for name in names if name == "__pycache__" or name.endswith((".pkl", ".pyc"))] == []


def test_requirements_are_pinned(in_tracked):
    (path,) = (in_tracked.folder / "mlartifacts").rglob("requirements.txt")
    lines = path.read_text().split()
    assert set(pip_requirements()) < set(lines)
    assert all("==" in line for line in lines)


SCORE_WITHOUT_THE_REST = """
import json, sys
from importlib.metadata import packages_distributions
from packaging.utils import canonicalize_name

folder, code, allowed, example = sys.argv[1], sys.argv[2], set(json.loads(sys.argv[3])), json.loads(sys.argv[4])
sys.path.insert(0, code)
known = packages_distributions()

class OnlyTheRequirements:
    def find_spec(self, name, path=None, target=None):
        owners = {canonicalize_name(one) for one in known.get(name.partition(".")[0], ())}
        if owners and not owners & allowed:
            raise ModuleNotFoundError(f"{name} is no requirement", name=name)

sys.meta_path.insert(0, OnlyTheRequirements())
import pandas as pd
from imr_ml.scoring.pyfunc import _load_pyfunc
assert all(one.__file__.startswith(code) for name, one in sys.modules.items() if name.split(".")[0] == "imr_ml")
print(_load_pyfunc(folder).predict(pd.DataFrame(example))["error"].isna().all())
"""


@pytest.mark.slow
def test_the_requirements_and_its_own_code_are_all_that_scoring_needs(tracked):
    (code,) = (tracked.folder / "mlartifacts").rglob("code")
    allowed = {*_with_dependencies({canonicalize_name(name) for name in REQUIREMENTS}), "imr-ml", "packaging"}
    example = json.dumps(input_example().to_dict("records"))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            SCORE_WITHOUT_THE_REST,
            tracked.model_folder,
            code,
            json.dumps(sorted(allowed)),
            example,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr


def _with_dependencies(names):
    found, todo = set(), set(names)
    while todo:
        found |= todo
        todo = {needed for name in todo for needed in _needed(name)} - found
    return found


def _needed(name):
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return set()
    wanted = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})}
