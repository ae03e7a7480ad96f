"""Find citations in guideline paragraphs of old and current wording."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.guidelines.citations import families_in, find_citations
from imr_ml.guidelines.types import Citation, Family

ODG = Citation(Family.ODG, "Official Disability Guidelines", mtus=False, guideline="odg")
OLD_WORDING = (
    "Decision based on MTUS ACOEM Chapter 12 Low Back Complaints Page(s): 298, Chronic Pain Treatment Guidelines "
    "Physical Medicine Page(s): 98 of 127. Decision based on Non-MTUS Citation Official Disability Guidelines (ODG) "
    "Low Back Chapter, Physical Therapy."
)
OLD_CITATIONS = [
    Citation(Family.ACOEM, "Low Back Complaints", True, "low_back", 12, None, (), ((298, 298),)),
    Citation(
        Family.CHRONIC_PAIN,
        "Chronic Pain Medical Treatment",
        True,
        "chronic_pain",
        sections=("Physical Medicine",),
        pages=((98, 98),),
        topics=("physical_medicine",),
    ),
    replace(ODG, sections=("Low Back Chapter", "Physical Therapy"), topics=("physical_medicine",)),
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
                Citation(Family.ACOEM, "Low Back Complaints", True, "low_back", 12, 2004, ("Physical Methods",), (),
                         ("physical_medicine",)),
                Citation(Family.CHRONIC_PAIN, "Chronic Pain Medical Treatment", True, "chronic_pain", None, 2009,
                         ("Acupuncture", "Physical Medicine"), (), ("acupuncture", "physical_medicine")),
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
            [replace(ODG, sections=("Low Back",)),
             Citation(Family.ACOEM, "ACOEM Practice Guidelines", False, "acoem", None, 2004, (), ((9, 9),))],
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
def test_sections_are_split_at_commas_outside_titles(listed, sections):
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
def test_a_title_matches_in_any_case_and_punctuation(written):
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
def test_white_space_and_line_breaks_do_not_change_citations(paragraph, data):
    words = paragraph.split(" ")
    breaks = data.draw(st.lists(BREAKS, min_size=len(words), max_size=len(words)))

    broken = "".join(word + gap for word, gap in zip(words, breaks, strict=True))

    assert find_citations(broken) == find_citations(paragraph)


@given(paragraph=PARAGRAPHS, hyphen=st.sampled_from(["-\n", "\u2010", "\u2011", "\u2010\n", "-\r\n", "\u2013"]))
def test_hyphens_and_hyphenated_line_ends_do_not_change_citations(paragraph, hyphen):
    assert find_citations(paragraph.replace("-", hyphen)) == find_citations(paragraph)


@given(st.text(max_size=80))
def test_any_text_can_be_searched_for_citations(text):
    assert families_in(text)


def brief(paragraph):
    """Return (family, guideline, is MTUS, pages) for each citation."""
    return [(c.family.value, c.guideline, c.mtus, c.pages) for c in find_citations(paragraph)]


@pytest.mark.parametrize(
    ("paragraph", "citations"),
    [
        (
            "The Claims Administrator based its decision on the Chronic Pain Medical Treatment Guidelines (2009), "
            "pages 98-99, which is part of the MTUS. The provider named the same ones.",
            [("chronic_pain", "chronic_pain", True, ((98, 99),))],
        ),
        (
            "The Physician Reviewer based his/her decision on the MTUS: ACOEM Practice Guidelines, Chapter 12, page "
            "303, part of the Medical Treatment Utilization Schedule (MTUS), and the Official Disability Guidelines "
            "(ODG), which is not part of the MTUS.",
            [("acoem", "low_back", True, ((303, 303),)), ("odg", "odg", False, ())],
        ),
        (
            "The Expert Reviewer based his/her decision on the Postsurgical Treatment Guidelines.",
            [("postsurgical", "postsurgical", True, ())],
        ),
        (
            "The Claims Administrator based its decision on recommendation(s) outside of the MTUS Guidelines.",
            [("other", None, False, ())],
        ),
        (
            "Decision based on MTUS Chronic Pain Treatment Guidelines,Postsurgical Treatment Guidelines.",
            [("chronic_pain", "chronic_pain", True, ()), ("postsurgical", "postsurgical", True, ())],
        ),
        (
            "Decision based on MTUS ACOEM Chapter 11 Forearm, Wrist, and Hand Complaints Page(s): 265 of 300,Chronic "
            "Pain Treatment Guidelines Opioids, criteria for use Page(s): 76-80, TENS Page(s): 114 of 127.",
            [("acoem", "forearm_wrist_hand", True, ((265, 265),)),
             ("chronic_pain", "chronic_pain", True, ((76, 80), (114, 114)))],
        ),
        (
            "Decision based on Non-MTUS Citation FDA label for a drug that is invented.",
            [("other", None, False, ())],
        ),
    ],
)  # fmt: skip
def test_wordings_since_2013_are_parsed(paragraph, citations):
    assert brief(paragraph) == citations


def test_sections_of_the_older_wording_are_between_title_and_pages():
    citation = find_citations(
        "Decision based on MTUS Chronic Pain Treatment Guidelines Opioids, criteria for use Page(s): 76-80, Muscle "
        "relaxants (for pain) Page(s): 63 of 127."
    )[0]

    assert citation.sections == ("Opioids, criteria for use", "Muscle relaxants (for pain)")
    assert citation.topics == ("opioids", "muscle_relaxants")


@pytest.mark.parametrize(
    ("section", "topics"),
    [
        ("Physical Medicine", ("physical_medicine",)),
        ("physical medicine treatment", ("physical_medicine",)),
        ("MRIs (magnetic resonance imaging)", ("imaging",)),
        ("Bupropion (Wellbutrin\u00ae)", ("antidepressants",)),
        ("Muscle relaxants (for spasm)", ("muscle_relaxants",)),
        ("Something else", ()),
    ],
)
def test_sections_have_the_topics_of_the_taxonomy(section, topics):
    text = f"Decision based on MTUS Chronic Pain Medical Treatment 2016, Section(s): {section}."

    assert find_citations(text)[0].topics == topics


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Decision based on MTUSAcupuncture Treatment2007.", "Decision based on MTUS Acupuncture Treatment 2007."),
        ("DecisionbasedonMTUSLowBackComplaints2004.", "Decision based on MTUS Low Back Complaints 2004."),
        ("Decision based on Non-MTUSCitationO.D.G., Neck.", "Decision based on Non-MTUS Citation ODG, Neck."),
        ("Decision based on NonMTUS Citation O. D. G. Neck.", "Decision based on Non-MTUS Citation ODG Neck."),
        ("Decision based on M.T.U.S. A.C.O.E.M. Chapter 12.", "Decision based on MTUS ACOEM Chapter 12."),
        ("Decision based on Non-MTUS Citation Official Disability Guide-\nlines.",
         "Decision based on Non-MTUS Citation Official Disability Guidelines."),
        ("Decision based on MTUS Low Back Com-\n plaints 2004.", "Decision based on MTUS Low Back Complaints 2004."),
        ("Decision based on MTUS Low Ba-\nckCompla-\nints 2004.", "Decision based on MTUS Low Back Complaints 2004."),
        ("Decision based on MTUS Knee Complaints 2004,Section(s):SpecialStudies.",
         "Decision based on MTUS Knee Complaints 2004, Section(s): Special Studies."),
        ("Decision based on MTUS ACOEM Chapter 12 Low Back Complaints Page(s): 303\u2014305.",
         "Decision based on MTUS ACOEM Chapter 12 Low Back Complaints Page(s): 303-305."),
        ("Official Disability Guidelines(ODG)Low Back", "Official Disability Guidelines (ODG) Low Back"),
    ],
)  # fmt: skip
def test_joined_dotted_and_hyphenated_words_yield_the_same_citations(written, plain):
    assert find_citations(written) == find_citations(plain)
    assert all(citation.family is not Family.OTHER for citation in find_citations(written))


PARAGRAPHS = st.sampled_from(
    [
        "Decision based on MTUS Low Back Complaints 2004, Section(s): Special Studies, Physical Methods.",
        "Decision based on MTUS Acupuncture Treatment 2007. Decision based on Non-MTUS Citation Official Disability "
        "Guidelines (ODG), Neck.",
        "Decision based on MTUS Chronic Pain Medical Treatment 2016, Section(s): Muscle relaxants (for pain).",
        "Decision based on MTUS ACOEM Chapter 12 Low Back Complaints Page(s): 303-305, 308-310.",
        "Decision based on MTUS Postsurgical Treatment 2009, Section(s): Knee.",
    ]
)
CUTS = st.sampled_from(["-\n", "\u2010\n", "\u00ad", "- "])
DASHES = st.sampled_from("-\u2010\u2011\u2012\u2013\u2014\u2212")


@given(paragraph=PARAGRAPHS, dash=DASHES, data=st.data())
def test_joined_words_dashes_and_line_breaks_yield_the_same_citations(paragraph, dash, data):
    places = [place for place, character in enumerate(paragraph) if character == " "]
    written = list(paragraph.replace("-", dash))
    for place in data.draw(st.sets(st.sampled_from(places))):
        is_between_words = paragraph[place - 1].isalpha() and paragraph[place + 1].isalnum()
        written[place] = data.draw(st.sampled_from(["\n", " \n ", "\xa0", *[""] * is_between_words]))
    words = list(re.finditer("[A-Za-z][a-z]{3,}", paragraph))
    for word in data.draw(st.lists(st.sampled_from(words), unique=True, max_size=3)):
        place = data.draw(st.integers(word.start() + 2, word.end() - 2))
        written[place] = data.draw(CUTS) + written[place]

    assert find_citations("".join(written)) == find_citations(paragraph)


@pytest.mark.parametrize(
    "wording", ["(", "based on ", "and ", "Page(s): 1, ", "MTUS ", "Low Back, ", "Complaints 2004 ", "part of the "]
)
def test_repetitive_wording_is_parsed_in_time(wording):
    text = wording * 20_000
    start_s = time.process_time()

    find_citations(f"Decision based on MTUS Knee Complaints 2004, Section(s): {text}")
    find_citations(f"Decision based on Non-MTUS Citation {text}")
    find_citations(f"The Claims Administrator based its decision on {text}")

    assert time.process_time() - start_s < 2
