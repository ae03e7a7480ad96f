"""`imr-ml check`: exit code 3 for errors, 0 without errors, 2 for input that cannot be checked."""

import json

import pytest
from factories import make_requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from imr_ml.cli import app


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, ["check", *map(str, arguments)])

    return run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "requests.csv"
    make_requests(70).to_csv(path, index=False)
    return path


def test_a_table_with_only_warnings_exits_with_0(check, table):
    result = check(table)

    assert result.exit_code == 0, result.output
    assert "requests.csv: 70 requests of 35 cases" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("0 errors, ")


def test_a_table_with_errors_exits_with_3_and_reports_the_places(check, table):
    make_requests(40).assign(decision_date="2016-01-01").to_csv(table, index=False)

    result = check(table)

    assert result.exit_code == 3, result.output
    assert "the decision is before the application" in " ".join(result.stdout.split()).replace("│ │ ", "")
    assert "CM16-0000000 item 1, decision_date" in result.stdout


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "xlsx"])
def test_every_table_format_gives_the_same_report(check, table, suffix):
    requests = make_requests(70)
    target = table.with_suffix(f".{suffix}")
    if suffix == "parquet":
        requests.to_parquet(target)
    elif suffix == "jsonl":
        requests.to_json(target, orient="records", lines=True)
    else:
        requests.to_excel(target, index=False)

    assert check(target, "--json").stdout.replace(f".{suffix}", ".csv") == check(table, "--json").stdout


def test_standard_output_is_only_json_when_a_page_is_written_too(check, table):
    result = check(table, "--json", "--report", "check.html")

    assert json.loads(result.stdout)["rows"] == 70
    assert "check.html: page of the findings" in result.stderr
    assert (table.parent / "check.html").read_text("utf-8").startswith("<!doctype html>")


def test_custom_settings_and_column_names_are_used(check, table, tmp_path):
    make_requests(70).rename(columns={"request": "RFA_TEXT"}).to_csv(table, index=False)
    settings_file = tmp_path / "own.toml"
    settings_file.write_text('finding.missing_columns.level = "information"\n', encoding="utf-8")

    unmapped = check(table, "--json")
    assert unmapped.exit_code == 3
    assert "lacks required columns: request; try --map request=RFA_TEXT" in unmapped.stdout
    assert check(table, "--settings", settings_file).exit_code == 0
    assert check(table, "--map", "request=RFA_TEXT").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.csv"], "imr-ml: nothing.csv: no such file"),
        (["requests.csv", "--settings", "nothing.toml"], "imr-ml: nothing.toml: no such file"),
        (["requests.csv", "--settings", "latin.toml"], "imr-ml: latin.toml: can't be read as UTF-8 text"),
        (["requests.csv", "--map", "request=RFA"], "imr-ml: --map: the table has no column RFA"),
        (["requests.csv", "--report", "."], "imr-ml: .: is a folder"),
        (["letter.pdf"], "imr-ml: letter.pdf: is not a table"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(check, table, arguments, message):
    (table.parent / "latin.toml").write_bytes(b"# \xe9\n")
    (table.parent / "letter.pdf").write_bytes(b"%PDF-1.4")

    result = check(*arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


digits = st.text("0123456789", min_size=4, max_size=4)
secrets = st.tuples(
    st.builds("219-09-{}".format, digits.filter(lambda four: four != "0000")),
    st.builds("415-555-{}".format, digits),
    st.builds("{}@example.org".format, st.from_regex(r"zz[a-z]{6}", fullmatch=True)),
)


@given(
    planted=secrets,
    column=st.sampled_from(["request", "clinical_summary", "ur_guideline", "rationale"]),
    before=st.text("abc .,;\n", max_size=30),
    after=st.text("abc .,;\n", max_size=30),
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_identifier_is_reported_by_its_place_and_never_printed(check, table, caplog, planted, column, before, after):
    requests = make_requests(6)
    text = f"{before} {' and '.join(planted)} {after}"
    requests.loc[3, column] = text
    requests.to_csv(table, index=False)

    results = [check(table, "--report", "check.html"), check(table, "--json")]

    page = (table.parent / "check.html").read_text("utf-8")
    outputs = [page, caplog.text, *(text for result in results for text in (result.stdout, result.stderr))]
    assert [result.exit_code for result in results] == [3, 3]
    findings = json.loads(results[1].stdout)["findings"]
    places = {finding["kind"]: finding["places"][0] for finding in findings if finding["places"]}
    for kind, secret in zip(("social_security_number", "phone_number", "e_mail_address"), planted, strict=True):
        start = text.index(secret)
        place = places[kind]
        assert (place["row"], place["column"]) == (4, column)
        assert (place["start"], place["end"]) == (start, start + len(secret))
        assert not any(secret in output for output in outputs)
