"""An unreadable letter raises one `LetterError` that states the place and contains no clinical text."""

import io
from dataclasses import replace

import pypdfium2
import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import LetterError

CLINICAL_WORDS = ("knee", "ladder", "Norco", "swelling", "imaging", "bracing")


def image_only_pdf() -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(20, 20, 100, 40, style="F")
    return bytes(pdf.output())


def encrypted_pdf() -> bytes:
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")
    pdf.add_page()
    pdf.set_font("Times", size=12)
    pdf.cell(text="CLINICAL CASE SUMMARY")
    return bytes(pdf.output())


def pages_pdf(*pages: str) -> bytes:
    pdf = FPDF()
    pdf.set_font("Times", size=12)
    for page in pages:
        pdf.add_page()
        pdf.multi_cell(0, text=page)
    return bytes(pdf.output())


def pdf_without_pages() -> bytes:
    content = io.BytesIO()
    with pypdfium2.PdfDocument.new() as document:
        document.save(content)
    return content.getvalue()


def pdf_of(pages: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj " + pages + (
        b" endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
    )  # fmt: skip


def error_of(source: object) -> LetterError:
    with pytest.raises(LetterError) as caught:
        read_letter(source)
    return caught.value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"", "IMR ISSUES, DECISIONS AND RATIONALES"),
        (b"\n\n  \n", "IMR ISSUES, DECISIONS AND RATIONALES"),
        (b"Dear tenant,\nthe water is off on Friday.\n", "is it a determination?"),
        (b"%PDF-1.7\nnot really", "is not a PDF that can be opened"),
        (make_letter_pdf(make_letter_text())[:400], "is not a PDF that can be opened"),
        (encrypted_pdf(), "is an encrypted PDF; save it without a password"),
        (image_only_pdf(), "has no text layer; read it with --ocr"),
        (pdf_without_pages(), "is a PDF without pages"),
        (pdf_of(b"[" * 50_000), "PDF"),
        (pages_pdf(*["x"] * 201), "has 201 pages; is it a determination?"),
        (make_letter_text().replace("CLINICAL CASE SUMMARY", "").encode(), "'CLINICAL CASE SUMMARY'"),
    ],
    ids=[
        "empty",
        "blank",
        "other document",
        "not a PDF",
        "cut off",
        "encrypted",
        "image only",
        "no pages",
        "deeply nested",
        "too many pages",
        "no summary",
    ],
)
def test_the_error_for_another_file_names_it_and_what_was_expected(tmp_path, source, expected):
    file = tmp_path / "CM16-0000009.pdf" if source[:5] == b"%PDF-" else tmp_path / "CM16-0000009.txt"
    file.write_bytes(source)

    error = error_of(file)

    assert error.source == str(file)
    assert expected in error.expected
    assert str(error) == f"{file}: {error.expected}"


def test_a_file_that_is_a_pdf_only_by_name_raises_an_error(tmp_path):
    file = tmp_path / "letter.PDF"
    file.write_text("<html>Not found</html>")

    assert str(error_of(file)) == f"{file}: is not a PDF (no %PDF- mark); fetch it again"


def test_a_missing_path_raises_an_error(tmp_path):
    assert str(error_of(tmp_path / "gone.pdf")) == f"{tmp_path / 'gone.pdf'}: can't be read (No such file or directory)"
    assert "can't be read" in error_of(tmp_path).expected
    assert str(error_of("gone.PDF")).startswith("gone.PDF: can't be read")


