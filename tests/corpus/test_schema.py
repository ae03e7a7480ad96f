"""Columns of the requests table: types, warnings about cells and errors, which never quote a value."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from factories import make_requests
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.corpus.schema import (
    COLUMNS,
    FEATURE_COLUMNS,
    Role,
    SchemaError,
    families_of,
    parse_requests,
    require_columns,
    typed,
    validate_requests,
)


def table(**columns: list[object]) -> pd.DataFrame:
    rows = max(map(len, columns.values()))
    return pd.DataFrame({"request": ["MRI"] * rows, "clinical_summary": ["Seen."] * rows} | columns)


def test_columns_known_only_after_the_decision_are_not_features():
    after = {"outcome", "families", "imr_guideline", "rationale", "decision_date", "decision_year"}
    after |= {"specialties", "letter_warnings"}

    assert after.isdisjoint(FEATURE_COLUMNS)
    assert {column.name for column in COLUMNS if column.role in (Role.LABEL, Role.REST)} == after


@pytest.mark.parametrize(
    ("column", "given", "read"),
    [
        ("date_of_injury", ["2015-02-03", "02/03/2015", "2/3/2015", "Feb 3, 2015"], ["2015-02-03"] * 4),
        ("date_of_injury", [date(2015, 2, 3), None], ["2015-02-03", None]),
        ("date_of_injury", ["2015-02-03T23:00Z", "2015-02-04T01:00+05:00"], ["2015-02-03", "2015-02-04"]),
        ("date_of_injury", ["0001-01-01", "9999-12-31"], [None, None]),
        ("age", ["44", " 45 ", "", None, "nan"], [44.0, 45.0, None, None, None]),
        ("sex", ["F", "Male", " female ", "None"], ["female", "male", "female", None]),
        ("case_number", ["0012", " CM16-0000001 ", ""], ["0012", "CM16-0000001", None]),
        ("families", ["acoem|odg", "none", ""], ["acoem|odg", "none", None]),
    ],
)  # fmt: skip
def test_columns_are_converted_to_their_types(column, given, read):
    values = validate_requests(table(**{column: given}), "t")[column]

    expected = [pd.Timestamp(value) if value and "date" in column else value for value in read]
    assert [None if pd.isna(value) else value for value in values] == expected


@pytest.mark.parametrize(
    ("column", "given", "warnings"),
    [
        ("age", ["44", "SECRET"], [None, "age: not a valid number"]),
        ("age", ["400", "inf", "-1", "41,5"], ["age: not a valid number"] * 4),
        ("items_in_case", ["-1", "1e12", "2"], ["items_in_case: not a valid number"] * 2 + [None]),
        ("date_of_injury", ["SECRET", "2015-13-45", "2015-02-03"], ["date_of_injury: not a date"] * 2 + [None]),
        ("date_of_injury", [1_422_921_600_000], ["date_of_injury: not a date"]),
        ("sex", ["U", "F"], ["sex: not one of 2 known values", None]),
        ("sex", ["unknown", "N/A"], [None, None]),
        ("source", ["vendor-7", "DWC"], [None, None]),
        ("source", ["Ann Quimby", "x" * 41], ["source: not a short one-word name"] * 2),
        ("date_of_injury", ["12-05-1899", "2101-01-01", "01/02/2099"], ["date_of_injury: not a date"] * 3),
        ("outcome", ["SECRET", "upheld"], [None, None]),
    ],
)  # fmt: skip
def test_an_invalid_cell_becomes_missing_with_a_warning_that_does_not_repeat_it(column, given, warnings):
    with np.errstate(all="raise"):
        parsed = parse_requests(table(**{column: given}))

    assert [None if pd.isna(one) else one for one in parsed.warnings] == warnings
    unread = [one is not None for one in warnings]
    assert parsed.table[column].isna()[unread].all()


@pytest.mark.parametrize("missing", ["NULL", "n/a", "NA", "#N/A", "-", "Unknown", "nan", "", " "])
@pytest.mark.parametrize("column", [column.name for column in COLUMNS])
def test_spellings_of_missing_become_missing_without_a_warning(column, missing):
    parsed = parse_requests(table(**{column: [missing, missing.lower()]}))

    assert parsed.table[column].isna().all()
    assert parsed.warnings.isna().all()


@pytest.mark.parametrize(
    ("column", "given", "message"),
    [
        ("request", ["MRI", "", None], "request is empty (2 row(s))"),
        ("clinical_summary", ["nan"], "clinical_summary is empty (1 row(s))"),
    ],
)
def test_a_row_without_a_required_text_is_reported_by_column_and_count(column, given, message):
    with pytest.raises(SchemaError) as caught:
        validate_requests(table(**{column: given}), "requests.csv")

    assert str(caught.value) == f"requests.csv: {message}; fix or remove these rows"


def test_other_wording_of_families_is_parsed_as_a_guideline_paragraph():
    cells = ["ACOEM Chapter 12", "Official Disability Guidelines", "ODG, ACOEM", "acoem|odg"]

    assert typed(table(families=cells))["families"].tolist() == ["acoem", "odg", "acoem|odg", "acoem|odg"]


def test_a_missing_column_is_reported_with_the_columns_found():
    with pytest.raises(SchemaError, match=r"t\.csv: lacks column.*clinical_summary; found: request, Summary"):
        validate_requests(pd.DataFrame({"request": ["MRI"], "Summary": ["x"]}), "t.csv")
    with pytest.raises(SchemaError, match="found: none"):
        require_columns([], ("outcome",), "t")


def test_a_duplicate_column_is_named():
    frame = pd.DataFrame([["MRI", "Seen.", "CT"]], columns=["request", "clinical_summary", "request"])

    with pytest.raises(SchemaError, match=r"t: duplicate column.*: request"):
        validate_requests(frame, "t")


def test_other_columns_the_index_and_the_order_pass_through():
    notes = [["a"], {"b": 1}]
    frame = table(note=notes).set_index(pd.Index(["x", "x"]))[["note", "clinical_summary", "request"]]

    read = validate_requests(frame, "t")

    assert read["note"].tolist() == notes
    assert read.index.tolist() == ["x", "x"]
    assert list(read) == ["note", "clinical_summary", "request"]


def test_typing_twice_changes_nothing():
    once = typed(make_requests(10).astype(str))

    pd.testing.assert_frame_equal(typed(once), once)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(["age", "sex", "families", "date_of_injury", "request"]), st.text(max_size=8)))
def test_any_text_is_converted_or_refused_without_being_repeated(cells):
    frame = table(**{name: [value] for name, value in cells.items()} or {"request": ["MRI"]})
    try:
        read = validate_requests(frame, "t")
    except SchemaError as error:
        assert str(error).startswith("t: ")
        assert str(error).endswith("fix or remove these rows")
    else:
        assert len(read) == 1


@pytest.mark.parametrize(
    ("cell", "families"),
    [("acoem|odg", ("acoem", "odg")), ("none", ("none",)), ("", ()), (None, ()), (pd.NA, ()), (float("nan"), ())],
)
def test_families_of_a_cell(cell, families):
    assert families_of(cell) == families
