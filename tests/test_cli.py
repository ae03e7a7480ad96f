"""Run the commands as a user types them: output, files and errors."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from factories import KNEE, NORCO, make_letter_text, make_requests
from typer.testing import CliRunner

from imr_ml.cli import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


def assert_fails_in_one_line(result, message):
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_replaced_worker_process_prints_no_warning():
    code = """
import warnings
from imr_ml.cli.app import main
main()
warnings.warn("A worker stopped while some jobs were given to the executor. This can be caused ...", UserWarning)
"""

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stderr == b""


def test_help_imports_no_heavy_library():
    heavy = ("mlflow", "spacy", "sklearn", "pandas", "matplotlib")
    code = f"import sys, imr_ml.cli; print([name for name in {heavy} if name in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_ingest_writes_the_table_and_reports_unreadable_files(run, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").write_text(make_letter_text(items=(KNEE, NORCO)))
    (tmp_path / "letters/b.txt").write_text("a shopping list\n")

    result = run("ingest", "letters", "-o", "requests.parquet")

    assert result.exit_code == 0, result.output
    assert "requests.parquet: 1 letters, 2 requests, 1 overturned (50.0%)" in result.stdout
    assert "  1 not in the table: has no heading 'IMR ISSUES" in result.stdout
    assert "1 file(s) not added to the table; see rejects.jsonl" in result.stderr
    assert len(pd.read_parquet("requests.parquet")) == 2
    (reject,) = [json.loads(line) for line in Path("rejects.jsonl").read_text().splitlines()]
    assert reject["file"].endswith("b.txt")
    assert "IMR ISSUES" in reject["reason"]


def test_ingest_prints_its_report_as_json(run, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text(make_letter_text())
    (tmp_path / "letters" / "scan.tif").write_text("x")

    report = json.loads(run("ingest", "letters", "-o", "requests.parquet", "--json").stdout)

    assert (report["letters"], report["other_files"]) == (1, {"total": 1, "first": ["scan.tif"]})


def test_ingest_adds_to_a_table_unless_fresh_is_set(run, tmp_path):
    (tmp_path / "a.txt").write_text(make_letter_text(items=(KNEE, NORCO)))
    (tmp_path / "b.txt").write_text(make_letter_text(case_number="CM17-0000001"))
    (tmp_path / "again.txt").write_text(make_letter_text(case_number="CM17-0000001", decision_date="01/31/2017"))
    run("ingest", "a.txt", "-o", "requests.parquet")

    added = run("ingest", "b.txt", "again.txt", "-o", "requests.parquet")

    assert added.exit_code == 0, added.output
    assert "  it now contains 3 letters, 4 requests" in added.stdout
    assert "    CM17-0000001, version 2: decision_date, decision_year" in added.stdout
    assert pd.read_parquet("requests.parquet")["case_version"].tolist() == [1, 1, 1, 2]
    assert json.loads(Path("requests.manifest.json").read_text())["issues"] == 3

    run("ingest", "b.txt", "-o", "requests.parquet", "--fresh")

    assert pd.read_parquet("requests.parquet")["file"].tolist() == ["b.txt"]


def test_ingest_appends_only_letters_that_the_table_lacks(run, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").write_text(make_letter_text(items=(KNEE, NORCO)))
    run("ingest", "letters", "-o", "requests.parquet")
    (tmp_path / "letters/renamed.txt").write_text(make_letter_text(items=(KNEE, NORCO)))
    (tmp_path / "letters/same.txt").write_text(make_letter_text(items=(KNEE, NORCO), width=80))
    (tmp_path / "letters/c.txt").write_text(make_letter_text(case_number="CM17-0000001"))

    result = run("ingest", "letters", "-o", "requests.parquet", "--append", "--jobs", 1)

    assert result.exit_code == 0, result.output
    assert "1 letters, 1 requests, 0 overturned (0.0%); 2 already in the table" in result.stdout
    assert "  1 not in the table: the same letter as another" in result.stdout
    assert pd.read_parquet("requests.parquet")["file"].tolist() == ["a.txt", "a.txt", "c.txt"]

    again = run("ingest", "letters", "-o", "requests.parquet", "--append")

    assert again.exit_code == 0, again.output
    assert "0 letters, 0 requests, 0 overturned; 3 already in the table" in again.stdout
    assert len(pd.read_parquet("requests.parquet")) == 3


def test_read_shows_a_letter_as_text_and_as_json(run, tmp_path):
    (tmp_path / "a.txt").write_text(make_letter_text(items=(KNEE, NORCO)))

    as_text, as_json = run("read", "a.txt"), run("read", "a.txt", "--json")

    assert as_text.exit_code == as_json.exit_code == 0, as_text.output
    assert "2. Norco 10/325mg #60: Overturned" in as_text.stdout
    assert json.loads(as_json.stdout)["case_number"] == "CM16-0099001"


def test_sample_letters_are_the_same_for_the_same_seed(run, tmp_path):
    for folder in ("first", "second"):
        assert run("sample", "-n", 3, "-o", folder, "--seed", 5).exit_code == 0

    contents = [[path.read_bytes() for path in sorted(Path(folder).iterdir())] for folder in ("first", "second")]
    assert contents[0] == contents[1]
    assert len(list(Path("first").glob("*.txt"))) == 3


def test_sample_does_not_write_into_a_folder_with_files(run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a.txt").touch()

    assert_fails_in_one_line(run("sample", "-n", 1, "-o", "full"), "full: exists and is not an empty folder")


def test_score_reports_rows_and_errors(run, model_folder):
    make_requests(3).assign(request=["MRI of the knee", None, "Norco 10/325mg #60"]).to_csv("in.csv", index=False)

    result = run("score", "in.csv", "-o", "out.csv", "--model", model_folder)

    assert result.exit_code == 0, result.output
    assert "out.csv: 2 of 3 rows scored" in result.stdout
    assert "1 row(s) could not be scored; the column 'error' has the reasons" in result.stderr
    assert "2 row(s) belong to cases that the model was trained on (in_training)" in result.stderr


def test_score_reads_standard_input_and_prints_its_summary_as_json(run, model_folder):
    table = make_requests(3).to_csv(index=False).encode()

    result = CliRunner().invoke(
        app, ["score", "-", "-o", "out.csv", "--model", str(model_folder), "--json"], input=table
    )

    summary = json.loads(result.stdout)
    assert (summary["rows"], summary["errors"], summary["output"]) == (3, 0, "out.csv")
    assert sum(summary["by_outcome"].values()) == 3
    again = CliRunner().invoke(app, ["score", "-", "-o", "out.csv", "--model", str(model_folder), "--resume"])
    assert_fails_in_one_line(again, "standard input cannot be read again; save it as a file")


def test_score_reports_the_detected_format_and_maps_columns(run, model_folder):
    requests = make_requests(3).rename(columns={"request": "RFA_TEXT"})
    requests.to_csv("in.csv", index=False, sep=";", encoding="utf-16")

    result = run(
        "score",
        "in.csv",
        "-o",
        "out.csv",
        "--map",
        "request=RFA_TEXT",
        "--report",
        "page.html",
        "--model",
        model_folder,
    )

    assert result.exit_code == 0, result.output
    assert "in.csv is read as CSV, utf-16" in result.stderr
    assert "page.html: open it in a browser; it contains the texts of the requests" in result.stdout
    assert requests["RFA_TEXT"][0] in Path("page.html").read_text("utf-8")


def test_a_scored_batch_is_tracked_if_requested(run, model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'runs.db'}")
    make_requests(2).to_csv("in.csv", index=False)

    untracked = run("score", "in.csv", "-o", "out.csv", "--model", model_folder)
    assert not (tmp_path / "runs.db").exists(), untracked.output

    result = run("score", "in.csv", "-o", "out.csv", "--model", model_folder, "--track")
    assert result.exit_code == 0, result.output
    assert "in 'imr_ml scoring'" in result.stdout


def test_a_batch_is_scored_and_its_run_saved_if_the_server_is_down(run, model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    make_requests(2).to_csv("in.csv", index=False)
    result = run("score", "in.csv", "-o", "out.csv", "--model", model_folder, "--track")
    assert result.exit_code == 0, result.output
    assert "no MLflow server answers" in result.stderr
    assert "nothing is lost: the run is saved in mlruns-unsent" in result.stderr
    assert len(pd.read_csv("out.csv")) == 2


def test_score_uses_the_coverage_and_the_number_of_precedents(run, model_folder):
    make_requests(3).assign(application_received="2016-07-01").to_csv("in.csv", index=False)

    run("score", "in.csv", "-o", "out.jsonl", "--model", model_folder, "--coverage", 0.99, "--precedents", 1)
    without = run("score", "in.csv", "-o", "none.jsonl", "--model", model_folder, "--precedents", 0, "--no-evidence")

    full, bare = (pd.read_json(f"{name}.jsonl", lines=True) for name in ("out", "none"))
    assert without.exit_code == 0, without.output
    assert full["outcome_pred"].eq("uncertain").all()
    assert [len(json.loads(row)) for row in full["precedents"]] == [1, 1, 1]
    assert bare[["precedents", "evidence"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "gone"], "gone: no such file or folder"),
        (["train", "--data", "empty"], "empty: contains no letter (.pdf or .txt)"),
        (
            ["train", "--data", "broken"],
            "none of 1 file(s) is a letter that can be read; see data/processed/rejects.jsonl",
        ),
        (["train", "--data", "bare.csv"], "bare.csv: lacks column(s) request, clinical_summary, outcome; found: note"),
        (["score", "gone.csv", "-o", "out.csv", "--model", "MODEL"], "gone.csv: no such file"),
        (["score", "bare.csv", "-o", "out.csv", "--model", "MODEL"], "bare.csv: lacks column(s) request"),
        (["score", "few.csv", "-o", "out.csv", "--model", "nowhere"], "nowhere: contains no model"),
        (["score", "few.csv", "-o", "out.csv", "--model", "models:/imr-ml@nobody"], "imr-ml"),
        (["ingest", "gone", "-o", "r.parquet"], "gone: no such file or folder"),
        (["ingest", "broken", "-o", "few.parquet"], "few.parquet: lacks column(s) letter_sha256"),
        (["ingest", "broken", "-o", "few.csv"], "few.csv: the table is written as Parquet; name it few.parquet"),
        (["ingest", "bare.csv", "-o", "r.parquet"], "bare.csv: lacks column(s) file, text; found: note; a table of"),
        (["ingest", "broken", "-o", "r.parquet", "--append", "--fresh"], "--append keeps the table and --fresh"),
        (["train", "--data", "few.csv", "--source", "dmhc"], "few.csv: contains no request of source dmhc; it has: sa"),
        (["read", "gone.pdf"], "gone.pdf: can't be read (No such file or directory)"),
        (["read", "broken/a.pdf"], "a.pdf: is not a PDF (no %PDF- mark); fetch it again"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(run, tmp_path, monkeypatch, model_folder, arguments, message):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/a.pdf").write_bytes(b"not a PDF")
    (tmp_path / "bare.csv").write_text("note\nx\n")
    make_requests(4).to_csv(tmp_path / "few.csv", index=False)
    make_requests(4).to_parquet(tmp_path / "few.parquet", index=False)

    result = run(*[model_folder if argument == "MODEL" else argument for argument in arguments])

    assert_fails_in_one_line(result, message)
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "models").exists()


def test_errors_contain_no_text_of_a_request(run, tmp_path):
    secret = "zebrafish"
    make_requests(30).assign(request=secret, outcome=secret).to_csv("in.csv", index=False)

    result = run("train", "--data", "in.csv")

    assert_fails_in_one_line(result, "has no decided request (30 x outcome is not a known decision)")
    assert secret not in result.output


@pytest.mark.slow
def test_train_without_data_then_score(run, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("imr_ml.ingest.sources.SAMPLE_LETTERS", 80)

    trained = run("train", "--folds", 3, "--jobs", 1)

    assert trained.exit_code == 0, trained.output
    assert "every figure below is SYNTHETIC" in trained.stdout
    assert "imr-ml train --data PATH" in trained.stdout
    assert "SYNTHETIC sample corpus" in trained.stdout
    assert "models:/imr-ml/1 (challenger)" in trained.stdout
    assert "its model card: models/latest/README.md" in trained.stdout
    assert "[latest](latest/README.md)" in Path("models/README.md").read_text()

    scored = run("score", "data/sample", "-o", "scored.jsonl")
    registered = run("score", "data/sample", "-o", "registered.jsonl", "--model", "models:/imr-ml@challenger")

    assert scored.exit_code == registered.exit_code == 0, scored.output + registered.output
    assert "trained on the SAMPLE corpus: its predictions for real requests are meaningless" in scored.stderr
    assert Path("scored.jsonl").read_bytes() == Path("registered.jsonl").read_bytes()
    rows = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    assert len(rows) == len(pd.read_parquet("data/processed/requests.parquet"))
    assert all(row["source"] == "sample" and row["error"] is None for row in rows)
