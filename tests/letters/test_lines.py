from hypothesis import given
from hypothesis import strategies as st

from imr_ml.letters.lines import had_room, join_lines, line_width, tidy_lines

TEXTS = st.text(st.sampled_from(" \t\n\r\x0c\x02\u00a0\u00ad\u2019\ufb01ab-.:"), max_size=60)


@given(TEXTS)
def test_tidying_twice_changes_nothing(text):
    once = tidy_lines(text)

    assert tidy_lines("\n".join(once)) == once


@given(TEXTS)
def test_no_line_is_empty_or_has_white_space_at_its_ends(text):
    assert all(line and line == " ".join(line.split()) for line in tidy_lines(text))


def test_a_hyphen_marked_by_pdfium_ends_its_line():
    assert join_lines("\n".join(tidy_lines("home\x02based care"))) == "home-based care"


def test_a_dash_before_a_capital_or_digit_does_not_hyphenate_a_word():
    assert join_lines("visits 2-\n4 of L4-\nL5") == "visits 2- 4 of L4- L5"


def test_wide_letters_are_wider_than_narrow_ones():
    assert line_width("mmmm") > 2 * line_width("iiii")


def test_only_a_short_line_had_room():
    column = line_width("The request is not supported by what the notes of the last visits say")

    assert had_room("It ends here.", "Norco #60", column)
    assert not had_room("The request is not supported by what the notes of the last visits", "say", column)
