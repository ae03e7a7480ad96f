"""The worker's age and sex are found in a summary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.nlp.demographics import Demographics, find_demographics


@pytest.mark.parametrize(
    ("text", "age_years", "sex"),
    [
        ("The injured worker, a 48 year old male, fell.", 48, "male"),
        ("This 34-year-old female was hurt.", 34, "female"),
        ("A 45 y/o F with neck pain.", 45, "female"),
        ("A 52-yo woman lifted a box.", 52, "female"),
        ("A 61 yo right-handed man.", 61, "male"),
        ("Patient aged 45 has pain.", 45, None),
        ("A now 43-year-old male with a claim.", 43, "male"),
        ("The patient is 50 years of age.", 50, None),
        ("The 58 year old female injured worker.", 58, "female"),
        ("The injured worker is a female who fell.", None, "female"),
        ("The male patient, 39 years old, fell.", 39, "male"),
        ("Her 3 year old son saw it. The worker is a 33 year old female.", 33, "female"),
        ("Seizures at 2 years old.", None, None),
        ("A male coworker fell.", None, None),
        ("", None, None),
    ],
)
def test_age_and_sex_of_the_worker(text, age_years, sex):
    assert find_demographics(text) == Demographics(age_years, sex)


@given(
    st.integers(14, 99),
    st.sampled_from(["male", "female"]),
    st.sampled_from([" year old ", "-year-old ", " y/o "]),
)
def test_any_working_age_and_sex_is_found(age, sex, form):
    assert find_demographics(f"The worker is a {age}{form}{sex}.") == Demographics(age, sex)


@given(st.text(max_size=80))
def test_the_age_in_any_text_is_plausible_or_none(text):
    age = find_demographics(text).age_years
    assert age is None or 14 <= age <= 99
