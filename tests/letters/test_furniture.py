"""Headers, footers and page numbers are removed, and nothing else."""

from dataclasses import replace

import pytest
from factories import KNEE, NORCO, Item, make_letter_pdf, make_letter_text
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pdf_forms import pages_of, stamped
from imr_ml.letters.furniture import remove_furniture
from imr_ml.letters.reader import read_letter

LONG = Item(
    request="Physical therapy 2 times a week for 6 weeks for the right shoulder, after the planned arthroscopy of that "
    "shoulder at the surgical center",
    rationale="The shoulder was stiff in spring. Twelve visits were made by June, and the range of motion rose by a "
    "third. Neither the notes of July nor those of August say what more visits could reach that exercise at home "
    "could not. A goal for function, work or sleep is not given. The request is not medically necessary.",
)
TEXT = make_letter_text(items=[LONG, NORCO, KNEE])
LETTER = read_letter(TEXT)
# Text printed above and below each page.
FURNITURE = {
    "page of pages": ("", "Page {page} of {pages}"),
    "page": ("Page {page}", ""),
    "number": ("", "- {page} -"),
    "bare number": ("{page}", ""),
    "fax, from and to": ("11/21/2016 10:3{page} FROM: ACME CLAIMS TO: 9165550123 P. {page}/{pages}", ""),
    "fax, received": ("Received: 11/21/2016 10:31AM ACME CLAIMS 916-555-0123 Page {page}", ""),
    "case number": ("IMR Case Number: CM16-0099001", "{page}"),
    "case and page": ("", "CM16-0099001 Page {page} of {pages}"),
    "letterhead": ("ACME CLAIMS SERVICES\nConfidential medical information", ""),
    "letterhead with an address": (
        "ACME Review, Inc.\nP.O. Box 100\nSacramento, CA 95813-0100\n(916) 555-0123 Fax: (916) 555-0124",
        "This document holds confidential information.",
    ),
    "parties": ("Jane Doe v. Acme Stores", "www.example.org/decisions/1.pdf"),
    "document number": ("", "ACME000{page}12"),
    "claim number": ("", "Claim 0044-{page}17 | {page}"),
}

# Text that looks like sentences of the letter if page breaks are unknown.
PAGED = ("letterhead with an address", "parties")


def add_furniture(text: str, length: int, header: str, footer: str, page_break: str) -> str:
    lines = text.split("\n")
    pages = [lines[start : start + length] for start in range(0, len(lines), length)]
    return page_break.join(
        "\n".join(filter(None, (fill_placeholders(header, page, pages), *body, fill_placeholders(footer, page, pages))))
        for page, body in enumerate(pages, start=1)
    )


def fill_placeholders(words: str, page: int, pages: list[list[str]]) -> str:
    return words.format(page=page, pages=len(pages))


@pytest.mark.parametrize(
    ("page_break", "kind"),
    [
        (page_break, kind)
        for kind in FURNITURE
        for page_break in ("\n\f", "\n")
        if "\f" in page_break or kind not in PAGED
    ],
)
def test_furniture_is_removed_wherever_pages_end(kind, page_break):
    for length in range(20, 50):
        assert read_letter(add_furniture(TEXT, length, *FURNITURE[kind], page_break)) == LETTER


@pytest.mark.parametrize("kind", FURNITURE)
def test_furniture_printed_onto_a_pdf_is_removed(kind):
    header, footer = FURNITURE[kind]
    content = make_letter_pdf(TEXT)
    for place, words in enumerate(header.split("\n")):
        content = stamped(content, words, x=200, y=770 - 11 * place) if words else content
    content = stamped(content, footer, x=200, y=30) if footer else content

    assert read_letter(content) == LETTER


