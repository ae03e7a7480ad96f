import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.guidelines.citations import families_in
from imr_ml.sample.letters import generate_letter
from imr_ml.sample.rendering import render_text

HEADING = re.compile(r":\s(Upheld|Overturned)\n\nClaims Administrator guideline:")


@pytest.fixture(scope="module")
def many():
    return [generate_letter(3, index) for index in range(2000)]


@pytest.fixture(scope="module")
def current(many):
    """Generate letters in the current format whose header has each label beside its value."""
    return [letter for letter in many if "Case Number:          SM" in render_text(letter)]


def header_date(text, label):
    return datetime.strptime(re.search(rf"{label}\s+(\d\d/\d\d/\d{{4}})", text)[1], "%m/%d/%Y")


def auc(pairs):
    """Estimate the probability that an overturned item has a higher score than an upheld one."""
    ranked = sorted(pairs)
    overturned = sum(label for _, label in ranked)
    ranks = sum(rank for rank, (_, label) in enumerate(ranked, start=1) if label)
    return (ranks - overturned * (overturned + 1) / 2) / (overturned * (len(ranked) - overturned))


@given(st.integers(), st.integers(0, 9_999_999))
@settings(max_examples=50)
def test_seed_and_index_determine_a_letter(seed, index):
    assert generate_letter(seed, index) == generate_letter(seed, index)


def test_other_seeds_make_other_letters():
    assert render_text(generate_letter(1, 5)) != render_text(generate_letter(2, 5))


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_letters_do_not_depend_on_the_process(hash_seed):
    code = (
        "import hashlib; from imr_ml.sample.letters import generate_letter; "
        "from imr_ml.sample.rendering import render_text; "
        "texts = [render_text(generate_letter(7, index)) for index in range(40)]; "
        "print(hashlib.sha256(repr(texts).encode()).hexdigest())"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    texts = [render_text(generate_letter(7, index)) for index in range(40)]
    here = hashlib.sha256(repr(texts).encode()).hexdigest()

    assert process.stdout.strip() == here


@pytest.mark.parametrize("index", [-1, 10_000_000])
def test_an_index_without_a_case_number_is_refused(index):
    with pytest.raises(ValueError, match=str(index)):
        generate_letter(7, index)


def test_a_letter_states_that_it_is_a_sample_and_has_its_index():
    letter = generate_letter(7, 123)

    assert render_text(letter).splitlines()[0] == "SAMPLE LETTER - synthetic, not a decided case"
    assert re.fullmatch(r"SM\d\d-0000123", letter.case_number)
    assert letter.case_number in render_text(letter)


def test_sections_are_in_the_published_order(current):
    for letter in current[:100]:
        places = [
            render_text(letter).index(part)
            for part in (
                "HOW THE IMR FINAL DETERMINATION WAS MADE",
                "The Expert Reviewer has the following credentials:",
                "CLINICAL CASE SUMMARY",
                "IMR ISSUES, DECISIONS AND RATIONALES",
                "Claims Administrator guideline:",
                "MAXIMUS guideline:",
                "Decision rationale:",
            )
        ]
        assert places == sorted(places)


def test_dates_follow_the_course_of_a_case(current):
    labels = ["Date of Injury:", "UR Denial Date:", "Application", "Date Assigned:", "Decision Date:"]
    for letter in current[:300]:
        dates = [header_date(render_text(letter), label) for label in labels]
        assert dates == sorted(dates)


def test_headings_state_the_true_outcomes(current):
    for letter in current:
        assert [outcome.lower() for outcome in HEADING.findall(render_text(letter))] == [
            t.outcome for t in letter.facts.items
        ]


def test_guideline_paragraphs_cite_the_true_families(current):
    for letter in current[:600]:
        paragraphs = re.findall(r"MAXIMUS guideline:(.*?)Decision rationale:", render_text(letter), re.DOTALL)
        assert [families_in(paragraph) for paragraph in paragraphs] == [set(t.families) for t in letter.facts.items]


def test_editions_fit_the_decision_date(current):
    for letter in current:
        decided = header_date(render_text(letter), "Decision Date:")
        flat = " ".join(render_text(letter).split())
        if decided < datetime(2016, 7, 28):
            assert "Medical Treatment 2016" not in flat
            assert "Opioid Treatment" not in flat
        elif decided < datetime(2017, 12, 1):
            assert "Medical Treatment 2009" not in flat
        else:
            assert "Medical Treatment 20" not in flat
            assert "Complaints 20" not in flat


def test_rationales_agree_with_the_outcome(current):
    for letter in current[:300]:
        rationales = re.findall(r"Decision rationale:(.*?)(?=\n\n|\Z)", render_text(letter), re.DOTALL)
        for rationale, truth in zip(rationales, letter.facts.items, strict=True):
            refused = "not medically necessary" in " ".join(rationale.split())
            assert refused == (truth.outcome == "upheld")


def test_one_request_in_nine_is_overturned(many):
    outcomes = [t.outcome for letter in many for t in letter.facts.items]

    assert outcomes.count("overturned") / len(outcomes) == pytest.approx(0.11, abs=0.02)


def test_letters_have_one_to_twenty_one_items_and_mostly_one(many):
    counts = Counter(len(letter.facts.items) for letter in many)

    assert min(counts) == 1
    assert max(counts) <= 21
    assert counts[1] / len(many) == pytest.approx(0.57, abs=0.04)


def test_items_of_a_letter_mostly_share_their_outcome(many):
    several = [letter.facts.items for letter in many if len(letter.facts.items) > 1]
    agreeing = [truth for truth in several if len({t.outcome for t in truth}) == 1]

    assert 0.8 < len(agreeing) / len(several) < 0.97


@pytest.mark.parametrize(
    ("family", "share"),
    [
        ("acoem", 0.32),
        ("chronic_pain", 0.42),
        ("odg", 0.22),
        ("opioids", 0.048),
        ("acupuncture", 0.056),
        ("none", 0.052),
    ],
)
def test_families_are_cited_about_as_often_as_in_published_letters(many, family, share):
    cited = [family in t.families for letter in many for t in letter.facts.items]

    assert sum(cited) / len(cited) == pytest.approx(share, abs=0.05)


def test_even_the_true_probability_cannot_predict_all_outcomes(many):
    pairs = [(t.p_overturned, t.outcome == "overturned") for letter in many for t in letter.facts.items]

    assert 0.70 < auc(pairs) < 0.80


def test_true_probabilities_are_calibrated(many):
    truths = [t for letter in many for t in letter.facts.items]
    expected = sum(t.p_overturned for t in truths) / len(truths)

    assert sum(t.outcome == "overturned" for t in truths) / len(truths) == pytest.approx(expected, abs=0.02)


def test_some_requests_were_authorized_in_part(current):
    part = [
        letter for letter in current if "The remaining IMR eligible portion" in " ".join(render_text(letter).split())
    ]

    assert 0.03 < len(part) / len(current) < 0.25