@pytest.mark.parametrize(
    "text", ["A zebrafish keeper with a sore wrist", "zebrafish " * 60, "zebrafish\0", "zebrafish" * 99 + ".txt"]
)
def test_an_error_does_not_quote_a_string_that_is_not_a_path(text):
    error = error_of(text)

    assert "zebrafish" not in str(error)
    assert str(error).startswith("text: can't be read")


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ("MAXIMUS guideline: Decision based on MTUS Op", "Decision based on MTUS Op", "item 2", "'MAXIMUS guideline:'"),
        ("Decision rationale: The dose", "The dose", "item 2", "'Decision rationale:'"),
        ("Decision rationale: The guideline", "The guideline", "item 1", "'Decision rationale:'"),
        ("Claims Administrator guideline: The Claims", "The Claims", "items", "1 outcome(s) without"),
        (": Upheld\n", "\n", "items", "1 'Claims Administrator guideline:' without an outcome"),
        ("MRI of the left knee: Upheld", ": Upheld", "item 1", "has no request before its outcome"),
        (": Overturned\n", "\n", "items", "1 'Claims Administrator guideline:' without an outcome"),
        (": Overturned\n", ": Modified\n", "items", "1 'Claims Administrator guideline:' without an outcome"),
        ("Decision rationale: The dose", "MAXIMUS guideline: ODG. Decision rationale: The dose", "item 2", "two"),
    ],
)  # fmt: skip
def test_the_error_for_an_incomplete_item_states_its_number(old, new, place, expected):
    text = make_letter_text(items=(KNEE, NORCO)).replace(old, new)

    error = error_of(text)

    assert (error.source, error.place) == ("text", place)
    assert expected in error.expected
    assert str(error).startswith(f"text, {place}: ")


def test_a_letter_without_items_raises_an_error():
    error = error_of(make_letter_text(items=()))

    assert (error.place, error.expected) == (
        "items", "found no 'REQUEST: Upheld' or 'REQUEST: Overturned' before a guideline"
    )  # fmt: skip


def test_a_request_that_runs_into_a_rationale_raises_an_error():
    endless = replace(KNEE, rationale="Unfinished")
    text = make_letter_text(items=(endless, NORCO)).replace("Unfinished\n\n", "Unfinished ")

    assert error_of(text).place == "item 2"


@pytest.mark.parametrize(
    "cut", ["MAXIMUS guideline:", "Claims Administrator guideline:", "Decision rationale:", "CLINICAL CASE SUMMARY"]
)
def test_errors_contain_no_clinical_text(cut):
    message = str(error_of(make_letter_text(items=(KNEE, NORCO)).replace(cut, "")))

    assert not [word for word in CLINICAL_WORDS if word.lower() in message.lower()]


@pytest.mark.parametrize("label", ["MAXIMUS guideline:", "Decision rationale:"])
def test_a_paragraph_before_the_first_outcome_raises_an_error(label):
    text = make_letter_text(items=(KNEE, NORCO))
    start, end = text.index(KNEE.request), text.index(label)

    assert error_of(text[:start] + text[end:]).expected == f"'{label}' without an outcome before it"


@pytest.mark.parametrize(
    ("old", "new", "place", "part"),
    [
        ("She reports", "An MRI: Upheld. She reports", "", "clinical summary"),
        ("She reports", "Decision rationale: She reports", "", "clinical summary"),
        ("She reports", "MAXIMUS guideline: ODG. She reports", "", "clinical summary"),
        (
            "MTUS Knee Complaints 2004.",
            "MTUS Knee Complaints 2004. MRI: Overturned.",
            "item 1",
            "claims administrator's",
        ),
        ("did not cite any", "did not cite: Overturned any", "item 2", "claims administrator's guideline"),
        ("MTUS Opioids", "MTUS: Upheld Opioids", "item 2", "reviewer's guideline"),
        ("Norco 10", "Norco: Upheld 10", "item 2", "request"),
    ],
)
def test_decision_wording_in_another_part_raises_an_error(old, new, place, part):
    error = error_of(make_letter_text(items=(KNEE, NORCO)).replace(old, new, 1))

    assert error.place == place
    assert f"in its {part}" in error.expected
    assert error.expected.endswith("it can't be read in order")


@given(st.data())
def test_a_letter_with_missing_parts_is_read_or_raises_a_letter_error(data):
    lines = make_letter_text(items=(KNEE, NORCO)).split("\n")
    keeps = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    try:
        letter = read_letter("\n".join(line for line, keep in zip(lines, keeps, strict=True) if keep) + "\n")
    except LetterError as error:
        assert not [word for word in CLINICAL_WORDS if word.lower() in str(error).lower()]
    else:
        assert 1 <= len(letter.items) <= 2
        assert all("guideline:" not in item.request for item in letter.items)


@given(st.binary(max_size=300))
def test_bytes_that_are_not_a_letter_raise_a_letter_error(content):
    assert error_of(content).source == "bytes"
