"""Letters are read in a separate process, which a broken letter does not disable."""

import broken_letters
import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text

from imr_ml.desk.form import DeskError, letter_fields
from imr_ml.desk.letters import LetterReader

LETTER = make_letter_text(items=(KNEE, NORCO))


@pytest.fixture(scope="module")
def letters():
    with LetterReader() as reader:
        yield reader


@pytest.mark.parametrize(("content", "name"), [(LETTER.encode(), "a.txt"), (make_letter_pdf(LETTER), "a.pdf")])
def test_a_letter_fills_the_fields_of_each_request(letters, content, name):
    first, second = letter_fields(letters.read(content, name), name)

    assert first["request"] == KNEE.request
    assert second["request"] == NORCO.request
    assert first["clinical_summary"].startswith("The injured worker is a 44 year old")
    assert first["ur_guideline"] == KNEE.ur_guideline
    assert (first["case_number"], first["item"], second["item"]) == ("CM16-0099001", "1", "2")
    assert (first["date_of_injury"], first["items_in_case"]) == ("2012-03-05", "2")


def test_a_letter_does_not_fill_in_its_decision_or_inferred_fields(letters):
    (fields,) = letter_fields(letters.read(make_letter_text().encode(), "a.txt"), "a.txt")

    assert fields.keys() <= {
        *("request", "clinical_summary", "ur_guideline", "case_number", "item", "items_in_case"),
        *("date_of_injury", "ur_denial_date", "application_received"),
    }


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "empty.txt", "is it a determination?"),
        (b"A recipe.\nFlour.\n", "recipe.txt", "is it a determination?"),
        (b"%PDF-1.7\nbroken", "broken.pdf", "is not a PDF that can be opened"),
        (b"no mark", "named.pdf", "is not a PDF"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 400, "photo.jpg", ""),
        (b"\x00" * 5_000_000, "zeros.txt", ""),
    ],
)
def test_an_unreadable_letter_is_refused_in_one_line(letters, content, name, reason):
    with pytest.raises(DeskError) as refused:
        letters.read(content, name)

    assert str(refused.value).startswith(name)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("read", "content", "reason"),
    [
        (broken_letters.crash, b"crash", "a.pdf: can't be read \\(the reader crashed\\)"),
        (broken_letters.crash, b"raise", "a.pdf: can't be read \\(RuntimeError\\)"),
        (broken_letters.hang, b"hang", "a.pdf: took more than 0.5 seconds"),
    ],
)
def test_letters_are_read_after_one_that_hangs_or_crashes(read, content, reason):
    with LetterReader(read=read) as reader:
        reader.read(LETTER.encode(), "first.txt")
        reader.seconds = 0.5
        with pytest.raises(DeskError, match=reason):
            reader.read(content, "a.pdf")
        reader.seconds = 60

        assert len(reader.read(LETTER.encode(), "next.txt").items) == 2
