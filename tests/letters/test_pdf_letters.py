"""A letter as PDF is read to the same `Letter` as its text."""

from dataclasses import replace

import pytest
from factories import KNEE, NORCO, Item, make_letter_pdf, make_letter_text

from imr_ml.letters.pdf import pdf_text
from imr_ml.letters.reader import read_letter

LONG = Item(
    request="Physical therapy 2 times a week for 6 weeks for the right shoulder, after the planned arthroscopy of that "
    "shoulder at the surgical center",
    rationale=" ".join(
        f"Visit {number} brought no change in the strength of the arm or in the range of the shoulder."
        for number in range(1, 40)
    ),
)


@pytest.mark.parametrize(
    "items", [[KNEE], [KNEE, NORCO], [NORCO, LONG, KNEE], [LONG, LONG, LONG]], ids=["1", "2", "3", "3 long"]
)
def test_a_pdf_is_read_as_its_text(items):
    text = make_letter_text(items=items)

    assert read_letter(make_letter_pdf(text)) == read_letter(text)


def test_pages_are_reported_apart_by_form_feeds():
    assert pdf_text(make_letter_pdf(make_letter_text(items=[LONG, LONG])), "x.pdf").count("\f") >= 1


def test_wherever_a_page_ends_the_items_are_the_same():
    for lines in range(30, 46, 3):
        filler = replace(KNEE, rationale=" ".join(["The knee did not lock on this visit."] * lines))
        text = make_letter_text(items=[filler, NORCO, KNEE])

        assert read_letter(make_letter_pdf(text)) == read_letter(text)
