"""The recorded model as an MLflow model."""

import sys

import mlflow
import pandas as pd
import pytest

from imr_ml.errors import SchemaError
from imr_ml.model_files import read_model
from imr_ml.score_columns import SCORE_COLUMNS
from imr_ml.scoring.frame import score_frame
from imr_ml.tracking.mlflow_model import input_example, pip_requirements, signature

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

COLUMNS = ("case_number", "request", "clinical_summary", "ur_guideline", "date_of_injury", "age", "sex")


@pytest.fixture
def loaded(in_tracked, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", in_tracked.run.tracking_uri)
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
def test_mlflow_predicts_the_same_as_scoring(loaded, in_tracked, tracking_requests, as_given):
    table = as_given(tracking_requests[list(COLUMNS)].head(6))
    expected = score_frame(table, read_model(in_tracked.model_folder))[list(SCORE_COLUMNS)]
    expected = expected.astype(dict.fromkeys(expected.select_dtypes("float"), "Float64"))
    pd.testing.assert_frame_equal(loaded.predict(table), expected)
    assert expected["error"].isna().all()


def test_evidence_is_a_parameter(loaded):
    assert loaded.predict(input_example())["evidence"].notna().all()
    assert loaded.predict(input_example(), params={"evidence": False})["evidence"].isna().all()


def test_coverage_is_a_parameter(loaded, in_tracked, tracking_requests):
    table = tracking_requests[list(COLUMNS)]
    sure = [loaded.predict(table, params={"coverage": coverage})["confident"].sum() for coverage in (0.5, 0.99)]
    assert sure[0] > sure[1], "a higher coverage gives fewer confident predictions"


def test_a_missing_summary_column_is_an_error_with_its_name(loaded):
    posted_without_header = input_example().rename(columns={"clinical_summary": "A 45 year old roofer fell."})

    with pytest.raises(SchemaError) as caught:
        loaded.predict(posted_without_header)

    assert str(caught.value) == "the requests lack column(s) clinical_summary"


def test_the_signature_names_the_scored_columns_in_their_order():
    assert tuple(signature().outputs.input_names()) == SCORE_COLUMNS
    assert {"request", "clinical_summary"} <= set(signature().inputs.input_names())


def test_the_model_contains_code_but_no_pickle_or_bytecode(in_tracked):
    names = [path.name for path in (in_tracked.folder / "mlartifacts").rglob("*")]
    assert {"pyfunc.py", "model.skops", "MLmodel", "requirements.txt", "input_example.json"} <= set(names)
    assert [name for name in names if name == "__pycache__" or name.endswith((".pkl", ".pyc"))] == []


def test_requirements_are_pinned(in_tracked):
    (path,) = (in_tracked.folder / "mlartifacts").rglob("requirements.txt")
    lines = path.read_text().split()
    assert set(pip_requirements()) < set(lines)
    assert all("==" in line for line in lines)
