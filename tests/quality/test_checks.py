"""Findings in single rows: each introduced problem is found, and none in a clean table."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.quality.checking import check_requests
from imr_ml.quality.rendering import report_json
from imr_ml.quality.report import Level


def kinds(report):
    return {entry.kind for entry in report.findings}


def finding(report, kind):
    return next(entry for entry in report.findings if entry.kind == kind)


def test_a_clean_table_has_no_finding(check, clean):
    report = check(clean)

    assert report.findings == ()
    assert not report.has_errors
    assert (report.rows, report.cases) == (120, 60)


@pytest.mark.parametrize(
    ("kind", "level", "cells"),
    [
        ("denial_before_injury", "error", {"ur_denial_date": "2015-01-01"}),
        ("application_before_denial", "error", {"application_received": "2016-04-04"}),
        ("decision_before_application", "error", {"decision_date": "2016-04-19"}),
        ("decision_before_injury", "error", {"application_received": None, "decision_date": "2016-04-04"}),
        ("future_date", "error", {"decision_date": "2026-03-05"}),
        ("future_date", "error", {"decision_date": None, "decision_year": 2027}),
        ("year_differs", "error", {"decision_year": 2017}),
        (
            "decision_too_early",
            "error",
            {
                "date_of_injury": "2011-01-02",
                "ur_denial_date": "2012-01-02",
                "application_received": "2012-02-02",
                "decision_date": "2012-12-31",
            },
        ),
        ("old_injury", "warning", {"date_of_injury": "1956-01-01"}),
        ("age_out_of_range", "error", {"age": 12}),
        ("age_out_of_range", "error", {"age": 100}),
        ("age_not_whole", "warning", {"age": 32.5}),
        ("age_differs", "warning", {"age": 33}),
        ("too_young_at_injury", "warning", {"age": 40, "date_of_injury": "1986-01-01"}),
        ("no_request", "error", {"request": "- ."}),
        ("schema", "error", {"request": " "}),
        ("schema", "error", {"clinical_summary": None}),
        ("unread_cell", "warning", {"sex": "worker"}),
        ("unread_cell", "warning", {"decision_date": "soon"}),
        ("long_request", "warning", {"request": "MRI of the left knee " * 50}),
        ("short_summary", "warning", {"clinical_summary": "A 32 year old worker."}),
        ("no_rationale", "warning", {"rationale": None}),
        ("family_unknown", "warning", {"families": "acoem|almanac"}),
        ("family_missing", "warning", {"families": None}),
        ("family_differs", "warning", {"ur_families": "postsurgical"}),
        ("case_unnamed", "warning", {"case_number": None}),
        ("undecided", "information", {"outcome": None}),
    ],
)
def test_an_introduced_problem_is_found_at_its_row(check, planted, kind, level, cells):
    report = check(planted(row=4, **cells).astype({name: "string" for name in cells if name != "age"}))

    entry = finding(report, kind)
    assert (entry.level, entry.rows, [place.row for place in entry.places]) == (level, 1, [5])
    assert report.has_errors == (Level.ERROR in {entry.level for entry in report.findings})


@pytest.mark.parametrize(
    "cells",
    [
        {"ur_denial_date": "2015-02-03"},
        {"application_received": "2016-04-05"},
        {"decision_date": "2016-04-20"},
        {"date_of_injury": "1957-01-01", "age": None},
        {"age": None},
        {"decision_date": None},
        {"decision_year": 2016},
        {"request": "MRI"},
        {"families": "acoem", "imr_guideline": None},
        {"ur_families": "acoem|odg", "ur_guideline": None},
        {
            "families": "odg",
            "ur_families": "odg",
            "ur_guideline": "Decision based on the Official Disability Guidelines (ODG).",
            "imr_guideline": "The reviewer found the guidelines of the claims administrator relevant.",
        },
    ],
)
def test_values_at_the_limits_are_valid(check, planted, cells):
    assert kinds(check(planted(**cells))) == set()


def test_a_finding_reports_case_item_and_column(check, planted):
    (place,) = finding(check(planted(row=4, age=12)), "age_out_of_range").places

    assert str(place) == "CM16-0000002 item 1, age"


@pytest.mark.parametrize("number", ["Ann Quimby", "123-45-6789", "[bold]CM16-0000002[/bold]", "CM16-0000002 Quimby"])
def test_text_that_is_not_a_case_number_is_not_shown(check, planted, number):
    report = check(planted(case_number=number, age=12))

    assert str(finding(report, "age_out_of_range").places[0]) == "row 5 item 1, age"
    assert number not in report_json(report)


def test_invalid_values_are_counted_by_column_and_not_shown(check, clean):
    report = check(clean.assign(sex="quimby"))

    entry = finding(report, "unread_cell")
    assert (entry.says, entry.rows) == ("sex: not one of 2 known values", 120)
    assert "quimby" not in report_json(report)


def test_an_unknown_source_is_not_shown(check, planted):
    report = check(planted(source="Ann Quimby"))

    assert {source.source for source in report.sources} == {"dwc", "own"}
    assert "Quimby" not in report_json(report)


def test_missing_required_columns_are_reported_and_the_others_checked(check, clean):
    report = check(clean.drop(columns="request").assign(decision_date="2031-01-01"))

    assert finding(report, "missing_columns").says == "the table lacks required columns: request"
    assert finding(report, "future_date").rows == 120


def test_columns_may_have_other_names(check, planted):
    table = planted(age=12).rename(columns={"age": "AGE_YRS", "request": "RFA_TEXT"})

    report = check(table, age="AGE_YRS", request="RFA_TEXT")

    assert kinds(report) == {"age_out_of_range", "age_differs"} | ({"too_young_at_injury"} & kinds(report))


def test_determinations_need_no_summary_families_or_working_age(check):
    rows = [
        {
            "case_number": f"MN12-{number:05d}",
            "item": 1,
            "source": "dmhc",
            "request": "Pharmacy: Hormones",
            "clinical_summary": None,
            "age": 6,
            "outcome": "overturned" if number % 2 else "upheld",
            "decision_year": 2012,
        }
        for number in range(200)
    ]

    assert check(pd.DataFrame(rows).astype({"clinical_summary": "string"})).findings == ()


def test_lines_that_are_not_rows_are_counted(tmp_path, clean):
    path = tmp_path / "requests.jsonl"
    lines = clean.to_json(orient="records", lines=True).splitlines()
    path.write_text("\n".join([*lines[:3], '{"request": ', *lines[3:]]) + "\n", encoding="utf-8")

    report = check_requests(path)

    assert finding(report, "unreadable").says == "1 line(s) are not rows: is not JSON (column 12)"
    assert report.rows == 120
    assert kinds(report) <= {"unreadable", "sources_mixed", "case_unnamed", "rare_outcome", "rare_family"}


def test_user_settings_replace_the_defaults(check, planted):
    own = """
    thresholds = { learnable_from = 5, ages.dwc = [10, 120] }
    finding.age_differs.level = "information"
    """

    report = check(planted(age=11, date_of_injury=None), own)

    assert {(entry.kind, entry.level) for entry in report.findings} == {("age_differs", "information")}


@given(order=st.permutations(range(12)))
@settings(max_examples=5)
def test_the_order_of_rows_does_not_change_counts(tmp_path_factory, clean, order):
    faults = clean.head(12).copy()
    faults.loc[3, "decision_date"] = "2031-01-01"
    faults.loc[7, "request"] = "-"
    path = tmp_path_factory.mktemp("orders") / "requests.parquet"

    def counted(table):
        table.to_parquet(path, index=False)
        return [(entry.kind, entry.rows, entry.says) for entry in check_requests(path).findings]

    assert counted(faults.iloc[list(order)]) == counted(faults)


def test_the_json_report_has_every_place(check, clean):
    report = check(clean.assign(age=12))

    read = json.loads(report_json(report))
    age_entry = next(entry for entry in read["findings"] if entry["kind"] == "age_out_of_range")
    assert (age_entry["rows"], len(age_entry["places"])) == (120, 120)
    assert read["levels"]["error"] == report.levels[Level.ERROR]
