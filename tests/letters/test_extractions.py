"""One letter as each extractor gives it: the same `Letter`."""

import re
from dataclasses import replace
from datetime import date

import pytest
from factories import KNEE, NORCO, SUMMARY, Item, make_letter_text
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.letters.lines import mend_anchors
from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import LetterError

PARTIAL = (
    "Massage for the knee, 12 visits was the original request. Massage for the knee, 4 visits was authorized by the "
    "Claims Administrator. The remaining IMR eligible portion of the original request, massage for the knee, 8 visits "
    "is"
)
ALL_LEFT = (
    "Massage for the knee, 12 visits was the original request. The Claims Administrator authorized a first visit, "
    "leaving the original request IMR eligible. The original request, massage for the knee, 12 visits is"
)
RETROSPECTIVE = "Retrospective: knee brace (DOS: 1/2/16): left, with straps"
TEXT = make_letter_text(items=(KNEE, replace(NORCO, request=PARTIAL), replace(KNEE, request=RETROSPECTIVE)))
LETTER = read_letter(TEXT)
# A text tool that reads column by column gives all labels of a column before all of its values.
COLUMNS = """Case Number:
Date Assigned:
Decision Date:
Priority:

CM16-0099001
11/09/2016
12/20/2016
Standard

Date of Injury:
UR Denial Date:
Application
Received:

03/05/2012
11/03/2016
11/07/2016

"""


def head_and_body(text: str) -> tuple[str, str]:
    start = text.index("HOW THE IMR")
    return text[:start], text[start:]


def test_a_header_that_comes_in_columns():
    assert read_letter(COLUMNS + head_and_body(TEXT)[1]) == LETTER


def test_a_header_one_cell_a_line():
    head, body = head_and_body(TEXT)
    cells = re.sub(r" {2,}", "\n", head).replace(
        "Application\n11/07/2016\nReceived:", "Application\nReceived:\n11/07/2016"
    )

    assert read_letter(cells + body) == LETTER


def test_a_column_with_a_value_missing_gives_none_of_its_dates():
    letter = read_letter(COLUMNS.replace("11/03/2016\n", "") + head_and_body(TEXT)[1])

    assert (letter.date_of_injury, letter.ur_denial_date, letter.application_received) == (None, None, None)
    assert (letter.date_assigned, letter.decision_date) == (date(2016, 11, 9), date(2016, 12, 20))


def test_a_label_without_its_value_takes_none_from_the_next_row():
    letter = read_letter(TEXT.replace("03/05/2012", ""))

    assert letter == replace(LETTER, date_of_injury=None)


def test_a_letter_without_a_header():
    letter = read_letter(head_and_body(TEXT)[1])

    assert letter == replace(
        LETTER, case_number=None, priority=None, date_assigned=None, date_of_injury=None, decision_date=None,
        ur_denial_date=None, application_received=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "torn",
    [
        lambda text: text.replace("CLINICAL CASE SUMMARY", "CLINICAL CASE SUM-\nMARY"),
        lambda text: text.replace("DECISIONS AND RATIONALES", "DECISIONS AND RATIO\nNALES "),
        lambda text: text.replace("MAXIMUS guideline:", "MAXIMUS guide\nline:"),
        lambda text: text.replace("Decision rationale:", "Deci sion rationale :"),
        lambda text: text.replace("Claims Administrator guideline:", "Claims Adminis-\ntrator guideline:"),
        lambda text: text.replace(": Upheld", ": Up held"),
        lambda text: text.replace("RATIONALES\n\n", "RATIONALES"),
        lambda text: text.replace("\n\nCLINICAL", "CLINICAL"),
        lambda text: text.replace(": Overturned", " : Over-\nturned"),
        lambda text: text.replace("Claims Administrator guideline:", "C1aims Adm1nistrator guide1ine:"),
        lambda text: text.replace("CLINICAL", "CL1N1CAL").replace("IMR ISSUES, DECISIONS", "lMR I5SUES, DECISI0NS"),
        lambda text: text.replace("Decision rationale:", "Decisi0n rationa|e;"),
        lambda text: text.replace(": Upheld", ": Uphe1d"),
    ],
)
def test_anchors_that_an_extraction_tore(torn):
    assert torn(TEXT) != TEXT
    assert read_letter(torn(TEXT)) == LETTER


