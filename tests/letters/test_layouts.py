"""All layouts since 2013 of the same case yield the same facts."""

import textwrap
from dataclasses import replace
from datetime import date

import pytest
from factories import KNEE, NORCO, SUMMARY, Item, letter_body, make_letter_text
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import LetterError, Outcome

BRACE = Item(
    request="a hinged knee brace: left",
    outcome="Upheld",
    ur_guideline=(
        "The Claims Administrator based its decision on the ACOEM Practice Guidelines, 2nd Edition (2004), Chapter 13, "
        "page 340, which is part of the MTUS."
    ),
    imr_guideline=(
        "The Physician Reviewer based his/her decision on the Chronic Pain Medical Treatment Guidelines (2009), "
        "page 31, part of the Medical Treatment Utilization Schedule (MTUS)."
    ),
    rationale="The notes tell of no giving way. 1. No test of the ligaments was done. The brace is not medically "
    "necessary and appropriate.",
)
VISITS = Item(
    request="six visits of aquatic therapy for the left knee, two a week, at the pool of the rehabilitation center "
    "nearest to the home of the worker",
    outcome="Overturned",
    ur_guideline="The Claims Administrator did not cite any evidence-based criteria.",
    imr_guideline=(
        "The Physician Reviewer based his/her decision on the Official Disability Guidelines (ODG), Knee Chapter, "
        "which is not part of the MTUS."
    ),
    rationale="Walking on land brings swelling. The visits are medically necessary and appropriate.",
)
SENTENCE = (
    "The Physician Reviewer is Board Certified in Pain Management, has a subspecialty in Disability Evaluation, and is "
    "licensed to practice in California and New York. He/she has seen patients for years."
)
HEAD_2013 = """MAXIMUS FEDERAL SERVICES, INC.
Independent Medical Review
Independent Medical Review Final Determination Letter
Dated: 12/20/2013
IMR Case Number: CM13-0099001 Date of Injury: 03/05/2012
Claims Number: UR Denial Date: 08/03/2013
Priority: STANDARD Application Received: 08/07/2013
Employee Name: X
"""


def decided(item: Item) -> str:
    """Return the wording of an item's outcome."""
    return f"is {'not ' if item.outcome == 'Upheld' else ''}medically necessary and appropriate."


def paragraphs(*parts: str, width: int = 88) -> str:
    return "\n\n".join(textwrap.fill(part, width) for part in parts)


def letter_2013(items=(BRACE, VISITS), width=88, reviewer=SENTENCE) -> str:
    decisions = []
    for number, item in enumerate(items, start=1):
        decisions += [
            f"{number}. Decision for {item.request} {decided(item)}",
            item.ur_guideline,
            item.imr_guideline,
            f"The Physician Reviewer\u2019s decision rationale: {item.rationale}",
        ]
    return HEAD_2013 + paragraphs(
        "HOW THE IMR FINAL DETERMINATION WAS MADE",
        reviewer,
        "DOCUMENTS REVIEWED",
        "The file held the application and notes of three visits.",
        "CLINICAL CASE SUMMARY",
        "The physician reviewer developed the following clinical case summary based on a review of the case file:",
        SUMMARY,
        "IMR DECISION(S) AND RATIONALE(S)",
        "The Final Determination was based on decisions for the disputed items/services set forth below:",
        *decisions,
        width=width,
    )


def earliest_letter(items=(BRACE, VISITS), width=88) -> str:
    decisions = [
        f"{number}) MAXIMUS Federal Services, Inc. has determined the request for {item.request} {decided(item)}"
        for number, item in enumerate(items, start=1)
    ]
    parts = []
    for number, item in enumerate(items, start=1):
        parts += [
            f"{number}) Regarding the request for {item.request}:",
            "Section of the Medical Treatment Utilization Schedule Relied Upon by the Expert Reviewer to Make His/Her "
            "Decision",
            f"{item.ur_guideline} {item.imr_guideline.replace('Physician', 'Expert')}",
            "Rationale for the Decision:",
            item.rationale,
        ]
    head = (
        "MAXIMUS FEDERAL SERVICES, INC.\nIndependent Medical Review\nNotice of Independent Medical Review "
        "Determination\n\nDated: 9/26/2013\n\nIMR Case Number: CM13-0000901\nDate of Injury: 3/5/2012\n\n"
    )
    return head + paragraphs(
        *decisions,
        "INDEPENDENT MEDICAL REVIEW DECISION AND RATIONALE",
        "The worker's application for Independent Medical Review was filed on 8/7/2013, against the Utilization Review "
        "Denial dated 8/3/2013. All got a Notice of Assignment on 8/20/2013. This is what was decided:",
        *decisions,
        "Medical Qualifications of the Expert Reviewer:",
        SENTENCE,
        "Expert Reviewer Case Summary:",
        f"Disclaimer: The following case summary was taken directly from the utilization review denial/modification "
        f"dated August 3, 2013. {SUMMARY}",
        "Documents Reviewed for Determination:",
        "The file held the application and notes of three visits.",
        *parts,
        "Effect of the Decision:",
        "The parties are bound by it.",
        width=width,
    )


