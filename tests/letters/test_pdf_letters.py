"""Reading a letter from PDF yields the same `Letter` as reading its text."""

import sys
import types
from dataclasses import replace

import pypdfium2
import pytest
from factories import KNEE, NORCO, SUMMARY, Item, make_letter_pdf, make_letter_text

from benchmarks.pdf_forms import pictured, saved, stamped, turned
from imr_ml.letters.pdf import pdf_pages
from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import LetterError

LONG = Item(
    request="Physical therapy 2 times a week for 6 weeks for the right shoulder, after the planned arthroscopy of that "
    "shoulder at the surgical center",
    rationale=" ".join(
        f"Visit {number} brought no change in the strength of the arm or in the range of the shoulder."
        for number in range(1, 40)
    ),
)


@pytest.mark.parametrize(
    "items", [[KNEE], [KNEE, NORCO], [NORCO, LONG, KNEE], [LONG, LONG, LONG]], ids=["1", "2", "3", "3 long"]
)
def test_a_pdf_is_read_as_its_text(items):
    text = make_letter_text(items=items)

    assert read_letter(make_letter_pdf(text)) == read_letter(text)


def test_pages_are_separated():
    assert len(pdf_pages(make_letter_pdf(make_letter_text(items=[LONG, LONG])), "x.pdf")) > 1


@pytest.mark.parametrize("by", [0, 90, 180, 270])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("page", [0, 1])
def test_a_turned_page_is_read_along_its_text(page, by, rotate):
    text = make_letter_text(items=[LONG, NORCO, KNEE])

    assert read_letter(turned(make_letter_pdf(text), page, by=by, rotate=rotate)) == read_letter(text)


@pytest.mark.parametrize("angle", [90, 270, 45])
@pytest.mark.parametrize("words", ["Received 11/07/2016 by mail", "COPY"])
def test_a_stamp_in_another_direction_is_removed(angle, words):
    text = make_letter_text(items=[LONG, NORCO, KNEE])

    assert read_letter(stamped(make_letter_pdf(text), words, angle=angle)) == read_letter(text)


@pytest.mark.parametrize(("angle", "problem"), [(45, "slanted text"), (90, "text in several directions")])
def test_the_error_for_text_without_an_order_names_the_page(angle, problem):
    content = make_letter_pdf(make_letter_text())
    content = stamped(content, "The knee locks. " * (400 if angle == 45 else 40), angle=angle)

    with pytest.raises(LetterError, match=f"page 1: has {problem}; run OCR on it first"):
        read_letter(content)


@pytest.mark.parametrize("header", ["", "CLAIM 0044712", "Page 2 of 3"])
@pytest.mark.parametrize(
    ("pages", "place"), [([0], "page 1"), ([1], "page 2"), ([2], "page 3"), ([1, 2], "pages 2, 3")]
)
def test_the_error_for_a_scanned_page_names_it(header, pages, place):
    content = make_letter_pdf(make_letter_text(items=[LONG, LONG, LONG]))

    with pytest.raises(LetterError, match=f"{place}: has a picture and no text; read it with --ocr"):
        read_letter(pictured(content, pages, header=header))


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_blank_page_is_skipped(place):
    text = make_letter_text(items=[LONG, LONG, LONG])
    with pypdfium2.PdfDocument(make_letter_pdf(text)) as document:
        document.new_page(612, 792, index=place)
        content = saved(document)

    assert read_letter(content) == read_letter(text)


def test_page_breaks_do_not_change_the_items():
    for lines in range(30, 46, 3):
        filler = replace(KNEE, rationale=" ".join(["The knee did not lock on this visit."] * lines))
        text = make_letter_text(items=[filler, NORCO, KNEE])

        assert read_letter(make_letter_pdf(text)) == read_letter(text)


def test_a_scanned_page_is_read_by_ocr_on_request(monkeypatch):
    text = make_letter_text(items=[LONG, NORCO, KNEE])
    content = make_letter_pdf(text)
    pages = iter([page.text for page in pdf_pages(content, "x.pdf")])
    monkeypatch.setitem(sys.modules, "pytesseract", fake_tesseract(lambda picture: next(pages)))

    read = read_letter(pictured(content, [0, 1, 2]), ocr=True)

    assert replace(read, text_from="text") == read_letter(text)
    assert read.text_from == "ocr"


