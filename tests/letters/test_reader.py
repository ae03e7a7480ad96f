"""Read letters in the current layout."""

import re
from dataclasses import replace
from datetime import date

import pytest
from factories import KNEE, NORCO, SUMMARY, Item, make_letter_text
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.guidelines.types import Citation, Family
from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import DisputedItem, Letter, Outcome

KNEE_READ = DisputedItem(
    number=1,
    request="MRI of the left knee",
    outcome=Outcome.UPHELD,
    ur_guideline="Decision based on MTUS Knee Complaints 2004.",
    ur_citations=(Citation(Family.ACOEM, "Knee Complaints", True, "knee", 13, 2004),),
    imr_guideline="Decision based on MTUS Knee Complaints 2004, Section(s): Special Studies.",
    imr_citations=(
        Citation(
            Family.ACOEM,
            "Knee Complaints",
            True,
            "knee",
            13,
            2004,
            sections=("Special Studies",),
            topics=("special_studies",),
        ),
    ),
    rationale=KNEE.rationale,
)
NORCO_READ = DisputedItem(
    number=2,
    request="Norco 10/325mg #60",
    outcome=Outcome.OVERTURNED,
    ur_guideline="The Claims Administrator did not cite any medical evidence for its decision.",
    imr_guideline="Decision based on MTUS Opioids Treatment 2016.",
    imr_citations=(Citation(Family.OPIOIDS, "Opioid Treatment", True, "opioids", None, 2016),),
    rationale=NORCO.rationale,
)
LETTER = Letter(
    case_number="CM16-0099001",
    items=(KNEE_READ,),
    clinical_summary=SUMMARY,
    date_of_injury=date(2012, 3, 5),
    decision_date=date(2016, 12, 20),
    date_assigned=date(2016, 11, 9),
    ur_denial_date=date(2016, 11, 3),
    application_received=date(2016, 11, 7),
    priority="Standard",
    licensure=("California", "Nevada"),
    specialties=("Orthopedic Surgery", "Sports Medicine"),
)
PARTIAL = (
    "Physical therapy, 12 visits was the original request. Physical therapy, 4 visits was authorized by the Claims "
    "Administrator. The remaining IMR eligible portion of the original request, physical therapy, 8 visits is"
)


def test_all_parts_of_a_letter_are_read():
    assert read_letter(make_letter_text()) == LETTER


def test_items_are_numbered_in_the_letters_order():
    assert read_letter(make_letter_text(items=(KNEE, NORCO))).items == (KNEE_READ, NORCO_READ)


@pytest.mark.parametrize("verb", ["is", "are", "Is"])
def test_the_verb_of_a_heading_is_removed_from_the_request(verb):
    [item] = read_letter(make_letter_text(items=(Item(request=f"Two back braces {verb}"),))).items
    assert item.request == "Two back braces"


def test_a_letter_may_contain_many_items():
    items = [Item(request=f"Lumbar brace, model {number}") for number in range(21)]

    assert [item.request for item in read_letter(make_letter_text(items=items)).items] == [
        f"Lumbar brace, model {number}" for number in range(21)
    ]


@pytest.mark.parametrize(
    ("missing", "value"),
    [
        ("case_number", None),
        ("date_assigned", None),
        ("date_of_injury", None),
        ("decision_date", None),
        ("ur_denial_date", None),
        ("application_received", None),
        ("priority", None),
        ("licensure", ()),
        ("specialties", ()),
    ],
)
def test_a_missing_header_field_is_none_or_empty(missing, value):
    assert read_letter(make_letter_text(**{missing: None})) == replace(LETTER, **{missing: value})


@pytest.mark.parametrize(
    ("field", "written", "read"),
    [
        ("case_number", "SM17-0000042", "SM17-0000042"),
        ("case_number", "17-42", None),
        ("date_of_injury", "7/4/2015", date(2015, 7, 4)),
        ("date_of_injury", "02/30/2015", None),
        ("date_of_injury", "unknown", None),
        ("priority", "Expedited", "Expedited"),
        ("licensure", "New York", ("New York",)),
        ("specialties", "Family Practice", ("Family Practice",)),
    ],
)
def test_header_fields_are_read_in_their_published_forms(field, written, read):
    assert getattr(read_letter(make_letter_text(**{field: written})), field) == read


def test_the_application_date_may_follow_its_wrapped_label():
    text = (
        make_letter_text()
        .replace("Application           11/07/2016", "Application")
        .replace("Received:", "Received:             11/07/2016")
    )

    assert read_letter(text).application_received == date(2016, 11, 7)


def test_a_sample_letter_is_recognized():
    assert read_letter("SAMPLE LETTER - invented\n" + make_letter_text()) == replace(LETTER, is_sample=True)


@pytest.mark.parametrize(
    "request_text",
    [
        "MRI of the left knee",
        "Physical therapy: 2 times a week for 6 weeks: left knee",
        "Urine drug screen (DOS: 1/2/16)",
        "Associated surgical service: knee brace",
        "Lidocaine 5% patch, one box of 30, to be worn for twelve hours and taken off for twelve hours a day over the "
        "left knee and the lower back, with two refills and a follow up of the skin after four weeks",
        PARTIAL,
    ],
)
@pytest.mark.parametrize("width", [60, 80, 95, 110])
def test_a_request_is_complete_in_any_position(request_text, width):
    items = [replace(KNEE, request=request_text), NORCO, replace(KNEE, request=request_text)]
    read = read_letter(make_letter_text(items=items, width=width))

    expected = request_text.removesuffix(" is")
    assert [item.request for item in read.items] == [expected, NORCO.request, expected]
    assert [item.rationale for item in read.items] == [KNEE.rationale, NORCO.rationale, KNEE.rationale]


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        ("Upheld", Outcome.UPHELD),
        ("UPHELD", Outcome.UPHELD),
        ("overturned", Outcome.OVERTURNED),
        ("OVERTURNED", Outcome.OVERTURNED),
    ],
)
def test_an_outcome_may_be_in_any_case(written, outcome):
    assert read_letter(make_letter_text(items=[replace(KNEE, outcome=written)])).items[0].outcome is outcome


