"""`imr-ml predict` for a request or a letter, and `imr-ml score` on a stream."""

import io
import json
import os
import resource
import subprocess
import sys

import pandas as pd
import pytest
from factories import make_letter_text, make_requests
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.model_files import read_model
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.frame import score_frame

RUN = "from imr_ml.cli import app; app()"
REQUEST = ["--request", "MRI of the left knee", "--summary", "A 45 year old male with knee pain, no locking."]


def run(*arguments, **options):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def test_a_request_gets_a_card_with_probability_cohort_families_evidence_and_precedents(model_folder):
    result = run("predict", *REQUEST, "--model", model_folder)

    assert result.exit_code == 0, result.output
    for label in ("MRI of the left knee", "Outcome", "Families", "Evidence", "Nearest decisions", "Model"):
        assert label in result.stdout


def test_json_has_the_same_numbers_as_scoring(model_folder):
    result = run("predict", *REQUEST, "--model", model_folder, "--json")

    row = json.loads(result.stdout)
    frame = pd.DataFrame([{"request": REQUEST[1], "clinical_summary": REQUEST[3]}])
    expected = score_frame(frame, read_model(model_folder)).iloc[0]
    assert row["p_overturned"] == expected["p_overturned"]
    assert row["evidence"] == expected["evidence"]


@pytest.mark.parametrize("from_stdin", [False, True])
def test_each_request_of_a_letter_gets_a_prediction(model_folder, tmp_path, from_stdin):
    text = make_letter_text()
    (tmp_path / "a.txt").write_text(text)

    result = run("predict", "-" if from_stdin else tmp_path / "a.txt", "--json", "--model", model_folder, input=text)

    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0, result.output
    assert rows
    assert all(row["p_overturned"] is not None for row in rows)


@pytest.mark.parametrize("arguments", [[], ["--request", "MRI"], ["a.txt", *REQUEST]])
def test_either_a_letter_or_both_texts_are_required(arguments, model_folder):
    result = run("predict", *arguments, "--model", model_folder)

    assert result.exit_code == 2
    assert result.stderr == "imr-ml: give a letter, or both --request and --summary\n"


def test_a_request_that_cannot_be_scored_has_its_reason_and_exit_code_3(model_folder):
    result = run("predict", "--request", "unknown", "--summary", "Knee pain.", "--model", model_folder)

    assert result.exit_code == 3
    assert "request is empty" in result.stdout


def test_a_stream_of_json_lines_is_answered_line_by_line(model_folder):
    rows = make_requests(3)[["request", "clinical_summary"]].to_dict("records")
    lines = [json.dumps(rows[0]), "{broken", json.dumps(rows[1]), "", json.dumps(rows[2] | {"age": "x"})]
    command = ["score", "-", "-o", "-", "--model", str(model_folder)]

    result = subprocess.run(
        [sys.executable, "-c", RUN, *command],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )

    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 3
    assert "3 of 3 rows scored; 1 line(s) are not rows" in result.stderr
    assert [answer["line"] for answer in answers if "line" in answer] == [2]
    scored = [answer for answer in answers if "line" not in answer]
    assert [answer["request"] for answer in scored] == [row["request"] for row in rows]
    assert scored[2]["warnings"] == "age: not a valid number"


def test_a_stream_is_answered_before_its_end(model_folder):
    from imr_ml.corpus.mapping import ColumnMapping
    from imr_ml.scoring.stream import score_stream

    read_end, write_end = os.pipe()
    row = json.dumps(make_requests(1)[["request", "clinical_summary"]].to_dict("records")[0]) + "\n"
    answers = io.StringIO()

    def answer(lines):
        answers.write(lines)
        if answers.getvalue().count("\n") == 1:
            os.write(write_end, row.encode())
        else:
            os.close(write_end)

    os.write(write_end, row.encode())
    summary = score_stream(read_end, answer, read_model(model_folder), ScoreOptions(), ColumnMapping())

    assert summary.rows == 2
    assert set(SCORE_COLUMNS) <= set(json.loads(answers.getvalue().splitlines()[1]))


def test_a_full_disk_gives_one_line_and_leaves_the_previous_output(model_folder, tmp_path):
    make_requests(400).to_csv(tmp_path / "in.csv", index=False)
    (tmp_path / "out.csv").write_text("previous")

    result = subprocess.run(
        [sys.executable, "-c", RUN, "score", "in.csv", "-o", "out.csv", "--jobs", "1", "--model", str(model_folder)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )

    assert result.returncode == 2, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "out.csv.parts: can't be written to (file too large)" in result.stderr
    assert (tmp_path / "out.csv").read_text() == "previous"


def test_scoring_no_row_exits_with_3(model_folder, tmp_path):
    make_requests(3).assign(request="N/A").to_csv(tmp_path / "in.csv", index=False)

    result = run("score", tmp_path / "in.csv", "-o", tmp_path / "out.csv", "--model", model_folder)

    assert result.exit_code == 3
    assert "0 of 3 rows scored" in result.stdout
