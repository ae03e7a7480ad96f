"""`imr-ml rates`: what it prints and writes, and how it refuses bad input."""

import sys

import pandas as pd
import pytest
from decided_requests import MRI, NORCO, decided
from factories import make_letter_text
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.rates.page import chart_library


@pytest.fixture
def rates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, ["rates", *map(str, arguments)])

    return run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "decided.csv"
    decided((MRI, 40, 20), (NORCO, 30, 3), ("MRI of the neck", 10, 1)).to_csv(path, index=False)
    return path


def test_the_rates_are_printed_and_written(rates, table, tmp_path):
    result = rates(table, "--by", "body_part", "--by", "year", "-o", "rates.csv", "--compare", "knee", "none named")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("decided.csv: 80 decided requests of 80 cases, decided 2016-05-01 to 2016-05-01")
    assert "overall 30.0% [21.1%, 40.8%] of 80 requests overturned" in result.stdout
    assert "knee 50.0% of 40 minus none named 10.0% of 30: +40.0 points" in result.stdout
    written = pd.read_csv(tmp_path / "rates.csv")
    assert written["body_part"].tolist() == ["knee", "none named", "cervical_spine"]
    assert written["rate"].round(2).tolist()[:2] == [0.5, 0.1]
    assert written.loc[2, ["overturned", "rate"]].isna().all()


def test_a_condition_restricts_the_requests(rates, table):
    result = rates(table, "--by", "treatment", "--where", "body_part=cervical")

    assert result.exit_code == 0, result.output
    assert "10 decided requests of 10 cases" in result.stdout
    assert "only body_part=cervical" in result.stdout


def test_sample_requests_are_marked(rates, table, tmp_path):
    pd.read_csv(table).assign(source="sample").to_csv(table, index=False)
    result = rates(table, "-o", "rates.csv")

    assert "SAMPLE, SYNTHETIC; overall" in result.stdout.replace("\n", " ")
    assert set(pd.read_csv(tmp_path / "rates.csv")["source"]) == {"SAMPLE (SYNTHETIC)"}


def test_a_table_in_its_owners_words_is_read_as_by_train(rates, tmp_path):
    own = decided((MRI, 30, 10)).rename(columns={"request": "RFA", "outcome": "Result"})
    own["Result"] = own["Result"].replace({"overturned": "Modified"})
    own.to_csv(tmp_path / "own.csv", index=False, sep=";")
    result = rates("own.csv", "--map", "request=RFA", "--map", "outcome=Result", "--partial", "overturned")

    assert result.exit_code == 0, result.output
    assert "33.3%" in result.stdout


def test_a_folder_of_letters_is_read(rates, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text(make_letter_text())
    result = rates("letters", "--by", "body-part")

    assert result.exit_code == 0, result.output
    assert "1 decided requests of 1 cases" in result.stdout
    assert "overall - of 1 requests" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv"),
        (["decided.csv", "--by", "moon"], "no question 'moon'; choose from category"),
        (["decided.csv", "--by", "year", "--by", "sex", "--by", "drug"], "give one or 2 different questions"),
        (["decided.csv", "--where", "year"], "write it as NAME=VALUE"),
        (["decided.csv", "--where", "year=1066"], "no request has it"),
        (["decided.csv", "--by", "body_part", "--compare", "knee", "neck"], "less than 20 requests have only"),
        (["decided.csv", "-o", "rates.docx"], "rates.docx"),
        (["decided.csv", "--html", "rates.pdf"], "rates.pdf: the page is HTML; end its name in .html"),
        (["decided.csv", "-o", "decided.csv"], "decided.csv: is the input; write to another file"),
        (["decided.csv", "--with-text"], "--with-text is about the page: give --html too"),
        (["decided.csv", "--source", "dmhc"], "contains no request of source dmhc"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(rates, table, arguments, message):
    result = rates(*arguments)

    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_letter_text_is_printed_or_written(rates, table, tmp_path):
    result = rates(table, "--by", "treatment", "--by", "diagnosis", "-o", "rates.csv")

    for text in (MRI, NORCO, "lumbar radiculopathy and no depression"):
        assert text not in result.output
        assert text not in (tmp_path / "rates.csv").read_text("utf-8")


@pytest.mark.parametrize("with_text", [True, False])
def test_the_page_lists_the_requests_texts_only_with_the_flag(rates, table, tmp_path, with_text):
    pytest.importorskip("vl_convert")
    compared = ["--by", "body_part", "--compare", "knee", "none named"]
    result = rates(table, *compared, "--html", "rates.html", *(["--with-text"] if with_text else []))

    assert result.exit_code == 0, result.output
    page = (tmp_path / "rates.html").read_text("utf-8")
    assert (MRI in page) == with_text
    assert ("This page holds text of requests" in page) == with_text
    assert "knee 50.0% of 40 minus none named 10.0% of 30" in page
    assert MRI not in result.output
    assert "lumbar radiculopathy and no depression" not in page


def test_a_page_without_the_chart_library_is_refused(rates, table, monkeypatch):
    chart_library.cache_clear()
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    result = rates(table, "--html", "rates.html")

    assert result.exit_code == 2
    assert "pip install 'imr-ml[charts]'" in result.stderr
