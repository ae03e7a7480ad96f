"""Read each real letter in each physical form that letters arrive in, and count correct, refused and wrong readings.

Run as `python -m benchmarks.physical_forms LETTERS [FORM ...]`, with a folder of real letters (PDF) and names of
forms; the default is all forms except scans. A reading is correct if its items and summary equal those of the original
PDF, apart from line ends.
"""

import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import pdf_forms
from imr_ml import Letter, LetterError, read_letter
from imr_ml.letters.pdf import pdf_pages
from imr_ml.letters.types import DisputedItem

SCANNED = "scanned"
"""Form that is read by OCR, which takes seconds per page, and only if it is named."""
SCAN_DPI = (150, 200, 300)
SCAN_STEP = 12
PAGE_LENGTHS = range(20, 70, 5)
WIDTHS = range(60, 115, 5)
HEADERS_AND_FOOTERS: dict[str, tuple[str, str]] = {
    "page of pages": ("", "Page {page} of {pages}"),
    "bare number": ("", "- {page} -"),
    "fax header": ("11/21/2016 10:3{page} FROM: ACME CLAIMS TO: 9165550123 P. {page}/{pages}", ""),
    "case number": ("IMR Case Number: {case}", "{page}"),
    "letterhead": ("ACME CLAIMS SERVICES\nConfidential medical information", "Claim 0044-{page}17 | {page}"),
}
_SPACES = re.compile(r"[\s-]+")
Form = Callable[[bytes, Letter], Iterator[bytes | str]]


def rotated(content: bytes, _: Letter) -> Iterator[bytes]:
    """Rotate the content and /Rotate of each page in quarter turns."""
    for page in range(pdf_forms.pages_of(content)):
        for by in (0, 90, 180, 270):
            yield from (
                pdf_forms.turned(content, page, by=by, rotate=rotate) for rotate in (0, 90, 180, 270) if by or rotate
            )