def test_failed_ocr_is_repeated_without_removing_specks(monkeypatch):
    pages = [page.text for page in pdf_pages(make_letter_pdf(make_letter_text(items=[KNEE])), "x.pdf")]
    texts = iter([*(page.replace(": Upheld", "").replace(": Overturned", "") for page in pages), *pages])
    monkeypatch.setitem(sys.modules, "pytesseract", fake_tesseract(lambda picture: next(texts)))

    read = read_letter(pictured(make_letter_pdf("\f".join(pages)), list(range(len(pages)))), ocr=True)

    assert [item.request for item in read.items] == [KNEE.request]


def test_a_misread_dose_is_corrected(monkeypatch):
    text = make_letter_text(items=[replace(KNEE, request="Cyclobenzaprine Smg #30")])
    content = make_letter_pdf(text)
    pages = iter([page.text for page in pdf_pages(content, "x.pdf")])
    count = len(pdf_pages(content, "x.pdf"))
    monkeypatch.setitem(sys.modules, "pytesseract", fake_tesseract(lambda picture: next(pages)))

    [item] = read_letter(pictured(content, list(range(count))), ocr=True).items

    assert item.request == "Cyclobenzaprine 5mg #30"


@pytest.mark.parametrize(
    ("name", "body", "number", "place"),
    [
        ("scan.pdf", "", None, "header"),
        ("CM16-0099001.pdf", "", "CM16-0099001", "file name"),
        ("scan.pdf", "Re: CM16-O0990Ol.", "CM16-0099001", "body"),
        ("scan.pdf", "Re: CM16-0099001 and CM16-0099002.", None, "header"),
    ],
)
def test_a_case_number_that_ocr_lost_in_the_header_is_found_elsewhere(monkeypatch, tmp_path, name, body, number, place):
    text = make_letter_text(case_number=None, summary=f"{SUMMARY} {body}".strip())
    monkeypatch.setitem(sys.modules, "pytesseract", fake_tesseract(lambda picture: text))
    content = make_letter_pdf(text)
    (tmp_path / name).write_bytes(pictured(content, [0]))

    read = read_letter(tmp_path / name, ocr=True)

    assert (read.case_number, read.case_number_from) == (number, place)


def test_an_ocr_case_number_that_differs_from_the_file_name_gets_a_warning(monkeypatch, tmp_path):
    text = make_letter_text()
    monkeypatch.setitem(sys.modules, "pytesseract", fake_tesseract(lambda picture: text))
    (tmp_path / "CM16-0099007.pdf").write_bytes(pictured(make_letter_pdf(text), [0]))

    warnings = read_letter(tmp_path / "CM16-0099007.pdf", ocr=True).warnings

    assert warnings == ("the case number read by OCR differs from the one in the file name",)


def test_specks_before_an_opening_sentence_are_removed():
    text = make_letter_text().replace("The Final Determination was", "Ta!\nThe Final Determination was")

    assert read_letter(text).items == read_letter(make_letter_text()).items


def test_the_error_for_missing_ocr_states_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytesseract", None)
    content = pictured(make_letter_pdf(make_letter_text(items=[LONG, LONG])), [1])

    with pytest.raises(LetterError, match=r"needs OCR, which is not installed .*imr-ml\[ocr\]"):
        read_letter(content, ocr=True)


def test_the_error_for_failed_ocr_names_the_engine(monkeypatch):
    def fail(picture):
        raise FailedError

    monkeypatch.setitem(sys.modules, "pytesseract", fake_tesseract(fail))
    content = pictured(make_letter_pdf(make_letter_text(items=[LONG, LONG])), [1])

    with pytest.raises(LetterError, match="can't be read by Tesseract"):
        read_letter(content, ocr=True)


class FailedError(Exception):
    """Error of the OCR engine."""


def fake_tesseract(read):
    module = types.ModuleType("pytesseract")
    module.image_to_string = lambda picture, lang, config: read(picture)
    module.TesseractError, module.TesseractNotFoundError = FailedError, FileNotFoundError
    return module
