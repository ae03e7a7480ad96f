"""Cut the case summary out of a narrative that states the determination; all narratives are invented."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.ingest.dmhc import pre_decision_summary

ASKED = "An enrollee has requested a walking frame for a weak knee."
STORY = "She fell twice in May."
VERDICT = "The denial is overturned."

KEPT = [
    (f"Nature of Statutory Criteria/Case Summary: {ASKED} {STORY} Findings: It helps. {VERDICT}", f"{ASKED} {STORY}"),
    (f"Nature of Statutory Criteria/Case Summary:{ASKED} Final Result: {VERDICT}", ASKED),
    (f"Case Summary: {ASKED} Final Results: {VERDICT}", ASKED),
    (f"Summary Reviewer 1: Case Summary: {ASKED} Summary Reviewer 2: {VERDICT}", ASKED),
    (f"NATURE OF STATUTORY CRITERIA/CASE SUMMARY: {ASKED}\nFINDINGS: {VERDICT}", ASKED),
    (f"Nature of Statutory Criteria/Case Summary: {ASKED} Credentials/Qualifications: Surgeon.", ASKED),
    (f"{ASKED} {STORY} Findings: {VERDICT}", f"{ASKED} {STORY}"),
    (f"{ASKED} {STORY} The physician reviewer saw the file. {VERDICT}", f"{ASKED} {STORY}"),
    (f"{ASKED} Such frames are medically necessary after falls. {STORY}", ASKED),
    (f"The parents of a member are requesting a brace. {VERDICT}", "The parents of a member are requesting a brace."),
]


@pytest.mark.parametrize(("findings", "summary"), KEPT)
def test_a_narrative_is_cut_at_the_start_of_the_review(findings, summary):
    assert pre_decision_summary(findings) == summary


@pytest.mark.parametrize(
    "findings",
    [
        "",
        VERDICT,
        f"Findings: {ASKED} {VERDICT}",
        f"{STORY} {ASKED} {VERDICT}",
        "The physician reviewer found that a frame would not have helped.",
        "An enrollee has requested a frame, which the reviewer determined to be medically necessary.",
        "Nature of Statutory Criteria/Case Summary: The requested frame was not medically necessary.",
        "The requested frame is standard after falls.",
    ],
)
def test_a_narrative_without_a_safe_cut_is_dropped(findings):
    assert pre_decision_summary(findings) is None


OPENINGS = st.sampled_from(
    ["Nature of Statutory Criteria/Case Summary: ", "Case Summary: ", "Summary Reviewer 1: Case Summary: ", ""]
)
STORIES = st.lists(st.sampled_from([STORY, "He is 44.", "Rest did not help.", "Therapy ended in June."]), max_size=4)
LABELS = st.sampled_from(["", "Findings: ", "Final Result: ", "FINDINGS: ", "Determination: ", "Final Results: "])
REVIEWS = st.lists(
    st.sampled_from(
        [
            "The reviewer determined that the frame was medically necessary.",
            "Therefore, the Health Plan's denial should be overturned.",
            "Based on the literature, the frame was not indicated.",
            "The plan's decision is upheld.",
            "Two of three reviewers agreed that it would be more beneficial than standard therapy.",
            "It is recommended that the decision be reversed.",
        ]
    ),
    min_size=1,
    max_size=4,
)
TELLS = re.compile(r"upheld|overturn|revers|necessary|indicated|reviewer|beneficial|recommend|should", re.I)


@given(opening=OPENINGS, story=STORIES, label=LABELS, review=REVIEWS, joint=st.sampled_from([" ", "\n", "  \r\n\t"]))
def test_no_wording_of_a_determination_remains(opening, story, label, review, joint):
    findings = joint.join([f"{opening}{ASKED}", *story, f"{label}{review[0]}", *review[1:], "Seen in a clinic."])

    summary = pre_decision_summary(findings)

    assert summary == " ".join([ASKED, *story])
    assert not TELLS.search(summary)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_a_summary_is_a_part_of_its_narrative_or_missing(text):
    summary = pre_decision_summary(text)

    assert summary is None or summary in " ".join(text.split())