def as_pictures(content: bytes, _: Letter) -> Iterator[bytes]:
    """Convert the first, middle, last and last two pages to images, with and without a stamp."""
    count = pdf_forms.pages_of(content)
    for pages in {(0,), (count // 2,), (count - 1,), tuple(range(max(0, count - 2), count))}:
        for header in ("", "CLAIM 0044712", "11/21/2016 10:31 FROM: ACME CLAIMS P. 2/8"):
            yield pdf_forms.pictured(content, list(pages), header=header)


def stamped(content: bytes, letter: Letter) -> Iterator[bytes]:
    """Print headers and footers onto the pages of the PDF."""
    for header, footer in HEADERS_AND_FOOTERS.values():
        stamps = [(line, 770 - 11 * place) for place, line in enumerate(header.split("\n"))] + [(footer, 30)]
        marked = content
        for words, y in stamps:
            if words:
                marked = pdf_forms.stamped(marked, words.replace("{case}", letter.case_number or ""), x=200, y=y)
        yield marked


def furnished(content: bytes, letter: Letter) -> Iterator[str]:
    """Add headers and footers to text at several page lengths, with form feeds between pages."""
    yield from _furnished(content, letter, "\n\f")


def furnished_unmarked(content: bytes, letter: Letter) -> Iterator[str]:
    """Add headers and footers to text without form feeds."""
    yield from _furnished(content, letter, "\n")


def _furnished(content: bytes, letter: Letter, page_break: str) -> Iterator[str]:
    lines = _plain_lines(content)
    for header, footer in HEADERS_AND_FOOTERS.values():
        for length in PAGE_LENGTHS:
            pages = [lines[start : start + length] for start in range(0, len(lines), length)]
            facts = {"case": letter.case_number, "pages": len(pages)}
            yield page_break.join(
                "\n".join(filter(None, (header.format(page=page, **facts), *body, footer.format(page=page, **facts))))
                for page, body in enumerate(pages, start=1)
            )


def without_blank_lines(_: bytes, letter: Letter) -> Iterator[str]:
    """Wrap text to several widths without blank lines, and requests also to a narrower column."""
    for width in WIDTHS:
        for narrow in (width, width - 15, width - 30):
            yield "\n".join(
                textwrap.fill(paragraph, narrow if _is_heading(paragraph) else width)
                for paragraph in _paragraphs(letter)
            )


def one_line(content: bytes, letter: Letter) -> Iterator[str | bytes]:
    """Put all text on one line, from pages and from paragraphs, as a string and as bytes."""
    yield " ".join(_plain_lines(content))
    yield " ".join(_paragraphs(letter))
    yield " ".join(_plain_lines(content)).encode()


def encoded(content: bytes, _: Letter) -> Iterator[bytes]:
    """Encode text with typographic quotes and dashes, with and without a byte order mark."""
    text = "\n".join(_plain_lines(content)).replace("'", "\u2019").replace("-", "\u2013")
    for codec in ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        yield text.encode(codec)
        yield b"" if codec.startswith("utf-8") else f"\ufeff{text}".encode(codec)
    yield text.encode("cp1252", "replace")


FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (
        rotated, as_pictures, stamped, furnished, furnished_unmarked, without_blank_lines, one_line, encoded,
    )
}  # fmt: skip


def measure(folder: Path, names: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """Yield rows of a form and its counts."""
    for name in names or FORMS:
        if name == SCANNED:
            yield from measure_scans(folder)
            continue
        counts: Counter[str] = Counter()
        for file in sorted(folder.glob("*.pdf")):
            content = file.read_bytes()
            letter = read_letter(content)
            for number, form in enumerate(filter(None, FORMS[name](content, letter))):
                result = _result(form, letter)
                counts[result] += 1
                if result == "wrong":
                    print(f"{name}: {file.name}, variant {number}", file=sys.stderr)
        total = counts.total()
        yield (
            name,
            f"{total:,}: right {counts['right']:,} ({counts['right'] / total:.2%}), "
            + ", ".join(f"{result} {counts[result]:,}" for result in ("right, with a warning", "refused", "wrong")),
        )


def measure_scans(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a resolution and its counts, for every twelfth letter as a noisy, skewed scan read by OCR.

    Only outcomes and requests are compared, because OCR misreads single characters of long texts.
    """
    files = sorted(folder.glob("*.pdf"))[::SCAN_STEP]
    for dpi in SCAN_DPI:
        counts: Counter[str] = Counter()
        for file in files:
            content = file.read_bytes()
            expected = read_letter(content)
            counts["requests"] += len(expected.items)
            try:
                letter = read_letter(pdf_forms.scanned(content, dpi), ocr=True)
            except LetterError as refused:
                counts["refused"] += len(expected.items)
                print(f"{dpi}: {file.name}: {refused}", file=sys.stderr)
                continue
            if len(letter.items) != len(expected.items):
                counts["wrong outcome"] += len(expected.items)
                continue
            for item, reference in zip(letter.items, expected.items, strict=True):
                is_same = _normalize(item.request).casefold() == _normalize(reference.request).casefold()
                counts["right request"] += is_same
                counts["wrong outcome"] += item.outcome is not reference.outcome
                if not is_same:
                    print(f"{dpi}: {file.name}: item {item.number}", file=sys.stderr)
        text = ", ".join(f"{name} {counts[name]}" for name in ("right request", "refused", "wrong outcome"))
        yield f"{SCANNED} at {dpi} dpi", f"{counts['requests']} requests of {len(files)} letters: {text}"


def _result(form: bytes | str, expected: Letter) -> str:
    try:
        letter = read_letter(form)
    except LetterError:
        return "refused"
    if _compared_fields(letter) != _compared_fields(expected):
        return "wrong"
    return "right" if set(letter.warnings) <= set(expected.warnings) else "right, with a warning"


def _compared_fields(letter: Letter) -> list[object]:
    return [
        _normalize(letter.clinical_summary),
        letter.is_sample,
        *(
            (
                _normalize(item.request),
                item.outcome,
                *map(_normalize, (item.ur_guideline, item.imr_guideline, item.rationale)),
                [citation.family for citation in item.imr_citations],
                [citation.pages for citation in item.imr_citations],
            )
            for item in letter.items
        ),
    ]


def _normalize(text: str | None) -> str:
    return _SPACES.sub("", text or "").replace("\u2013", "").replace("?", "")


def _plain_lines(content: bytes) -> list[str]:
    return [
        line
        for page in pdf_pages(content, "")
        for line in page.text.replace("\x02", "-\n").splitlines()
        if line.strip()
    ]


def _is_heading(paragraph: str) -> bool:
    return paragraph.endswith((": Upheld", ": Overturned"))


def _paragraphs(letter: Letter) -> list[str]:
    return [
        f"Case Number: {letter.case_number}",
        "HOW THE IMR FINAL DETERMINATION WAS MADE",
        "CLINICAL CASE SUMMARY",
        letter.clinical_summary or "",
        "IMR ISSUES, DECISIONS AND RATIONALES",
        "The Final Determination was based on decisions for the disputed items/services set forth below:",
        *(
            paragraph
            for item in letter.items
            for paragraph in (
                f"{_heading(item)}: {item.outcome.capitalize()}",
                f"Claims Administrator guideline: {item.ur_guideline}",
                f"MAXIMUS guideline: {item.imr_guideline}",
                f"Decision rationale: {item.rationale}",
            )
        ),
    ]


def _heading(item: DisputedItem) -> str:
    """Return the request as a heading; a partly authorized one is a sentence, whose verb the reader drops."""
    return f"{item.request} is" if item.authorized else item.request


def main(arguments: list[str]) -> int:
    """Print a row for each form; exit with 3 if any letter is misread."""
    table = Table("form", "result")
    wrong = 0
    for form, result in measure(Path(arguments[0]), arguments[1:]):
        table.add_row(form, result)
        wrong += not result.endswith("wrong 0")
    Console(width=140).print(table)
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
