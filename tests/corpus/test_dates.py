"""Dates of a closed list of formats, with one order of day and month per column."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.corpus.dates import DateStyle, date_evidence, infer_styles, parse_dates
from imr_ml.errors import SchemaError

DAY_FIRST = DateStyle("day_first")


def parse(*cells, style=None):
    dates, unread = parse_dates(pd.Series(cells, dtype="object"), style)
    return [None if pd.isna(one) else str(one.date()) for one in dates], unread.tolist()


@pytest.mark.parametrize(
    "cell",
    [
        "2015-03-04", "2015/03/04", "20150304", "2015-03-04 00:00:00", "2015-03-04T23:59:59.5Z",
        "2015-03-04T01:00+05:00",
        "3/4/2015", "03/04/2015", "03-04-2015", "03.04.2015", "03/04/2015 12:00:00 AM", "March 4, 2015", "Mar 4 2015",
        "Mar. 4th, 2015", "4 March 2015", "04-Mar-2015", "4-MAR-2015",
    ],
)  # fmt: skip
def test_complete_formats(cell):
    assert parse(cell) == (["2015-03-04"], [False])


@pytest.mark.parametrize(
    "cell",
    [
        "10/16", "May", "10-3", "5pm", "today", "now", "12:30", "3/1/75", "031016", "16-10-03", "2016", "March 2016",
        "13/13/2015", "2015-02-30", "12-05-1899", "12/05/2099", "2099-01-01", "0001-01-01", "42005", "3/4-2015",
        "1/2/3", "May 5", "20151340", "x",
    ],
)  # fmt: skip
def test_incomplete_dates_are_unreadable(cell):
    assert parse(cell) == ([None], [True])


def test_a_dashed_date_is_read_month_first_with_its_year():
    assert parse("12-05-2016", "02-13-2017") == (["2016-12-05", "2017-02-13"], [False, False])


def test_typed_dates_and_excel_days_outside_plausible_years_are_unreadable():
    typed = pd.Series(pd.to_datetime(["2016-12-05", "1850-01-01", "2099-01-01"]).astype("datetime64[s]"))
    assert parse_dates(typed)[1].tolist() == [False, True, True]
    assert parse("42709", "99999", style=DateStyle(serials=True))[1] == [False, True]


@pytest.mark.parametrize("cell", ["", None, "N/A", "unknown", "-"])
def test_a_missing_cell_does_not_count_as_unreadable(cell):
    assert parse(cell) == ([None], [False])


def test_all_dates_of_a_column_have_the_same_order():
    column = pd.Series(["12/06/2015", "13/06/2016"])

    style = date_evidence(column).style("date_of_injury", "a.csv")

    assert style == DAY_FIRST
    assert parse(*column, style=style)[0] == ["2015-06-12", "2016-06-13"]


def test_a_column_with_both_orders_is_an_error_that_names_two_rows():
    frame = pd.DataFrame({"date_of_injury": ["01/02/2015", "13/06/2016", None, "06/13/2016"]})

    with pytest.raises(SchemaError, match="date_of_injury mixes orders: row 2 can only be day/month, row 4 only"):
        infer_styles(frame, "a.csv")


def test_the_evidence_of_chunks_adds_up_to_the_evidence_of_the_column():
    cells = pd.Series(["01/02/2015", None, "42005", "14/02/2015", "2015-01-01"])
    parts = date_evidence(cells[:2]) + date_evidence(cells[2:], first_row=3)

    assert parts == date_evidence(cells)
    assert parts.day_first == 4


def test_excel_serials_are_dates_only_if_all_cells_are_serials():
    serials = pd.Series(["42005", "42006.0", None])
    mixed = pd.Series(["42005", "2015-01-02"])

    style = date_evidence(serials).style("c", "t")
    assert parse(*serials, style=style)[0] == ["2015-01-01", "2015-01-02", None]
    style = date_evidence(mixed).style("c", "t")
    assert parse(*mixed, style=style) == ([None, "2015-01-02"], [True, False])


DAYS = st.dates(date(1900, 1, 1), date(2025, 12, 31))


@given(DAYS, st.sampled_from(["%Y-%m-%d", "%m/%d/%Y", "%d %B %Y", "%b %d, %Y"]))
def test_any_date_survives_formatting_and_parsing(day, form):
    assert parse(day.strftime(form)) == ([str(day)], [False])


@given(DAYS)
def test_any_day_first_date_survives_formatting_and_parsing(day):
    assert parse(day.strftime("%d/%m/%Y"), style=DAY_FIRST)[0] == [str(day)]


@given(st.text("0123456789/-.: apmMayJn,", max_size=14))
def test_no_text_is_parsed_as_today_or_with_a_guessed_year(text):
    (found,), _ = parse(text)

    assert found is None or found[:4] in text
