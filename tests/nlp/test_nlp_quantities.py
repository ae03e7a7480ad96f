"""Quantities in the wording of orders."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.nlp.types import NlpSettings
from imr_ml.nlp.views import view_section

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def largest_by_unit(text: str) -> dict[str, float]:
    largest: dict[str, float] = {}
    for quantity in view_section(text).quantities:
        largest[quantity.unit] = max(quantity.value, largest.get(quantity.unit, 0.0))
    return largest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT 3 times a week for 2 weeks", {"visits": 6, "weeks": 2}),
        ("PT two times a week times six weeks", {"visits": 12, "weeks": 6}),
        ("PT 2x6", {"visits": 12}),
        ("PT 2 x 6 weeks", {"visits": 12, "weeks": 6}),
        ("PT twelve sessions", {"visits": 12}),
        ("additional 6 PT visits", {"visits": 6}),
        ("Chiropractic times 8", {"visits": 8}),
        ("Chiropractic x12", {"visits": 12}),
        ("PT 2-3 times a week for 6 weeks", {"visits": 18, "weeks": 6}),
        ("PT 1 to 2 times per week for 3 weeks", {"visits": 6, "weeks": 3}),
        ("PT two to three times a week for six to eight weeks", {"visits": 24, "weeks": 8}),
        ("PT twice a week for 4 weeks", {"visits": 8, "weeks": 4}),
        ("PT once weekly for 6 weeks", {"visits": 6, "weeks": 6}),
        ("PT 2x/week x 4 weeks", {"visits": 8, "weeks": 4}),
        ("PT 2 times a week to the low back for 3 weeks", {"visits": 6, "weeks": 3}),
        ("PT 3 visits per week for 2 weeks", {"visits": 6, "weeks": 2}),
        ("PT two times four visits (8)", {"visits": 8}),
        ("PT, five (5) sessions", {"visits": 5}),
        ("Acupuncture sessions, 12", {"visits": 12}),
        ("Acupuncture sessions #6", {"visits": 6}),
        ("PT 2 times a week", {}),
        ("Gym for 3 months", {"weeks": 13}),
        ("Unit, 30 day rental", {"days": 30}),
        ("Inpatient stay 7-10 days", {"days": 10}),
        ("Ultram 50mg #60", {"dose_mg": 50, "count": 60}),
        ("Norco 10/325mg", {"dose_mg": 10, "ingredients": 2}),
        ("Norco 7.5-325mg", {"dose_mg": 7.5, "ingredients": 2}),
        ("Trezix 320.5/30/16mg", {"dose_mg": 320.5, "ingredients": 3}),
        ("Arthrotec 75-0.2mg", {"dose_mg": 75, "ingredients": 2}),
        ("Valium 5-10 mg", {"dose_mg": 10}),
        ("Fentanyl 25 mcg", {"dose_mg": 0.025}),
        ("Wrist braces QTY: 2", {"count": 2}),
        ("Naproxen quantity of 60", {"count": 60}),
        ("Naproxen, 90 tablets", {"count": 90}),
        ("Naproxen, 1 tablet by mouth", {}),
        ("Pantoprazole #60 with one refill", {"count": 60, "refills": 1}),
        ("Mobic, refills: 3", {"refills": 3}),
        ("Ketoprofen 20% in cream base", {"percent": 20}),
        ("Capsaicin 0.025%", {"percent": 0.025}),
        ("Alert and oriented x 3", {}),
        ("Seen 10/3/16 for 6 visits", {"visits": 6}),
        ("Pain is 8 out of 10 and strength 4/5", {}),
    ],
)
def test_quantities_of_an_order(text, expected):
    assert largest_by_unit(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("6 visits", "visits_6"),
        ("7 visits", "visits_8"),
        ("60 visits", "visits_over_48"),
        ("#60", "count_60"),
        ("Motrin 600mg", "dose_mg_600"),
    ],
)
def test_a_quantity_has_the_token_of_its_bucket(text, token):
    assert token in view_section(text).tokens


def test_a_quantity_has_its_character_span():
    text = "PT,  3 times a\nweek for 2 weeks, neck"
    visits = view_section(text).quantities[0]
    assert text[visits.start : visits.end] == "3 times a\nweek for 2 weeks"


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 7), st.integers(1, 12), st.booleans(), st.sampled_from(["for", "times", "x", "over"]))
def test_a_schedule_is_frequency_times_duration_in_digits_or_words(often, weeks, in_words, link):
    times, span = (WORDS[often - 1], WORDS[weeks - 1]) if in_words else (often, weeks)
    assert largest_by_unit(f"PT {times} times a week {link} {span} weeks") == {
        "visits": often * weeks,
        "weeks": weeks,
    }


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_quantities_of_any_text_are_inside_it_and_do_not_overlap(text):
    last_end = 0
    for quantity in view_section(text, NlpSettings(canonical_tokens=False)).quantities:
        assert quantity.start >= last_end or quantity.end == last_end
        assert quantity.start < quantity.end <= len(text)
        last_end = quantity.end