def test_pages_glued_within_an_item_are_an_error_and_no_misread_request():
    glued = make_letter_text(items=(KNEE, NORCO, KNEE)).replace("necessary.\n\nNorco", "necessary.Norco")

    with pytest.raises(LetterError, match="item 2: the request can't be separated"):
        read_letter(glued)


SHOULDER = "The request for the shoulder is not medically necessary."


@pytest.mark.parametrize(
    ("rationale", "heading", "request_text", "is_certain"),
    [
        (SHOULDER, "EMG of the bilateral upper\nextremities", "EMG of the bilateral upper extremities", True),
        (SHOULDER, "Electrical stimulation, 4\nTimes", "Electrical stimulation, 4 Times", True),
        (SHOULDER, "Lidocaine ointment 5 %\n106 gm", "Lidocaine ointment 5 % 106 gm", True),
        (SHOULDER, "Diazepam, may repeat dose\nOne hour before", "Diazepam, may repeat dose One hour before", False),
        (SHOULDER, "bilateral hip x-ray", "bilateral hip x-ray", False),
        ("The request is not medically necessary", "MRI of the hip", "MRI of the hip", True),
        ("Imaging changed little", "MRI of the hip", "MRI of the hip", False),
        ("It is used once a wk.", "MRI of the hip", "MRI of the hip", True),
        (SHOULDER, "Therapy twice a wk.\nfor 6 weeks", "Therapy twice a wk. for 6 weeks", True),
    ],
)
def test_where_a_request_begins_in_a_text_without_blank_lines(rationale, heading, request_text, is_certain):
    text = make_letter_text(items=(replace(KNEE, rationale=rationale), replace(NORCO, request="PLACE")))
    text = text.replace("\n\n", "\n").replace("PLACE", heading)

    letter = read_letter(text)

    assert (letter.items[0].rationale, letter.items[1].request) == (rationale, request_text)
    assert letter.warnings == (
        () if is_certain else ("item 2: its request may begin elsewhere in the lines before its outcome",)
    )


def test_a_request_that_its_rationale_repeats_across_a_line_end_is_not_cut_there():
    told = replace(
        NORCO, request="PLACE", rationale="Home Care Nursing Visits help. The request is medically necessary."
    )
    text = make_letter_text(items=(replace(KNEE, rationale="Imaging changed little"), told))

    letter = read_letter(text.replace("PLACE", "Home Care\nNursing Visits"))

    assert letter.items[1].request == "Home Care Nursing Visits"


@pytest.mark.parametrize("source", [str, str.encode], ids=["string", "bytes"])
def test_a_text_on_one_line_is_read_by_its_headings(source):
    text = make_letter_text(items=(KNEE, NORCO, replace(KNEE, request=PARTIAL)))
    read = read_letter(source(" ".join(text.split())))

    assert read == read_letter(text)


def test_a_text_on_one_line_whose_request_can_not_be_told_from_the_sentence_before_is_an_error():
    text = make_letter_text(items=(KNEE, replace(NORCO, request="Norco 10/325 mg. One refill")))

    with pytest.raises(LetterError, match="item 2: the request can't be separated"):
        read_letter(" ".join(text.split()))


@given(st.text(st.sampled_from("aA\n -:Uphel."), max_size=80))
def test_mending_touches_no_text_without_an_anchor(text):
    assert mend_anchors(text) == text or "Upheld" in mend_anchors(text)


@pytest.mark.parametrize(
    ("field", "written", "warning"),
    [
        ("date_of_injury", "02/30/2015", "Date of Injury is not a date"),
        ("date_of_injury", "unknown", "Date of Injury is not a date"),
        ("decision_date", "13/13/2016", "Decision Date is not a date"),
        ("application_received", None, None),
    ],
)
def test_a_header_date_that_is_no_date_is_none_and_reported(field, written, warning):
    letter = read_letter(make_letter_text(**{field: written}))

    assert getattr(letter, field) is None
    assert letter.warnings == ((warning,) if warning else ())


@pytest.mark.parametrize(
    ("outcome", "rationale", "warned"),
    [
        ("Upheld", "It helped. The request is medically necessary.", True),
        ("Overturned", "It did not help. Therefore, the request is not medically necessary.", True),
        ("Overturned", "It is not considered to be medically necessary.", True),
        ("Upheld", "The request is not medically necessary.", False),
        ("Overturned", "The request is medically necessary.", False),
        ("Upheld", "Taking a drug that is medically necessary helps. It was not tried here.", False),
        ("Upheld", "Whether it is medically necessary cannot be told.", False),
        ("Upheld", "It would be medically necessary after a trial.", False),
    ],
)
def test_an_outcome_that_its_rationale_contradicts_is_read_as_written_and_reported(outcome, rationale, warned):
    letter = read_letter(make_letter_text(items=(KNEE, Item(outcome=outcome, rationale=rationale))))

    assert letter.items[1].outcome == outcome.lower()
    assert len(letter.warnings) == warned
    assert all(warning.startswith(f"item 2 is headed {outcome}, but") for warning in letter.warnings)


