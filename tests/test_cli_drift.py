"""`imr-ml drift`: exit code 3 if a batch drifted, 0 if not, 2 for bad input."""

import json

import pandas as pd
import pytest
from factories import make_requests
from typer.testing import CliRunner

from imr_ml.cli import app


@pytest.fixture
def drift(tmp_path, monkeypatch, model_folder):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=model_folder):
        return CliRunner().invoke(app, ["drift", "--model", str(model), *map(str, arguments)])

    return run


@pytest.fixture
def drifted_batch(tmp_path):
    """A batch that requests only opioids, in words that no training summary has."""
    odd = make_requests(80, seed=2).assign(
        request="Norco 10/325mg #60",
        clinical_summary="Quembolic harrowgate sprondle frobnitz marzolin snorquel. " * 9,
        ur_guideline="Decision based on MTUS Opioids Treatment 2016.",
    )
    odd["case_number"] = "CM19-" + odd["case_number"].str[-7:]
    odd.to_parquet(tmp_path / "odd.parquet")
    return tmp_path / "odd.parquet"


@pytest.fixture
def halves(tmp_path):
    requests = make_requests(240, seed=6)
    requests["case_number"] = "CM19-" + requests["case_number"].str[-7:]
    for name, part in (("first", requests[:120]), ("second", requests[120:])):
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path / "first.csv", tmp_path / "second.csv"


def test_a_batch_unlike_the_training_requests_exits_with_3(drift, drifted_batch):
    result = drift("--current", drifted_batch)

    assert result.exit_code == 3, result.output
    drifted = result.stdout.split("DRIFTED: ")[1].splitlines()[0].split(", ")
    assert {"category", "ur_families", "summary_chars", "vocabulary_coverage"} <= set(drifted)
    assert "request_chars" in result.stdout
    assert "trained on the SAMPLE corpus" in result.stderr


def test_the_reference_can_be_another_batch_and_two_halves_exit_with_0(drift, halves):
    first, second = halves

    result = drift("--reference", first, "--current", second)

    assert result.exit_code == 0, result.output
    assert "no drift" in result.stdout
    assert "not compared, same value in all requests: days_since_injury, items_in_case" in result.stdout
    assert "reference: 120 requests of 60 cases; current: 120 requests of 60 cases" in result.stdout


def test_the_report_is_written_as_json_and_plotted(drift, drifted_batch, tmp_path):
    result = drift("--current", drifted_batch, "--output", "report.json", "--plot", "report.png")

    report = json.loads((tmp_path / "report.json").read_text())
    assert result.exit_code == 3
    assert "category" in report["drifted"]
    assert report["current"] == {"rows": 80, "cases": 40, "drawn_from": 80}
    assert {finding["statistic"] for finding in report["findings"]} == {"psi", "ks"}
    assert all(finding["low"] <= finding["value"] <= finding["high"] for finding in report["findings"])
    assert sum(report["shares"]["category"]["current"]) == pytest.approx(1)
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    assert "frobnitz" not in (tmp_path / "report.json").read_text() + result.output


def test_thresholds_can_be_set(drift, drifted_batch):
    assert drift("--current", drifted_batch, "--psi", 1000, "--ks", 1).exit_code == 0


def test_columns_are_mapped(drift, halves):
    table = pd.read_csv(halves[1]).rename(columns={"request": "RFA_TEXT"})
    table.to_csv("theirs.csv", index=False)

    result = drift("--current", "theirs.csv", "--map", "request=RFA_TEXT")

    assert result.exit_code in (0, 3), result.output
    assert "current: 120 requests" in result.stdout


def test_rows_of_training_cases_and_rows_that_cannot_be_scored_are_reported(drift):
    requests = make_requests(20).assign(request=["x", None] * 10)
    requests.loc[10:, "case_number"] = "CM19-" + requests["case_number"].str[-7:]
    requests.to_csv("in.csv", index=False)

    result = drift("--current", "in.csv")

    assert "10 row(s) cannot be scored and are left out" in result.stderr
    assert "5 row(s) are left out because the model was trained on their cases" in result.stderr
    assert "current: 5 requests of 5 cases" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--current", "gone.csv"], "gone.csv: no such file"),
        (["--current", "bare.csv"], "bare.csv: lacks column(s) request"),
        (["--current", "ours.csv", "--reference", "gone.csv"], "gone.csv: no such file"),
        (["--current", "ours.csv", "--psi", "0"], "the threshold of PSI must be above 0, not 0.0"),
        (["--current", "one.csv"], "the current table has 1 usable case(s); at least 2 are needed"),
        (["--current", "ours.csv", "--map", "request"], "request"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(drift, arguments, message):
    new = make_requests(6).assign(case_number=[f"CM19-{row // 2:07d}" for row in range(6)])
    new.to_csv("ours.csv", index=False)
    new[:2].to_csv("one.csv", index=False)
    pd.DataFrame({"note": ["x"]}).to_csv("bare.csv", index=False)

    result = drift(*arguments)

    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_model_without_a_profile_is_refused_with_a_remedy(drift, trained, tmp_path):
    from imr_ml.files import sha256_of
    from imr_ml.model_files import CHECKSUMS, FACTS, REFERENCE, save_model

    folder = save_model(trained, tmp_path / "older")
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | {"format": 2}))
    names = [line.split()[1] for line in (folder / CHECKSUMS).read_text().splitlines() if REFERENCE not in line]
    (folder / CHECKSUMS).write_text("".join(f"{sha256_of(folder / name)}  {name}\n" for name in names))
    (folder / REFERENCE).unlink()
    new = make_requests(6).assign(case_number=[f"CM19-{row // 2:07d}" for row in range(6)])
    new.to_csv("ours.csv", index=False)

    refused = drift("--current", "ours.csv", model=folder)

    assert refused.exit_code == 2
    assert "contains no profile of its training data" in refused.stderr
    assert drift("--current", "ours.csv", "--reference", "ours.csv", model=folder).exit_code == 0
