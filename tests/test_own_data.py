"""The worked example of docs/own-data.md: an invented vendor export, from training to the scored batch."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.corpus.decisions import InputOptions, read_decisions
from imr_ml.corpus.mapping import read_mapping
from imr_ml.errors import SchemaError

EXAMPLE = Path(__file__).parents[1] / "docs/own-data"
VENDOR, COLUMNS = EXAMPLE / "vendor.csv", EXAMPLE / "vendor.toml"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_the_example_is_trained_on_and_scored_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    trained = run("train", "--data", VENDOR, "--columns", COLUMNS, "--rejects", "left-out.csv", "-o", "m", "--jobs", 1)

    assert trained.exit_code == 0, trained.output
    assert "9 row(s) left out: 2 x outcome is partial (choose with --partial), 2 x outcome is empty" in trained.stdout
    assert "date_of_injury is read day first" in trained.stdout
    assert "2 x age: not a valid number" in trained.stdout
    assert "SYNTHETIC" in trained.stdout
    left_out = pd.read_csv("left-out.csv")
    assert len(left_out) == 9
    assert left_out["line"].dropna().tolist() == [53, 56]

    scored = run("score", VENDOR, "--columns", COLUMNS, "-o", "scored.csv", "--model", "m", "--jobs", 1)

    assert scored.exit_code == 3, scored.output
    assert "58 of 60 rows scored" in scored.stdout
    rows = pd.read_csv("scored.csv")
    assert rows["error"].dropna().tolist() == ["request is empty", "clinical_summary is empty"]
    assert rows["RFA Text"].str.contains("Cirugía del hombro – artroscopia").sum() == 1
    rejects = [json.loads(line) for line in Path("scored.csv.rejects.jsonl").read_text("utf-8").splitlines()]
    assert [reject["line"] for reject in rejects] == [53, 56]


@pytest.mark.parametrize(("partial", "overturned"), [("drop", 10), ("overturned", 12), ("upheld", 10)])
def test_partial_decisions_count_as_the_user_says(partial, overturned):
    decisions = read_decisions(VENDOR, InputOptions(read_mapping(file=COLUMNS), partial))

    assert decisions.requests["outcome"].eq("overturned").sum() == overturned


def test_every_row_and_line_is_either_used_or_listed_with_a_reason():
    decisions = read_decisions(VENDOR, InputOptions(read_mapping(file=COLUMNS)))

    assert len(decisions.requests) + len(decisions.rejected_rows) == 62
    assert decisions.rejected_rows["reason"].notna().all()


def test_columns_are_suggested_by_name_and_by_content(tmp_path):
    table = pd.DataFrame(
        {
            "Treatment asked": ["MRI"] * 5,
            "A": ["A 45 year old roofer fell from a ladder and hurt the low back. " * 5] * 5,
            "B": ["Overturn", "UR upheld", "upheld", "Upheld", "pending"],
        }
    )
    table.to_csv(tmp_path / "a.csv", index=False)

    with pytest.raises(SchemaError, match="--map clinical_summary=A --map outcome=B"):
        read_decisions(tmp_path / "a.csv")


def test_a_table_without_case_numbers_or_with_every_row_twice_says_so(tmp_path):
    rows = [{"request": f"MRI {n}", "clinical_summary": f"Story {n}.", "outcome": "upheld"} for n in range(3)]
    pd.DataFrame(rows * 2).to_json(tmp_path / "a.json")

    notes = " ".join(read_decisions(tmp_path / "a.json").notes)

    assert "no case numbers, so each row counts as its own case" in notes
    assert "every row is in the table at least twice" in notes
    assert "only the outcome classifier is trained" in notes


def test_an_unknown_key_of_a_columns_file_is_one_line_with_its_place(tmp_path):
    (tmp_path / "a.toml").write_text('[column]\nrequest = "RFA"\n')

    with pytest.raises(SchemaError, match=r"a\.toml: column: extra inputs are not permitted; it has \[columns\]"):
        read_mapping(file=tmp_path / "a.toml")


def test_a_skipped_column_is_not_read_and_changes_nothing_else():
    options = InputOptions(read_mapping(file=COLUMNS))
    whole, part = read_decisions(VENDOR, options), read_decisions(VENDOR, options, skip=("age",))

    pd.testing.assert_frame_equal(part.requests, whole.requests.drop(columns="age"))
