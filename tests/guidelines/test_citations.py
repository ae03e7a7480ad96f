"""Guideline paragraphs, old and current wording, and the citations they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.guidelines import Citation, Family, families_in, find_citations

ODG = Citation(Family.ODG, "Official Disability Guidelines", mtus=False, guideline="odg")
OLD_WORDING = (
    "Decision based on MTUS ACOEM Chapter 12 Low Back Complaints Page(s): 298, Chronic Pain Treatment Guidelines "
    "Physical Medicine Page(s): 98 of 127. Decision based on Non-MTUS Citation Official Disability Guidelines (ODG) "
    "Low Back Chapter, Physical Therapy."
)
OLD_CITATIONS = [
    Citation(Family.ACOEM, "Low Back Complaints", True, "low_back", 12, None, (), ((298, 298),)),
    Citation(
        Family.CHRONIC_PAIN, "Chronic Pain Medical Treatment", True, "chronic_pain", None, None, (), ((98, 98),)
    ),
    ODG,
]  # fmt: skip


@pytest.mark.parametrize(
    ("paragraph", "families"),
    [
        ("Decision based on MTUS Low Back Complaints 2004, Section(s): Special Studies.", {"acoem"}),
        ("Decision based on MTUS Chronic Pain Medical Treatment 2009.", {"chronic_pain"}),
        ("Decision based on MTUS Chronic Pain Medical Treatment 2016.", {"chronic_pain"}),
        ("Decision based on MTUS Chronic Pain Medical Treatment 2017.", {"acoem"}),
        ("Decision based on MTUS Opioids Treatment 2016.", {"opioids"}),
        ("Decision based on MTUS Opioids 2017.", {"acoem"}),
        ("Decision based on MTUS Postsurgical Treatment 2009, Section(s): Knee.", {"postsurgical"}),
        ("Decision based on MTUS Post-Surgical Treatment Guidelines 2009.", {"postsurgical"}),
        ("Decision based on MTUS Drug Formulary 2018.", {"other"}),
        (OLD_WORDING, {"acoem", "chronic_pain", "odg"}),
        ("Decision based on MTUS ACOEM Practice Guidelines.", {"acoem"}),
        ("Decision based on MTUS Acupuncture Treatment 2007. Decision based on Non-MTUS Citation Official Disability "
         "Guidelines (ODG) Neck, Acupuncture.", {"acupuncture", "odg"}),
        ("Decision based on MTUS Knee Complaints 2004.Decision based on Non-MTUS Citation ODG.", {"acoem", "odg"}),
        ("Decision based on Non-MTUS Citation Work Loss Data Institute.", {"odg"}),
        ("Decision based on Non-MTUS Citation American College of Occupational and Environmental Medicine.", {"acoem"}),
        ("Decision based on Non-MTUS Citation http://www.example.org/abstract/123.", {"other"}),
        ("Decision based on Non-MTUS Citation www.acoempracguides.org.", {"acoem"}),
        ("Decision based on Non-MTUS Citation FDA label for ibuprofen and other Medical Treatment Guidelines: ODG.",
         {"other", "odg"}),
        ("The Expert Reviewer based his/her decision on recommendation(s) outside of the MTUS. Decision based on "
         "Non-MTUS Citation Official Disability Guidelines (ODG), Pain.", {"odg"}),
        ("The Expert Reviewer did not cite any medical evidence for its decision.", {"none"}),
        ("The Claims Administrator did not cite any medical evidence for its decision.", {"none"}),
        ("The Claims Administrator did not cite a guideline. Decision based on MTUS Knee Complaints 2004.", {"acoem"}),
        ("No guidelines were cited.", {"none"}),
        ("", {"none"}),
        (" . ", {"none"}),
    ],
)  # fmt: skip
def test_families_cited_in_a_guideline_paragraph(paragraph, families):
    assert families_in(paragraph) == families


@pytest.mark.parametrize(
    ("paragraph", "citations"),
    [
        (OLD_WORDING, OLD_CITATIONS),
        (
            "Decision based on MTUS Low Back Complaints 2004, Section(s): Physical Methods, and Chronic Pain Medical "
            "Treatment 2009, Section(s): Acupuncture, Physical Medicine.",
            [
                Citation(Family.ACOEM, "Low Back Complaints", True, "low_back", 12, 2004, ("Physical Methods",)),
                Citation(Family.CHRONIC_PAIN, "Chronic Pain Medical Treatment", True, "chronic_pain", None, 2009,
                         ("Acupuncture", "Physical Medicine")),
            ],
        ),
        (
            "Decision based on MTUS ACOEM Chapter 7 Independent Medical Examinations and Consultations Page(s): 127.",
            [Citation(Family.ACOEM, "Independent Medical Examinations and Consultations", True,
                      "independent_examinations", 7, None, (), ((127, 127),))],
        ),
        (
            "Decision based on Non-MTUS Citation ACOEM Low Back Disorders 2016, pp. 12-14.",
            [Citation(Family.ACOEM, "Low Back Complaints", False, "low_back", 12, 2016, (), ((12, 14),))],
        ),
        (
            "Decision based on Non-MTUS Citation ACOEM, Chapter 13, page 341; Official Disability Guidelines (ODG).",
            [Citation(Family.ACOEM, "Knee Complaints", False, "knee", 13, None, (), ((341, 341),)), ODG],
        ),
        (
            "Decision based on Non-MTUS Citation ODG, Low Back, and ACOEM Practice Guidelines, 2nd edition (2004) p 9.",
            [ODG, Citation(Family.ACOEM, "ACOEM Practice Guidelines", False, "acoem", None, 2004, (), ((9, 9),))],
        ),
        (
            "Decision based on Non-MTUS Citation The Journal of Invented Results, 2011 pages 3-5, 7 and 9.",
            [Citation(Family.OTHER, "The Journal of Invented Results, 2011 pages 3-5, 7 and 9", False, None, None,
                      2011, (), ((3, 5), (7, 7), (9, 9)))],
        ),
        (
            "Decision based on Non-MTUS Citation http://www.example.org/label/1234.pdf.",
            [Citation(Family.OTHER, "http://www.example.org/label/1234.pdf", mtus=False)],
        ),
        ("The Expert Reviewer did not cite any medical evidence for its decision.", []),
    ],
)  # fmt: skip
def test_citations_in_the_order_written(paragraph, citations):
    assert find_citations(paragraph) == citations


@pytest.mark.parametrize(
    ("listed", "sections"),
    [
        ("Special Studies.", ("Special Studies",)),
        ("Special Studies, Initial Care.", ("Special Studies", "Initial Care")),
        ("Special Studies, Summary; Initial Care.", ("Special Studies", "Summary", "Initial Care")),
        ("Knee, Forearm, Wrist, & Hand.", ("Knee", "Forearm, Wrist, & Hand")),
        ("Opioids, criteria for use, Topical analgesics, compounded.",
         ("Opioids, criteria for use", "Topical analgesics, compounded")),
        ("Opioids, criteria for use of nothing.", ("Opioids", "criteria for use of nothing")),
        ("Muscle relaxants (for pain, mostly).", ("Muscle relaxants (for pain, mostly)",)),
        ("Muscle relaxants (for pain.", ("Muscle relaxants (for pain",)),
    ],
)  # fmt: skip
def test_sections_are_told_apart_by_commas_but_for_titles_that_hold_one(listed, sections):
    text = f"Decision based on MTUS Chronic Pain Medical Treatment 2009, Section(s): {listed}"

    assert find_citations(text)[0].sections == sections


@pytest.mark.parametrize(
    "written",
    [
        "Forearm, Wrist, and Hand Complaints 2004",
        "Forearm Wrist & Hand Complaints 2004",
        "forearm, wrist and hand complaints (2004)",
        "FOREARM, WRIST, & HAND COMPLAINTS, 2004",
    ],
)
def test_a_title_is_known_in_any_case_and_punctuation(written):
    assert [c.guideline for c in find_citations(f"Decision based on MTUS {written}.")] == ["forearm_wrist_hand"]


PARAGRAPHS = st.sampled_from(
    [
        OLD_WORDING,
        "Decision based on MTUS Low Back Complaints 2004, Section(s): Physical Methods, and Chronic Pain Medical "
        "Treatment 2009, Section(s): NSAIDs (non-steroidal anti-inflammatory drugs), Physical Medicine.",
        "Decision based on MTUS Stress-Related Conditions 2004. Decision based on MTUS Post-Surgical Treatment 2009.",
        "Decision based on Non-MTUS Citation ODG, Low Back, and ACOEM Practice Guidelines, 2nd edition (2004) p 9.",
        "The Expert Reviewer based his/her decision on recommendation(s) outside of the MTUS. Decision based on "
        "Non-MTUS Citation Official Disability Guidelines (ODG), Pain.",
        "The Claims Administrator did not cite any medical evidence for its decision.",
    ]
)
BREAKS = st.sampled_from([" ", "\n", "  ", "\r\n", "\t", " \n ", "\u00a0", "\x0c"])


@given(paragraph=PARAGRAPHS, data=st.data())
def test_white_space_and_line_breaks_change_no_citation(paragraph, data):
    words = paragraph.split(" ")
    breaks = data.draw(st.lists(BREAKS, min_size=len(words), max_size=len(words)))

    broken = "".join(word + gap for word, gap in zip(words, breaks, strict=True))

    assert find_citations(broken) == find_citations(paragraph)


@given(paragraph=PARAGRAPHS, hyphen=st.sampled_from(["-\n", "\u2010", "\u2011", "\u2010\n", "-\r\n", "\u2013"]))
def test_hyphens_and_lines_that_end_at_them_change_no_citation(paragraph, hyphen):
    assert find_citations(paragraph.replace("-", hyphen)) == find_citations(paragraph)


@given(st.text(max_size=80))
def test_any_text_has_citations_or_none(text):
    assert families_in(text)
