"""`imr-ml train`: its report on the data, and the errors that stop it before training."""

import pandas as pd
import pytest
from factories import make_letter_text, make_requests
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.corpus.near_duplicates import duplicate_groups
from imr_ml.corpus.schema import validate_requests
from imr_ml.quality.checking import check_training
from imr_ml.quality.report import Level

COLUMNS = ["case_number", "request", "clinical_summary", "ur_guideline", "outcome", "families", "date_of_injury"]


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Run the command on a table in an empty folder; it must leave neither a model nor a run store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(table, *arguments):
        table.to_csv("vendor.csv", index=False)
        result = CliRunner().invoke(app, ["train", "vendor.csv", *arguments])
        assert not (tmp_path / "models").exists()
        assert not (tmp_path / "mlflow.db").exists(), "nothing is registered"
        return result

    return run


@pytest.fixture
def vendor():
    """Eighty requests of forty cases, as a vendor exports them, without a source."""
    return make_requests(80, seed=3)[COLUMNS]


def error_kinds(requests):
    report = check_training(validate_requests(requests, "test").reset_index(drop=True), "test").report
    return {finding.kind for finding in report.findings if finding.level is Level.ERROR}


def test_a_clean_table_has_no_errors(vendor):
    assert error_kinds(vendor) == set()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda table: pd.concat([table, table]), "80 of 160 rows are duplicates"),
        (lambda table: table.drop(columns="case_number"), "no row has a case number or a letter"),
        (lambda table: table.head(20), "20 decided request(s) of 10 case(s): too few to train on"),
    ],
    ids=["every row doubled", "no case numbers", "twenty rows"],
)
def test_an_error_in_the_data_stops_training(train, vendor, damage, message):
    result = train(damage(vendor), "--folds", "2")

    assert result.exit_code == 3
    assert f"error: {message}" in result.stdout
    assert "not trained: the check found 1 error(s) in the data; fix them, or add --allow-errors" in result.stderr


def test_duplicate_items_of_a_case_are_an_error(vendor):
    items = vendor.assign(item=vendor.groupby("case_number").cumcount() + 1)
    assert error_kinds(items) == set()
    assert error_kinds(pd.concat([items, items])) == {"item_twice"}


def test_the_check_groups_cases_as_folds_do(vendor):
    requests = validate_requests(vendor, "test")
    assert check_training(requests, "test").groups.tolist() == duplicate_groups(requests).tolist()


def test_a_single_letter_is_read_and_refused_as_too_few(train, tmp_path):
    (tmp_path / "one.txt").write_text(make_letter_text())
    result = CliRunner().invoke(app, ["train", "one.txt"])
    assert result.exit_code == 3, result.output
    assert "error: 1 decided request(s) of 1 case(s): too few to train on, which needs 30 cases" in result.stdout


def test_used_and_ignored_columns_are_listed_in_any_spelling(train, vendor):
    table = vendor.rename(columns={"request": "REQUEST", "clinical_summary": "Clinical Summary"}).assign(
        Body_Part="knee"
    )
    result = train(table.head(20))
    assert "columns used: case_number, request (REQUEST), clinical_summary (Clinical Summary)," in result.stdout
    assert "; ignored: Body_Part" in result.stdout


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("ur_guidline=Body_Part", "ur_guidline is not a column of the requests table; did you mean ur_guideline?"),
        ("Body_Part=knee", "Body_Part is not a column of the requests table"),
        ("RFA_TEXT=request", "did you mean request=RFA_TEXT?"),
    ],
)
def test_a_map_to_an_unknown_column_is_refused_with_a_suggestion(train, vendor, pair, message):
    result = train(vendor, "--map", pair)
    assert result.exit_code == 2
    assert message in result.stderr


def test_data_named_twice_is_refused(train, vendor):
    result = train(vendor, "--data", "vendor.csv")
    assert result.exit_code == 2
    assert "name the data only once" in result.stderr