@pytest.mark.parametrize(
    "line", ["Letter for IMR Case Number CM16-0099001", "RECEIVED NOV 21 2016", "11/21/2016 10:31AM FAX P001/003", "2"]
)
def test_a_header_on_the_second_page_only_is_removed(line):
    lines = TEXT.split("\n")
    for length in range(20, len(lines) - 2):
        assert read_letter("\n".join([*lines[:length], f"\f{line}", *lines[length:]])) == LETTER


@pytest.mark.parametrize("line", ["CONFIDENTIAL", "ACME00412", "www.example.org/1.pdf", "Page 2"])
def test_a_line_below_the_last_sentence_is_removed(line):
    assert read_letter(f"{TEXT}\n{line}\n") == LETTER


@pytest.mark.parametrize("line", ["11/21/2016 10:31 FROM: ACME TO: 9165550123 P. 1/3", "Page 1 of 3", "ACME CLAIMS"])
def test_a_line_above_the_sample_mark_does_not_hide_it(line):
    text = make_letter_text()

    assert read_letter(f"{line}\nSAMPLE LETTER - invented\n{text}").is_sample
    assert not read_letter(f"{line}\n{text}").is_sample
    assert not read_letter(f"{text}\n\x0cSAMPLE LETTER").is_sample


def test_recurring_words_at_page_edges_stay_if_they_are_part_of_sentences():
    visit = "Visit {} was short. The shoulder\nwas stiff. As the knee locked, the\n"
    pages = ["".join(visit.format(page + number) for number in range(9)) for page in range(1, 5)]

    assert remove_furniture("\f".join(pages)) == "".join(pages).splitlines()


def test_requests_that_differ_only_in_digits_stay():
    items = [replace(NORCO, request=f"Norco {dose}/325mg #60", outcome="Upheld") for dose in (5, 7, 10)]
    text = make_letter_text(items=items)
    for item in items:
        text = text.replace(f"{item.request}:", f"\f{item.request}:")

    assert [item.request for item in read_letter(text).items] == [item.request for item in items]


def test_a_page_reference_at_a_line_end_stays():
    lines = ["The guideline reserves imaging, see", "page 8 of 127", "of it, for a knee that locks."]

    assert remove_furniture("\n".join(lines)) == lines
    assert remove_furniture("\n".join(lines[:2]) + "\f" + lines[2]) == lines


@given(
    repeats=st.integers(1, 6),
    length=st.integers(5, 40),
    page_break=st.sampled_from(["\n\f", "\n"]),
    rationales=st.lists(st.sampled_from([LONG.rationale, KNEE.rationale, NORCO.rationale]), min_size=1, max_size=3),
    width=st.integers(60, 110),
)
def test_a_letter_without_furniture_is_unchanged(repeats, length, page_break, rationales, width):
    items = [replace(KNEE, rationale=" ".join(rationales))] * repeats
    lines = [line for line in make_letter_text(items=items, width=width).split("\n") if line]
    pages = ["\n".join(lines[start : start + length]) for start in range(0, len(lines), length)]

    assert remove_furniture(page_break.join(pages)) == [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("words", ["Jane Doe v. Acme Stores", "See the notes of July", "Volume 3"])
@pytest.mark.parametrize("y", [760, 40])
def test_a_line_in_the_margin_of_a_pdf_page_is_removed(words, y):
    content = make_letter_pdf(TEXT)
    for page in range(pages_of(content)):
        assert read_letter(stamped(content, words, x=200, y=y, only=page)) == LETTER


def test_text_that_extends_into_the_margins_is_read():
    pdf = FPDF(unit="pt", format="Letter")
    pdf.set_margins(36, 30)
    pdf.set_auto_page_break(auto=True, margin=30)
    pdf.set_font("Times", size=12)
    pdf.add_page()
    for paragraph in make_letter_text(items=[LONG, NORCO, KNEE] * 4).split("\n\n"):
        pdf.multi_cell(0, 13.8, " ".join(paragraph.split()), align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(13.8)

    assert read_letter(bytes(pdf.output())).items == read_letter(make_letter_text(items=[LONG, NORCO, KNEE] * 4)).items
