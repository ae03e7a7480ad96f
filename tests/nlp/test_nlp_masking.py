"""Dates, case numbers and the reviewer's conclusion are masked: they have no tokens."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.nlp.pipeline import build_pipeline
from imr_ml.nlp.reading import masked_sentences
from imr_ml.nlp.text import token_columns
from imr_ml.nlp.types import NlpSettings
from imr_ml.nlp.views import view_section

DATES = st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2030, 12, 31))
FORMS = ["%m-%d-%y", "%m/%d/%Y", "%m-%d- %Y", "%B %d, %Y", "%b %d, %Y", "%b. %d %Y", "%d %B %Y", "%Y-%m-%d"]


def find_masked(text: str) -> list[str]:
    pipeline = build_pipeline(False)
    doc = pipeline.nlp(text)
    if not len(doc):
        return []
    tokens = token_columns(doc)
    return [text[tokens.starts[first] : tokens.ends[last - 1]] for first, last in masked_sentences(doc, pipeline)]


@settings(deadline=None, max_examples=150)
@given(DATES, st.sampled_from(FORMS))
def test_a_date_in_any_format_gives_no_token_or_quantity(day, form):
    view = view_section(f"Seen on {day.strftime(form)} for pain.")
    assert view.tokens == ("seen", "on", "for", "pain", "finding=pain")


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["CM", "SM", "cm"]),
    st.integers(13, 30),
    st.integers(0, 9_999_999),
    st.sampled_from(["-", "- ", ""]),
)
def test_a_case_number_gives_no_token(prefix, year, serial, dash):
    view = view_section(f"Case {prefix}{year}{dash}{serial:07d} was sent.")
    assert view.tokens == ("case", "was", "sent")


def test_a_month_without_a_number_is_a_word():
    assert view_section("She may return in March.").tokens == ("she", "may", "return", "in", "march")


@pytest.mark.parametrize(
    "conclusion",
    [
        "This reviewer finds the knee MRI appropriate.",
        "Therefore the request is overturned.",
        "The denial is upheld.",
        "The requested brace is not medically necessary.",
        "Medical necessity has been established.",
        "In my opinion, the therapy helps.",
    ],
)
def test_a_sentence_that_states_the_conclusion_of_the_review_is_masked(conclusion):
    text = f"He reports spasm. {conclusion} Gait is stiff."
    assert find_masked(text) == [conclusion]
    view = view_section(text)
    assert view.tokens == (
        "he",
        "reports",
        "spasm",
        "gait",
        "is",
        "stiff",
        "finding=spasm",
        "finding=stiffness",
    )


@pytest.mark.parametrize(
    "known_before_review",
    [
        "Utilization review non-certified the MRI.",
        "Utilization Review determined the MRI was not medically necessary.",
        "The claims administrator found the MRI not medically necessary.",
        "The request was previously denied as not medically necessary.",
        "The surgeon will request an MRI.",
    ],
)
def test_facts_known_before_the_review_are_not_masked(known_before_review):
    assert find_masked(known_before_review) == []
    assert (
        "treatment=mri" in view_section(known_before_review).tokens
        or "denied" in view_section(known_before_review).tokens
    )


def test_a_conclusion_in_the_same_sentence_as_the_ur_decision_is_masked():
    assert len(find_masked("Utilization review denied it, and this reviewer finds the same.")) == 1


def test_masking_can_be_disabled():
    view = view_section("The denial is upheld.", NlpSettings(mask_determination=False))
    assert "upheld" in view.tokens


@pytest.mark.parametrize("text", ["Seen by Dr. Upton for spasm.", "Rated 7.5 vs. 3.2 by A. Lee."])
def test_abbreviations_do_not_end_a_sentence(text):
    assert find_masked(f"In my opinion {text}") == [f"In my opinion {text}"]


def test_an_empty_text_has_no_masked_sentence():
    assert find_masked("") == []