def professional_review(issue=BRACE.request, necessity="NOT MEDICALLY NECESSARY:", rationale=BRACE.rationale) -> str:
    return "MEDICAL PROFESSIONAL REVIEW\n\nCase Number: CM13-0099002\nDate of Injury: 03/05/2012\n\n" + paragraphs(
        f"ISSUE AT DISPUTE: {issue}",
        f"CASE SUMMARY: {SUMMARY}",
        "DOCUMENTS REVIEWED FOR DETERMINATION: The file held the application.",
        "MEDICAL TREATMENT GUIDELINE(S) RELIED UPON BY PROFESSIONAL REVIEWER AND WHY: "
        "MTUS Knee Complaints 2004 speak of braces.",
        f"RATIONALE FOR WHY THE REQUESTED TREATMENT/SERVICE IS/WAS {necessity} {rationale}",
        "MEDICAL REVIEWER QUALIFICATIONS: The reviewer is board certified in Orthopedic Surgery and licensed to "
        "practice in California.",
        width=72,
    )


def item_facts(letter):
    return [(item.request, item.outcome, item.rationale) for item in letter.items]


EXPECTED_ITEMS = [(item.request, item.outcome.lower(), item.rationale) for item in (BRACE, VISITS)]
PRINTED = {"2013": letter_2013, "earliest": earliest_letter}


@pytest.mark.parametrize("layout", PRINTED)
def test_older_layouts_yield_the_same_facts_as_the_current_one(layout):
    letter = read_letter(PRINTED[layout]())

    assert letter.layout == layout
    assert item_facts(letter) == EXPECTED_ITEMS
    assert letter.clinical_summary == SUMMARY
    assert letter.specialties == ("Pain Management", "Disability Evaluation")
    assert letter.licensure == ("California", "New York")
    assert letter.warnings == ()


@pytest.mark.parametrize("layout", PRINTED)
def test_older_layouts_yield_the_citations_of_both_paragraphs(layout):
    brace, visits = read_letter(PRINTED[layout]()).items

    assert [(c.family, c.guideline, c.mtus, c.pages) for c in brace.ur_citations] == [
        ("acoem", "knee", True, ((340, 340),))
    ]
    assert [(c.family, c.year, c.mtus, c.pages) for c in brace.imr_citations] == [
        ("chronic_pain", 2009, True, ((31, 31),))
    ]
    assert visits.ur_citations == ()
    assert [(c.family, c.mtus) for c in visits.imr_citations] == [("odg", False)]


def test_the_header_of_the_2013_letter_is_read():
    letter = read_letter(letter_2013())

    assert letter.case_number == "CM13-0099001"
    assert letter.priority == "Standard"
    assert letter.date_of_injury == date(2012, 3, 5)
    assert letter.decision_date == date(2013, 12, 20)
    assert letter.ur_denial_date == date(2013, 8, 3)
    assert letter.application_received == date(2013, 8, 7)
    assert letter.date_assigned is None


def test_dates_in_sentences_of_the_earliest_letter_are_read():
    letter = read_letter(earliest_letter())

    assert letter.case_number == "CM13-0000901"
    assert letter.decision_date == date(2013, 9, 26)
    assert letter.application_received == date(2013, 8, 7)
    assert letter.ur_denial_date == date(2013, 8, 3)
    assert letter.date_assigned == date(2013, 8, 20)


def test_a_2013_letter_may_contain_items_in_the_current_form():
    text = HEAD_2013 + "\n\n".join(letter_body(SUMMARY, (KNEE, NORCO))).replace(
        "IMR ISSUES, DECISIONS AND RATIONALES", "IMR DECISION(S) AND RATIONALE(S)"
    )

    letter = read_letter(text)

    assert letter.layout == "2013"
    assert [item.outcome for item in letter.items] == [Outcome.UPHELD, Outcome.OVERTURNED]


def test_agreeing_with_the_administrators_guidelines_copies_their_citations():
    agreed = replace(
        BRACE, imr_guideline="The Physician Reviewer found the guidelines used by the Claims Administrator relevant."
    )

    (item,) = read_letter(letter_2013(items=[agreed])).items

    assert item.imr_citations == item.ur_citations
    assert item.imr_citations


def test_not_without_a_following_space_is_read():
    text = earliest_letter().replace("is not medically", "is notmedically")

    assert [item.outcome for item in read_letter(text).items] == ["upheld", "overturned"]


