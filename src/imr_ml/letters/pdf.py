"""Text of a PDF by pdfium.

Knows PDF files. Knows nothing of what a letter says.
"""

from __future__ import annotations

from imr_ml.letters.types import LetterError


def pdf_text(content: bytes, source: str) -> str:
    """Text of all pages, a form feed between pages.

    Raises
    ------
    LetterError
        For a file that pdfium cannot open (damaged, encrypted) and for one without a text layer.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise LetterError(source, f"is not a PDF that can be opened ({error}); fetch it again") from error
    with document:
        pages = []
        for page in document:
            text_page = page.get_textpage()
            pages.append(text_page.get_text_bounded())
            text_page.close()
            page.close()
    text = "\f".join(pages)
    if not text.strip():
        raise LetterError(source, "has no text layer; run OCR on it first")
    return text
