"""Texts of one letter from different extractors yield the same `Letter`."""

import re
from dataclasses import replace
from datetime import date

import pytest
from factories import KNEE, NORCO, SUMMARY, Item, make_letter_text
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.letters.lines import repair_anchors
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
# Some extractors read column by column: all labels of a column, then all its values.
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


def test_a_header_in_column_order_is_read():
    assert read_letter(COLUMNS + head_and_body(TEXT)[1]) == LETTER


def test_a_header_with_one_cell_per_line_is_read():
    head, body = head_and_body(TEXT)
    cells = re.sub(r" {2,}", "\n", head).replace(
        "Application\n11/07/2016\nReceived:", "Application\nReceived:\n11/07/2016"
    )

    assert read_letter(cells + body) == LETTER


def test_a_column_with_a_missing_value_yields_no_dates():
    letter = read_letter(COLUMNS.replace("11/03/2016\n", "") + head_and_body(TEXT)[1])

    assert (letter.date_of_injury, letter.ur_denial_date, letter.application_received) == (None, None, None)
    assert (letter.date_assigned, letter.decision_date) == (date(2016, 11, 9), date(2016, 12, 20))


def test_a_label_without_a_value_does_not_use_the_next_row():
    letter = read_letter(TEXT.replace("03/05/2012", ""))

    assert letter == replace(LETTER, date_of_injury=None)


def test_a_letter_without_a_header_is_read():
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
def test_torn_anchors_are_repaired(torn):
    assert torn(TEXT) != TEXT
    assert read_letter(torn(TEXT)) == LETTER


def test_joined_pages_within_an_item_raise_an_error():
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
def test_a_request_start_is_found_without_blank_lines(rationale, heading, request_text, is_certain):
    text = make_letter_text(items=(replace(KNEE, rationale=rationale), replace(NORCO, request="PLACE")))
    text = text.replace("\n\n", "\n").replace("PLACE", heading)

    letter = read_letter(text)

    assert (letter.items[0].rationale, letter.items[1].request) == (rationale, request_text)
    assert letter.warnings == (
        () if is_certain else ("item 2: its request may begin elsewhere in the lines before its outcome",)
    )


def test_a_request_repeated_across_a_line_end_is_not_cut_there():
    repeating = replace(
        NORCO, request="PLACE", rationale="Home Care Nursing Visits help. The request is medically necessary."
    )
    text = make_letter_text(items=(replace(KNEE, rationale="Imaging changed little"), repeating))

    letter = read_letter(text.replace("PLACE", "Home Care\nNursing Visits"))

    assert letter.items[1].request == "Home Care Nursing Visits"


@pytest.mark.parametrize("source", [str, str.encode], ids=["string", "bytes"])
def test_a_text_on_one_line_is_read_by_its_headings(source):
    text = make_letter_text(items=(KNEE, NORCO, replace(KNEE, request=PARTIAL)))
    read = read_letter(source(" ".join(text.split())))

    assert read == read_letter(text)


def test_an_ambiguous_request_in_a_text_on_one_line_raises_an_error():
    text = make_letter_text(items=(KNEE, replace(NORCO, request="Norco 10/325 mg. One refill")))

    with pytest.raises(LetterError, match="item 2: the request can't be separated"):
        read_letter(" ".join(text.split()))


@given(st.text(st.sampled_from("aA\n -:Uphel."), max_size=80))
def test_repairing_anchors_leaves_other_text_unchanged(text):
    assert repair_anchors(text) == text or "Upheld" in repair_anchors(text)


@pytest.mark.parametrize(
    ("field", "written", "warning"),
    [
        ("date_of_injury", "02/30/2015", "Date of Injury is not a date"),
        ("date_of_injury", "unknown", "Date of Injury is not a date"),
        ("decision_date", "13/13/2016", "Decision Date is not a date"),
        ("application_received", None, None),
    ],
)
def test_an_invalid_header_date_becomes_none_with_a_warning(field, written, warning):
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
def test_a_contradicted_outcome_is_read_as_written_with_a_warning(outcome, rationale, warned):
    letter = read_letter(make_letter_text(items=(KNEE, Item(outcome=outcome, rationale=rationale))))

    assert letter.items[1].outcome == outcome.lower()
    assert len(letter.warnings) == warned
    assert all(warning.startswith(f"item 2 is headed {outcome}, but") for warning in letter.warnings)


def test_a_letter_that_ends_within_a_sentence_gets_a_warning():
    letter = read_letter(make_letter_text(items=(KNEE, NORCO)).removesuffix("necessary.") + "\n")

    assert letter.warnings == ("item 2, the last, ends without a full stop; the letter may be cut off",)


def test_a_partial_authorization_is_split_into_its_parts():
    item = LETTER.items[1]

    assert item.request == PARTIAL.removesuffix(" is")
    assert item.requested == "Massage for the knee, 12 visits"
    assert item.authorized == "Massage for the knee, 4 visits"
    assert item.disputed == "massage for the knee, 8 visits"


def test_a_request_with_another_treatment_authorized_is_split_into_its_parts():
    item = replace(LETTER.items[0], request=ALL_LEFT)

    assert item.requested == "Massage for the knee, 12 visits"
    assert item.authorized == "a first visit"
    assert item.disputed == "massage for the knee, 12 visits"


def test_a_request_without_authorization_is_disputed_as_a_whole():
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
def test_changes_by_extractors_do_not_change_the_letter(items, width, paragraph_break, line_end, space, rewritten):
    summary = f'{SUMMARY} The worker\'s "good" knee is fine; a flexion brace was fitted.'
    text = make_letter_text(summary=summary, items=items, width=width, paragraph_break=paragraph_break)

    letter = read_letter(rewritten(text).replace("\n", line_end).replace(" ", space) + "\n")

    assert replace(letter, items=(), warnings=()) == replace(LETTER, items=(), clinical_summary=summary)
    assert [
        Item(item.request, item.outcome, item.ur_guideline, item.imr_guideline, item.rationale) for item in letter.items
    ] == [replace(item, outcome=item.outcome.lower(), request=item.request.removesuffix(" is")) for item in items]


def test_a_text_too_long_for_a_letter_raises_an_error():
    with pytest.raises(LetterError, match="far too long"):
        read_letter(b"a" * 2_000_000)