def test_a_rationale_may_mention_other_outcomes():
    item = replace(KNEE, rationale="An earlier denial was upheld. This one: it is not medically necessary.")

    assert read_letter(make_letter_text(items=[item, NORCO])).items[0].rationale == item.rationale


def test_a_rationale_without_a_final_period_ends_before_the_next_request():
    unfinished = replace(NORCO, rationale=NORCO.rationale.removesuffix("."))

    read = read_letter(make_letter_text(items=[unfinished, KNEE]))

    assert [item.rationale for item in read.items] == [unfinished.rationale, KNEE.rationale]


def test_a_rationale_whose_last_line_is_full_ends_before_the_next_request():
    """If lines are wrapped by characters, the first may be narrower in print than the longest by more than a word."""
    rationale = (
        "Relief lasted for six weeks after the prior injection. Some of it did. "
        "The guideline reserves imaging for a knee that locks. The worker is back on modified duty."
    )
    read = read_letter(make_letter_text(items=[replace(KNEE, rationale=rationale), KNEE], width=91))

    assert [item.request for item in read.items] == [KNEE.request, KNEE.request]


def test_a_page_break_may_be_anywhere():
    text = make_letter_text(items=(KNEE, NORCO))
    expected = replace(LETTER, items=(KNEE_READ, NORCO_READ))

    for place in [mark.start() for mark in re.finditer(r"\n", text)]:
        assert read_letter(f"{text[:place]}\n\x0c{text[place + 1 :]}") == expected


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("\n", "  \n   "),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("fi", "\ufb01").replace("fl", "\ufb02"),
        lambda text: text.replace("injured", "in\u00adjured"),
    ],
    ids=[
        "CRLF", "CR", "double spaced", "indented", "no blank lines", "no-break spaces", "byte order mark", "ligatures",
        "soft hyphens",
    ],
)  # fmt: skip
def test_another_extraction_yields_the_same_letter(changed):
    expected = replace(LETTER, items=(KNEE_READ, NORCO_READ))

    assert read_letter(changed(make_letter_text(items=(KNEE, NORCO)))) == expected


def test_curly_quotes_become_plain():
    summary = "The worker\u2019s brace was \u201ctoo tight\u201d and \u2018slid\u2019."

    assert read_letter(make_letter_text(summary=summary)).clinical_summary == (
        "The worker's brace was \"too tight\" and 'slid'."
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_bytes_in_common_encodings_are_read(encoding, mark):
    text = "SAMPLE LETTER - invented\n" + make_letter_text(summary="Dr. Pe\u00f1a\u2019s note: 20\u00b0 of flexion.")

    read = read_letter(f"{mark}{text}".encode(encoding))

    assert read == replace(LETTER, clinical_summary="Dr. Pe\u00f1a's note: 20\u00b0 of flexion.", is_sample=True)


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_bytes_in_a_code_page_are_read(encoding):
    summary = "Dr. Pe\u00f1a\u2019s note: \u201cstiff\u201d."

    read = read_letter(make_letter_text(summary=summary).encode(encoding))

    assert read == replace(LETTER, clinical_summary='Dr. Pe\u00f1a\'s note: "stiff".')


def test_a_path_may_be_a_string_or_a_path_object(tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text(make_letter_text(), encoding="utf-8")

    assert read_letter(file) == read_letter(str(file)) == LETTER


def test_a_word_hyphenated_at_a_line_end_is_joined():
    summary = "The injured worker had non-\noperative care."

    text = make_letter_text(summary="PLACE").replace("PLACE", summary)

    assert read_letter(text).clinical_summary == "The injured worker had non-operative care."


REQUESTS = st.sampled_from(
    [
        "MRI of the left knee",
        "Norco 10/325mg #60",
        "Urine drug screen (DOS: 1/2/16)",
        "Physical therapy 2 times a week for 6 weeks for the right shoulder, after the planned arthroscopy of it",
        PARTIAL,
    ]
)
SENTENCES = st.sampled_from(
    [
        "The guideline reserves imaging for a knee that locks.",
        "Some of it did.",
        "Relief lasted for six weeks after the prior injection.",
        "The physician asks for twelve more without a goal for function, work or sleep.",
        "Walking improved (by half).",
        "The request is not medically necessary.",
    ]
)
RATIONALES = st.lists(SENTENCES, min_size=1, max_size=9).map(" ".join)
OUTCOMES = st.sampled_from(["Upheld", "Overturned"])
ITEMS = st.lists(st.builds(Item, request=REQUESTS, outcome=OUTCOMES, rationale=RATIONALES), min_size=1, max_size=4)


@given(
    items=ITEMS,
    width=st.integers(60, 110),
    paragraph_break=st.sampled_from(["\n\n", "\n", "\n \n\n"]),
    line_end=st.sampled_from(["\n", "\r\n", " \n", "\n  ", "\n\n"]),
)
@settings(max_examples=150, deadline=None)
def test_wrapping_and_white_space_change_nothing(items, width, paragraph_break, line_end):
    text = make_letter_text(items=items, width=width, paragraph_break=paragraph_break)

    read = read_letter(text.replace("\n", line_end))

    assert [(item.request, item.outcome, item.rationale) for item in read.items] == [
        (item.request.removesuffix(" is"), item.outcome.lower(), item.rationale) for item in items
    ]
    assert read.clinical_summary == SUMMARY