def test_a_professional_review_is_one_item_with_the_reviewers_guideline_only():
    letter = read_letter(professional_review())

    (item,) = letter.items
    assert (letter.layout, letter.case_number, letter.specialties) == (
        "professional review", "CM13-0099002", ("Orthopedic Surgery",)
    )  # fmt: skip
    assert (item.request, item.outcome, item.rationale) == (BRACE.request, "upheld", BRACE.rationale)
    assert (item.ur_guideline, [c.guideline for c in item.imr_citations]) == (None, ["knee"])
    assert letter.clinical_summary == SUMMARY


def test_numbered_issues_of_a_professional_review_are_items():
    letter = read_letter(professional_review(issue="PLACE").replace("PLACE", "1) a knee brace\n2) six visits"))

    assert [item.request for item in letter.items] == ["a knee brace", "six visits"]


def test_a_professional_review_may_overturn_the_denial():
    letter = read_letter(professional_review(necessity="MEDICALLY NECESSARY:", rationale=VISITS.rationale))

    assert letter.items[0].outcome is Outcome.OVERTURNED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (professional_review(rationale=VISITS.rationale), "rationale that contradicts its heading"),
        (professional_review(necessity="DENIED:"), "has no '(NOT) MEDICALLY NECESSARY:'"),
        (professional_review(issue=""), "has nothing under 'ISSUE AT DISPUTE:'"),
        (letter_2013().replace("2. Decision", "3. Decision"), "has no number 2 before its decision"),
        (letter_2013().replace("is medically", "may be medically"), "1 decision(s) and guideline paragraph(s)"),
        (letter_2013().replace("The Physician Reviewer based", "It was based", 1), "has no paragraph that begins"),
        (
            letter_2013()
            .replace("2. Decision for six", "Six")
            .replace("The Claims Administrator did", "It did")
            .replace("walking on land", "x"),
            "has two rationales",
        ),
        (
            letter_2013()
            .replace("2. Decision for six", "Six")
            .replace("The Claims Administrator did", "It did")
            .replace("decision rationale: Walking", "Walking"),
            "has a guideline of another item",
        ),
        (letter_2013(items=()), "found no 'Decision for X is (not)"),
        (
            earliest_letter().replace("is medically", "may be medically", 1),
            "has a decision without '(not) medically necessary'",
        ),
        (earliest_letter().replace("is medically", "is not medically", 1), "has two different decisions"),
        (earliest_letter().replace("2) Regarding", "3) Regarding"), "expected number 2; found 3"),
        (earliest_letter().replace("Rationale for the Decision:", "Why:", 1), "has no rationale"),
        (earliest_letter().replace("Regarding", "On"), "has no 'Regarding the request for'"),
        (letter_2013() + "\n\n" + make_letter_text(), "has headings of two layouts (current and 2013)"),
        (make_letter_text() + "\n\n" + make_letter_text(), "twice; is it more than one letter?"),
    ],
)
def test_an_ambiguous_letter_raises_an_error(text, expected):
    with pytest.raises(LetterError) as caught:
        read_letter(text)

    assert expected in caught.value.expected


@pytest.mark.parametrize(
    ("sentence", "specialties", "licensure"),
    [
        ("is Board Certified in Family Practice and is licensed to practice in Ohio.", ("Family Practice",), ("Ohio",)),
        ("is Board Certified in Surgery, and is licensed to practice in California, Iowa and New Mexico.",
         ("Surgery",), ("California", "Iowa", "New Mexico")),
        ("is board certified in Physical Medicine and Rehabilitation, has a subspecialty in Pain Medicine and is "
         "licensed to practice in Texas.", ("Physical Medicine and Rehabilitation", "Pain Medicine"), ("Texas",)),
        ("has seen patients for years.", (), ()),
    ],
)  # fmt: skip
def test_credentials_in_a_sentence_are_read(sentence, specialties, licensure):
    letter = read_letter(letter_2013(reviewer=f"The reviewer {sentence}"))

    assert (letter.specialties, letter.licensure) == (specialties, licensure)


@given(
    layout=st.sampled_from(sorted(PRINTED)),
    items=st.lists(st.sampled_from([BRACE, VISITS]), min_size=1, max_size=4),
    width=st.integers(60, 110),
    line_end=st.sampled_from(["\n", "\r\n", " \n", "\n  ", "\n\n", "\n\x0c"]),
)
def test_wrapping_page_breaks_and_white_space_change_nothing(layout, items, width, line_end):
    letter = read_letter(PRINTED[layout](items=items, width=width).replace("\n", line_end))

    assert item_facts(letter) == [(item.request, item.outcome.lower(), item.rationale) for item in items]
    assert letter.clinical_summary == SUMMARY
