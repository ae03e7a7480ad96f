"""Scanned letters, read by the real Tesseract."""

import io
import shutil

import pypdfium2
import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text
from progress_bars import ProgressBars

from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import LetterError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("tesseract"), reason="needs Tesseract: apt-get install tesseract-ocr"),
]


def scanned(pdf, dots_an_inch=200):
    """The PDF's pages as pictures."""
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.render(scale=dots_an_inch / 72, grayscale=True).to_pil().convert("L") for page in document]
    content = io.BytesIO()
    pages[0].save(content, "PDF", save_all=True, append_images=pages[1:], resolution=dots_an_inch)
    return content.getvalue()


@pytest.fixture(scope="module")
def letter_pdf():
    return make_letter_pdf(make_letter_text(items=(KNEE, NORCO)))


def test_a_scan_is_read_as_the_letter_itself(letter_pdf):
    letter, scan = read_letter(letter_pdf), read_letter(scanned(letter_pdf), ocr=True)

    assert scan.text_from == "ocr"
    assert [(item.number, item.outcome) for item in scan.items] == [
        (item.number, item.outcome) for item in letter.items
    ]
    assert [item.request for item in scan.items] == [item.request for item in letter.items]
    assert scan.case_number == letter.case_number


def test_a_scan_without_ocr_raises_an_error_with_instructions(letter_pdf):
    with pytest.raises(LetterError, match="read it with --ocr, which needs Tesseract"):
        read_letter(scanned(letter_pdf))


def test_the_progress_counts_pages_read_by_ocr(letter_pdf):
    bars = ProgressBars()
    read_letter(scanned(letter_pdf), ocr=True, start=bars.start)
    with pypdfium2.PdfDocument(letter_pdf) as document:
        assert bars.announced == bars.done == {"reading pages by OCR": len(document)}
