"""Text of a PDF by pdfium."""

from __future__ import annotations

from imr_ml.letters.types import LetterError

MAX_PAGES = 200
MAX_CHARACTERS = 1_000_000
"""No letter comes near; what does is something else, and reading it all would take minutes."""


def pdf_text(content: bytes, source: str) -> str:
    """Text of all pages, a form feed between pages.

    Raises
    ------
    LetterError
        For a file that pdfium cannot open (damaged, encrypted), for one without pages or a text layer, and for one far
        too long to be a letter.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise LetterError(source, _why_refused(content, str(error))) from error
    with document:
        if len(document) > MAX_PAGES:
            raise LetterError(source, f"has {len(document)} pages; is it a determination?")
        try:
            text = _pages_text(document, source)
        except pypdfium2.PdfiumError as error:
            raise LetterError(source, f"is a damaged PDF ({error}); fetch it again") from error
    if not text.strip():
        raise LetterError(source, "has no text layer; run OCR on it first")
    pages = text.rstrip().split("\f")
    if empty := [number for number, page in enumerate(pages, start=1) if not page.strip()]:
        raise LetterError(source, "has no text between pages that have; run OCR on it first", f"page {empty[0]}")
    return text


def check_length(characters: int, source: str) -> None:
    """Refuse what is far too long to be a letter.

    Raises
    ------
    LetterError
        Above `MAX_CHARACTERS`.
    """
    if characters > MAX_CHARACTERS:
        raise LetterError(source, f"is far too long for a letter (more than {MAX_CHARACTERS:,} characters)")


def _why_refused(content: bytes, error: str) -> str:
    import pypdfium2.raw as pdfium

    # Of a document without pages the error is that of whatever was opened before.
    opened = pdfium.FPDF_LoadMemDocument64(content, len(content), None)
    if opened:
        pdfium.FPDF_CloseDocument(opened)
        return "is a PDF without pages; fetch it again"
    if "password" in error.lower():
        return "is an encrypted PDF; save it without a password"
    return f"is not a PDF that can be opened ({error}); fetch it again"


def _pages_text(document: object, source: str) -> str:
    pages: list[str] = []
    characters = 0
    for page in document:  # type: ignore[attr-defined]
        text_page = page.get_textpage()
        pages.append(text_page.get_text_bounded())
        text_page.close()
        page.close()
        characters += len(pages[-1])
        check_length(characters, source)
    return "\f".join(pages)