def test_a_letter_that_ends_within_a_sentence_is_reported():
    letter = read_letter(make_letter_text(items=(KNEE, NORCO)).removesuffix("necessary.") + "\n")

    assert letter.warnings == ("item 2, the last, ends without a full stop; the letter may be cut off",)


def test_a_partial_authorization_is_reported_in_parts():
    item = LETTER.items[1]

    assert item.request == PARTIAL.removesuffix(" is")
    assert item.requested == "Massage for the knee, 12 visits"
    assert item.authorized == "Massage for the knee, 4 visits"
    assert item.disputed == "massage for the knee, 8 visits"


def test_a_request_of_which_something_else_was_authorized_is_reported_in_parts():
    item = replace(LETTER.items[0], request=ALL_LEFT)

    assert item.requested == "Massage for the knee, 12 visits"
    assert item.authorized == "a first visit"
    assert item.disputed == "massage for the knee, 12 visits"


def test_a_whole_request_is_what_is_disputed():
    item = LETTER.items[0]

    assert (item.requested, item.authorized, item.disputed) == (item.request, None, item.request)


@given(cut=st.integers(0, len(PARTIAL) - 1))
def test_the_parts_of_any_request_are_parts_of_its_text(cut):
    item = replace(LETTER.items[0], request=PARTIAL[:cut])

    assert item.requested in item.request
    assert item.disputed in item.request


ITEMS = st.lists(
    st.builds(
        Item,
        request=st.sampled_from([KNEE.request, PARTIAL, ALL_LEFT, RETROSPECTIVE, "12 VISITS: HOME HEALTH (L4-L5)"]),
        outcome=st.sampled_from(["Upheld", "UPHELD", "Overturned", "OVERTURNED"]),
        ur_guideline=st.sampled_from([NORCO.ur_guideline, KNEE.imr_guideline, "No guidelines were cited."]),
        imr_guideline=st.sampled_from([KNEE.imr_guideline, NORCO.imr_guideline]),
        rationale=st.sampled_from([KNEE.rationale, NORCO.rationale, f"{KNEE.rationale} {NORCO.rationale}"]),
    ),
    min_size=1,
    max_size=4,
)
LINE_ENDS = st.sampled_from(["\n", "\r\n", " \n", "\n  ", "\n\n", "\n\x0c", "\x0c"])
SPACES = st.sampled_from([" ", "  ", "\u00a0", " \t"])
REWRITTEN = st.sampled_from(
    [
        lambda text: text,
        lambda text: text.replace("'", "\u2019").replace('"', "\u201d"),
        lambda text: text.replace("fi", "\ufb01").replace("fl", "\ufb02"),
        lambda text: COLUMNS + head_and_body(text)[1],
    ]
)


@given(
    items=ITEMS,
    width=st.integers(60, 110),
    paragraph_break=st.sampled_from(["\n\n", "\n", "\n \n\n"]),
    line_end=LINE_ENDS,
    space=SPACES,
    rewritten=REWRITTEN,
)
def test_whatever_extractors_change_the_letter_is_the_same(items, width, paragraph_break, line_end, space, rewritten):
    summary = f'{SUMMARY} The worker\'s "good" knee is fine; a flexion brace was fitted.'
    text = make_letter_text(summary=summary, items=items, width=width, paragraph_break=paragraph_break)

    letter = read_letter(rewritten(text).replace("\n", line_end).replace(" ", space) + "\n")

    assert replace(letter, items=(), warnings=()) == replace(LETTER, items=(), clinical_summary=summary)
    assert [
        Item(item.request, item.outcome, item.ur_guideline, item.imr_guideline, item.rationale) for item in letter.items
    ] == [replace(item, outcome=item.outcome.lower(), request=item.request.removesuffix(" is")) for item in items]


def test_a_text_far_too_long_for_a_letter():
    with pytest.raises(LetterError, match="far too long"):
        read_letter(b"a" * 2_000_000)
