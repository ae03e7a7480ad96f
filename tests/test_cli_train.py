"""What `imr-ml train` says of its data before it trains, and what stops it."""

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
    """Runs the command on a table in a folder of its own, which must hold neither a model nor a store afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(table, *arguments):
        table.to_csv("vendor.csv", index=False)
        done = CliRunner().invoke(app, ["train", "vendor.csv", *arguments])
        assert not (tmp_path / "models").exists()
        assert not (tmp_path / "mlflow.db").exists(), "nothing is registered"
        return done

    return run


@pytest.fixture
def vendor():
    """Eighty requests of forty cases, as a vendor exports them, without a source."""
    return make_requests(80, seed=3)[COLUMNS]


def found(requests):
    report = check_training(validate_requests(requests, "test").reset_index(drop=True), "test").report
    return {one.kind for one in report.findings if one.level is Level.ERROR}


def test_a_table_without_a_fault_has_no_error(vendor):
    assert found(vendor) == set()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda table: pd.concat([table, table]), "80 of 160 rows repeat another"),
        (lambda table: table.drop(columns="case_number"), "no row has a case number or a letter"),
        (lambda table: table.head(20), "20 decided request(s) of 10 case(s): too few to train on"),
    ],
    ids=["every row doubled", "no case numbers", "twenty rows"],
)
def test_an_error_in_the_data_stops_the_training(train, vendor, fault, says):
    done = train(fault(vendor), "--folds", "2")

    assert done.exit_code == 3
    assert f"error: {says}" in done.stdout
    assert "not trained: the check found 1 error(s) in the data; fix them, or add --allow-errors" in done.stderr


def test_items_that_stand_twice_in_a_case_stop_the_training(vendor):
    items = vendor.assign(item=vendor.groupby("case_number").cumcount() + 1)
    assert found(items) == set()
    assert found(pd.concat([items, items])) == {"item_twice"}


def test_the_groups_of_the_check_are_those_that_folds_keep_together(vendor):
    requests = validate_requests(vendor, "test")
    assert check_training(requests, "test").groups.tolist() == duplicate_groups(requests).tolist()


def test_one_letter_is_read_and_is_too_few(train, tmp_path):
    (tmp_path / "one.txt").write_text(make_letter_text())
    done = CliRunner().invoke(app, ["train", "one.txt"])
    assert done.exit_code == 3, done.output
    assert "error: 1 decided request(s) of 1 case(s): too few to train on, which takes 30 cases" in done.stdout


def test_the_columns_that_are_used_and_ignored_are_listed_whatever_their_case(train, vendor):
    table = vendor.rename(columns={"request": "REQUEST", "clinical_summary": "Clinical Summary"}).assign(
        Body_Part="knee"
    )
    done = train(table.head(20))
    assert "columns used: case_number, request (REQUEST), clinical_summary (Clinical Summary)," in done.stdout
    assert "; ignored: Body_Part" in done.stdout


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("ur_guidline=Body_Part", "ur_guidline is no column of the requests table; did you mean ur_guideline?"),
        ("Body_Part=knee", "Body_Part is no column of the requests table"),
        ("RFA_TEXT=request", "did you mean request=RFA_TEXT?"),
    ],
)
def test_a_map_to_no_known_column_is_refused_with_a_suggestion(train, vendor, pair, says):
    done = train(vendor, "--map", pair)
    assert done.exit_code == 2
    assert says in done.stderr


def test_data_named_twice_are_refused(train, vendor):
    done = train(vendor, "--data", "vendor.csv")
    assert done.exit_code == 2
    assert "name the data only once" in done.stderr
