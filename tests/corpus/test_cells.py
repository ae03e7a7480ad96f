"""Numbers, ages, sexes and families as people write them."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.corpus.cells import parse_choices, parse_families, parse_numbers


@pytest.mark.parametrize(
    ("written", "age"),
    [
        ("41", 41), ("41.0", 41), ("38 y/o", 38), ("45 yrs", 45), ("45 years old", 45), ("52-year-old", 52),
        ("60 YO", 60), ("41,5", None), ("400", None), ("-3", None), ("forty", None), ("38/40", None), ("1e2", None),
    ],
)  # fmt: skip
def test_ages(written, age):
    numbers, unread = parse_numbers(pd.Series([written]), "age")

    assert (None if pd.isna(numbers[0]) else numbers[0]) == age
    assert unread[0] == (age is None)


@given(st.integers(0, 120), st.sampled_from(["", " ", "-"]), st.sampled_from(["y/o", "yo", "yrs", "years", "year"]))
def test_any_age_with_any_unit_is_read(age, between, unit):
    numbers, _ = parse_numbers(pd.Series([f"{age}{between}{unit}"]), "age")

    assert numbers[0] == age


@pytest.mark.parametrize("written", ["inf", "-1", "0", "1e12", "nan", "two"])
def test_a_number_that_a_column_cannot_hold_is_missing(written):
    assert parse_numbers(pd.Series([written]), "items_in_case")[0].isna().all()


@pytest.mark.parametrize(("written", "sex"), [("F", "female"), ("m", "male"), ("Female", "female"), ("X", None)])
def test_sexes(written, sex):
    chosen, unread = parse_choices(pd.Series([written]), "sex", ("female", "male"))

    assert (None if pd.isna(chosen[0]) else chosen[0]) == sex
    assert unread[0] == (sex is None)


@pytest.mark.parametrize(
    ("written", "families"),
    [
        ("odg|acoem", "acoem|odg"),
        ("ACOEM; ODG", "acoem|odg"),
        ("ACOEM Chapter 12", "acoem"),
        ("MTUS Chronic Pain Medical Treatment Guidelines", "chronic_pain"),
        ("Official Disability Guidelines", "odg"),
        ("none", "none"),
    ],
)
def test_families(written, families):
    assert parse_families(pd.Series([written])).tolist() == [families]


@pytest.mark.parametrize(("written", "number"), [("+5", 5), ("7.0", 7), ("1e3", 1000), ("1_000", None), ("٣", None)])
def test_numbers_are_in_plain_decimal_notation(written, number):
    numbers, unread = parse_numbers(pd.Series([written]), "item")

    assert (None if pd.isna(numbers[0]) else numbers[0]) == number
    assert unread[0] == (number is None)


@given(
    st.lists(st.none() | st.integers(-5, 12_000), min_size=1), st.sampled_from(["float64", "Int64", "int64[pyarrow]"])
)
def test_a_numeric_column_is_parsed_as_its_text_would_be(cells, dtype):
    typed, unread = parse_numbers(pd.Series(cells, dtype=dtype), "item")
    text, unread_text = parse_numbers(pd.Series([None if cell is None else str(cell) for cell in cells]), "item")

    assert typed.equals(text)
    assert unread.tolist() == unread_text.tolist()


def test_a_truth_value_is_not_a_number():
    assert parse_numbers(pd.Series([True]), "item")[1].tolist() == [True]
