import pypdfium2
import pytest

from imr_ml.letters.reader import read_letter
from imr_ml.sample.letters import generate_letter
from imr_ml.sample.rendering import render_pdf, render_text
from imr_ml.sample.writing import write_samples


def pdf_lines(content):
    with pypdfium2.PdfDocument(content) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return [line for page in pages for line in page.split("\r\n")]


def test_text_letters_are_written_under_their_case_numbers(tmp_path):
    write_samples(tmp_path / "new", 3, seed=7)

    letters = [generate_letter(7, index) for index in range(3)]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {f"{x.case_number}.txt" for x in letters}
    assert (tmp_path / "new" / f"{letters[2].case_number}.txt").read_text(encoding="utf-8") == render_text(letters[2])


def test_progress_counts_letters(tmp_path):
    seen = []

    write_samples(tmp_path, 3, seed=7, progress=seen.append)

    assert sum(seen) == 3


def test_pdf_letters_are_reproducible(tmp_path):
    for folder in ("a", "b"):
        write_samples(tmp_path / folder, 2, seed=7, pdf=True)

    first, second = (sorted((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert [path.suffix for path in first] == [".pdf", ".pdf"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_pdf_has_the_header_lines_of_a_published_one():
    lines = pdf_lines(render_pdf(generate_letter(7, 3)))

    labels = [line.split(":")[0].strip() for line in lines[:6]]
    assert labels == [
        "SAMPLE LETTER - synthetic, not a decided case",
        "Case Number",
        "Date Assigned",
        "Decision Date",
        "Priority",
        "Received",
    ]
    assert lines[2].count("/") == 4
    assert lines[4] == "Priority: Standard Application "
    assert lines[5] == "Received: "


def test_a_pdf_breaks_lines_like_the_text():
    letter = generate_letter(7, 3)

    printed = [line.strip() for line in pdf_lines(render_pdf(generate_letter(7, 3)))]
    text = [line.strip() for line in render_text(letter).splitlines() if line.strip()]
    start = "HOW THE IMR FINAL DETERMINATION WAS MADE"
    assert printed[printed.index(start) :] == text[text.index(start) :]


@pytest.mark.parametrize("index", [*range(4), 90, 123, 172, 207])
def test_pdf_and_text_of_a_letter_read_the_same(index):  # of every format
    assert read_letter(render_pdf(generate_letter(7, index))) == read_letter(render_text(generate_letter(7, index)))


def test_long_letters_have_several_pages():
    index = max(range(60), key=lambda i: len(generate_letter(7, i).facts.items))

    with pypdfium2.PdfDocument(render_pdf(generate_letter(7, index))) as document:
        assert len(document) > 3
