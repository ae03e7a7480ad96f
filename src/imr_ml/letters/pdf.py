"""Read the pages of a PDF: their text layer, and scanned pages by OCR."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

import pypdfium2
import pypdfium2.raw as pdfium

from imr_ml.letters.page_text import Page, read_page
from imr_ml.letters.types import LetterError
from imr_ml.progress import StartProgress, no_progress

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PAGES = 200
MAX_CHARACTERS = 1_000_000
"""No letter is nearly as long; reading more would take minutes."""
HOW_TO_INSTALL = "apt-get install tesseract-ocr && pip install 'imr-ml[ocr]'"
_RUN_OCR = f"read it with --ocr, which needs Tesseract ({HOW_TO_INSTALL})"
_LARGE = 0.5
# A scan without a text layer has at most a stamped number as text.
_FEW_CHARACTERS = 60
_FULL_CHARACTERS = 400
_DPI = 300
_POINTS_PER_INCH = 72
# Smaller marks are scanner noise; they would join letters or be read as lines.
_SPECK_DOTS = 3
# Detect the direction of the text and the layout.
_OPTIONS = "--psm 1"
# Table rules, and specks at either end of a line.
_RULES = re.compile(r"[|\u00a6]|(?m:^[ .,'_~-]+(?= )|(?<= )[_~]+$)")
# "Smg" is a misread "5mg".
_MISREAD_DOSE = re.compile(r"\bS(?=\s?mg\b)")


def pdf_text(content: bytes, source: str) -> str:
    """Read the text of all pages, separated by form feeds; see `pdf_pages` for errors."""
    return "\f".join(page.whole_text for page in pdf_pages(content, source))


def pdf_pages(content: bytes, source: str) -> list[Page]:
    """Read all pages of a PDF.

    Raises
    ------
    LetterError
        If pdfium can't open the file (damaged, encrypted), if it has no page or is far too long for a letter, or if the
        text of a page can't be read in order.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise LetterError(source, _explain_refusal(content, str(error))) from error
    with document:
        if len(document) > MAX_PAGES:
            raise LetterError(source, f"has {len(document)} pages; is it a determination?")
        try:
            return _read_pages(document, source)
        except pypdfium2.PdfiumError as error:
            raise LetterError(source, f"is a damaged PDF ({error}); fetch it again") from error


def refuse_pictures(pictures: Sequence[int], pages: int, source: str) -> NoReturn:
    """Raise a `LetterError` that lists the scanned pages.

    Parameters
    ----------
    pictures : sequence of int
        Numbers of the scanned pages, from 1.
    pages : int
        Number of all pages.
    source : str
        Name of the input in errors.
    """
    if len(pictures) == pages:
        raise LetterError(source, f"has no text layer; {_RUN_OCR}")
    place = f"page{'s' if len(pictures) > 1 else ''} {', '.join(map(str, pictures))}"
    raise LetterError(source, f"has a picture and no text; {_RUN_OCR}", place)


def picture_pages(pages: Sequence[Page], texts: Sequence[str]) -> list[int]:
    """Numbers of the scanned pages, from 1: pages with a picture in place of text."""
    return [
        number
        for number, (page, text) in enumerate(zip(pages, texts, strict=True), start=1)
        if page.drawn and (not text.strip() or (page.drawn > _LARGE and len(text.strip()) < _FEW_CHARACTERS))
    ]


def check_length(characters: int, source: str) -> None:
    """Raise `LetterError` for a text of more than `MAX_CHARACTERS`."""
    if characters > MAX_CHARACTERS:
        raise LetterError(source, f"is far too long for a letter (more than {MAX_CHARACTERS:,} characters)")


def _explain_refusal(content: bytes, error: str) -> str:
    # For a document without pages, pdfium reports the error of an earlier document.
    opened = pdfium.FPDF_LoadMemDocument64(content, len(content), None)
    if opened:
        pdfium.FPDF_CloseDocument(opened)
        return "is a PDF without pages; fetch it again"
    if "password" in error.lower():
        return "is an encrypted PDF; save it without a password"
    return f"is not a PDF that can be opened ({error}); fetch it again"


def _read_pages(document: Any, source: str) -> list[Page]:
    pages: list[Page] = []
    for index in range(len(document)):
        pages.append(read_page(document, index, source))
        check_length(sum(len(page.whole_text) for page in pages), source)
    is_wide = any(page.is_wide for page in pages)
    return [
        page._replace(
            text=page.whole_text if is_wide else page.text, drawn=_measure_drawn(document, index, page.whole_text)
        )
        for index, page in enumerate(pages)
    ]


def _measure_drawn(document: Any, index: int, text: str) -> float:
    """Compute `Page.drawn`."""
    if len(text) >= _FULL_CHARACTERS:
        return 0.0
    page = document[index]
    try:
        drawings = [drawing for drawing in page.get_objects() if drawing.type != pdfium.FPDF_PAGEOBJ_TEXT]
        if not text.strip():
            return float(any(drawing.type != pdfium.FPDF_PAGEOBJ_FORM for drawing in drawings))
        width, height = page.get_size()
        boxes = [drawing.get_bounds() for drawing in drawings if drawing.type == pdfium.FPDF_PAGEOBJ_IMAGE]
        areas = ((right - left) * (top - bottom) for left, bottom, right, top in boxes)
        return float(max(areas, default=0.0) / max(1.0, width * height))
    finally:
        page.close()


def read_pictures(
    content: bytes,
    pages: Sequence[int],
    source: str,
    start: StartProgress = no_progress,
    *,
    smooth: bool = True,
) -> dict[int, str]:
    """Read pages of a PDF by OCR; return their text by page number.

    Parameters
    ----------
    content : bytes
        The PDF.
    pages : sequence of int
        Numbers of the pages, from 1.
    source : str
        Name of the input in errors.
    start : callable, optional
        Starts a progress bar over the pages.
    smooth : bool, optional
        Remove specks first, which helps with most scans and harms few.

    Raises
    ------
    LetterError
        If Tesseract is not installed, or fails.
    """
    from PIL import ImageFilter

    recognize = _load_tesseract(source)
    progress = start("reading pages by OCR", len(pages))
    with pypdfium2.PdfDocument(content) as document, ThreadPoolExecutor(os.cpu_count()) as threads:
        # pdfium is not safe to use from several threads: pictures are drawn in this one.
        pictures = (document[page - 1].render(scale=_DPI / _POINTS_PER_INCH, grayscale=True) for page in pages)
        images = [picture.to_pil() for picture in pictures]
        if smooth:
            images = [image.filter(ImageFilter.MedianFilter(_SPECK_DOTS)) for image in images]
        texts: dict[int, str] = {}
        for page, text in zip(pages, threads.map(recognize, images), strict=True):
            texts[page] = _MISREAD_DOSE.sub("5", _RULES.sub(" ", text))
            progress(1)
    return texts


def _load_tesseract(source: str) -> Callable[[Image], str]:
    try:
        import pytesseract
    except ImportError:
        raise LetterError(source, f"needs OCR, which is not installed ({HOW_TO_INSTALL})") from None
    # Pages are read in parallel, and several threads per page would slow each other down.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")

    def recognize(picture: Image) -> str:
        try:
            return str(pytesseract.image_to_string(picture, lang="eng", config=_OPTIONS))
        except pytesseract.TesseractNotFoundError:
            raise LetterError(source, f"needs Tesseract, which is not installed ({HOW_TO_INSTALL})") from None
        except (pytesseract.TesseractError, OSError) as error:
            raise LetterError(source, f"can't be read by Tesseract ({type(error).__name__})") from error

    return recognize
