"""Reading a letter of any format returns what was generated."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.guidelines.types import Citation, Family
from imr_ml.letters.reader import read_letter
from imr_ml.sample.chance import open_stream
from imr_ml.sample.draw import draw_letter
from imr_ml.sample.letters import generate_letter, letter_as_read
from imr_ml.sample.model import Format, default_model
from imr_ml.sample.rendering import render_text

SCANNED = 2000
A_FORMAT = 12


@pytest.fixture(scope="module")
def indices():
    """Find letters of seed 7 by format."""
    by_format = {format_: [] for format_ in Format}
    for index in range(SCANNED):
        by_format[draw_letter(open_stream(7, index), index, default_model()).format].append(index)
    return by_format


def families_only(letter):
    """Reduce the citations of a letter to their families, as in the ground truth."""

    def cut(citations):
        families = sorted({citation.family.value for citation in citations} - {"none"})
        return tuple(Citation(Family(family), "", mtus=False) for family in families)

    items = [
        replace(item, ur_citations=cut(item.ur_citations), imr_citations=cut(item.imr_citations))
        for item in letter.items
    ]
    return replace(letter, items=tuple(items), priority=None, layout="")


def expected_letter(letter):
    return replace(letter_as_read(letter), layout="")


@pytest.mark.parametrize("format_", list(Format))
def test_letters_of_each_format_are_read_as_generated(format_, indices):
    for index in indices[format_][:A_FORMAT]:
        letter = generate_letter(7, index)

        assert families_only(read_letter(render_text(letter))) == expected_letter(letter)


@given(seed=st.integers(0, 10**9), index=st.integers(0, 9_999_999))
@settings(max_examples=60, deadline=None)
def test_any_letter_is_read_as_generated(seed, index):
    letter = generate_letter(seed, index)

    read = read_letter(render_text(letter))

    assert families_only(read) == expected_letter(letter)
    assert [item.outcome.value for item in read.items] == [item.outcome for item in letter.facts.items]


@pytest.mark.parametrize("format_", list(Format))
def test_the_reader_detects_the_format(format_, indices):
    letter = generate_letter(7, indices[format_][0])

    layouts = {"letter_2013": "2013", "numbered": "2013", "professional_review": "professional review"}
    assert letter.facts.format == format_
    assert read_letter(render_text(letter)).layout == layouts.get(format_.value, format_.value)


def test_only_2013_and_2014_have_older_formats(indices):
    older = [index for format_ in Format if format_ is not Format.CURRENT for index in indices[format_]]
    years = {generate_letter(7, index).facts.dates.decision.year for index in older}

    assert years == {2013, 2014}


def test_a_professional_review_decides_all_items_at_once(indices):
    issues = [generate_letter(7, index).facts.items for index in indices[Format.PROFESSIONAL_REVIEW]]

    assert max(map(len, issues)) > 1
    assert all(len({(item.outcome, item.families, item.p_overturned) for item in items}) == 1 for items in issues)
