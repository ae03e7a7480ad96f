from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.sample.rendering import text_width, wrap_words
from imr_ml.sample.wording import format_date, join_words, lower_first, spell_number


@pytest.mark.parametrize(
    ("style", "written"),
    [
        ("dash", "3-5-16"),
        ("slash", "3/5/2016"),
        ("long_dash", "03-05-2016"),
        ("long_slash", "03/05/2016"),
        ("words", "March 5, 2016"),
    ],
)
def test_dates_are_written_in_the_styles_of_reviewers(style, written):
    assert format_date(date(2016, 3, 5), style) == written


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("MRI of the knee", "MRI of the knee"),
        ("X-rays", "X-rays"),
        ("Physical therapy", "physical therapy"),
        ("PT/OT", "PT/OT"),
    ],
)
def test_a_request_inside_a_sentence_keeps_its_abbreviations(text, inside):
    assert lower_first(text) == inside


@pytest.mark.parametrize(("number", "word"), [(8, "eight"), (24, "twenty-four"), (36, "36")])
def test_counts_of_visits_are_spelled(number, word):
    assert spell_number(number) == word


def test_lists_end_in_and():
    assert join_words(["rest", "ice", "heat"]) == "rest, ice and heat"


@given(st.lists(st.text("abcMW.,()# ".replace(" ", ""), min_size=1, max_size=30), min_size=1), st.floats(20, 500))
def test_wrapping_preserves_the_text_and_fits_the_column(words, column):
    lines = list(wrap_words(" ".join(words), column))

    assert " ".join(lines).split(" ") == words
    assert all(text_width(line) <= column + 1e-6 or " " not in line for line in lines)


def test_a_line_has_about_95_characters():
    text = "the injured worker was seen for pain of the lower back and went home with a brace " * 40

    lengths = [len(line) for line in wrap_words(text.strip())][:-1]

    assert 85 < sum(lengths) / len(lengths) < 105
