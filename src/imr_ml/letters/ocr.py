"""Read image-only pages with Tesseract, several at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pypdfium2

from imr_ml.letters.pdf import HOW_TO_INSTALL
from imr_ml.letters.types import LetterError
from imr_ml.progress import StartProgress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    ReadPicture = Callable[[Image], str]

_DOTS_AN_INCH = 300
_POINTS_AN_INCH = 72
# A scanner's noise: smaller marks are removed, which would join letters or make a line of their own.
_SPECK_DOTS = 3
# Automatic layout, and the direction of the text found first.
_OPTIONS = "--psm 1"
# Rules of a table, and specks at a line's ends.
_RULES = re.compile(r"[|\u00a6]|(?m:^[ .,'_~-]+(?= )|(?<= )[_~]+$)")

# "Smg" is no dose: the letter most often mistaken for a digit.
_MISREAD_DOSE = re.compile(r"\bS(?=\s?mg\b)")


def read_pictures(
    content: bytes,
    pages: Sequence[int],
    source: str,
    read: ReadPicture | None = None,
    start: StartProgress = silent,
    *,
    smooth: bool = True,
) -> dict[int, str]:
    """Read some pages of a PDF by OCR; returns their text by page number.

    Parameters
    ----------
    content : bytes
        The PDF.
    pages : sequence of int
        Their numbers, from 1.
    source : str
        Cited in the error.
    read : callable, optional
        Text of a picture; Tesseract where not given.
    start : callable, optional
        Starts a progress bar over the pages.
    smooth : bool, optional
        Whether to remove specks first, which helps with most scans and harms few.

    Raises
    ------
    LetterError
        Where Tesseract is not installed, or fails.
    """
    from PIL import ImageFilter

    read = read or _tesseract(source)
    progress = start("reading pages by OCR", len(pages))
    with pypdfium2.PdfDocument(content) as document, ThreadPoolExecutor(os.cpu_count()) as threads:
        # pdfium is not safe to use from several threads: pictures are drawn in this one.
        pictures = (document[page - 1].render(scale=_DOTS_AN_INCH / _POINTS_AN_INCH, grayscale=True) for page in pages)
        images = [picture.to_pil() for picture in pictures]
        if smooth:
            images = [image.filter(ImageFilter.MedianFilter(_SPECK_DOTS)) for image in images]
        texts: dict[int, str] = {}
        for page, text in zip(pages, threads.map(read, images), strict=True):
            texts[page] = _MISREAD_DOSE.sub("5", _RULES.sub(" ", text))
            progress(1)
    return texts


def _tesseract(source: str) -> ReadPicture:
    try:
        import pytesseract
    except ImportError:
        raise LetterError(source, f"needs OCR, which is not installed ({HOW_TO_INSTALL})") from None
    # One thread a page: Tesseract's own slow each other down.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")

    def read(picture: Image) -> str:
        try:
            return str(pytesseract.image_to_string(picture, lang="eng", config=_OPTIONS))
        except pytesseract.TesseractNotFoundError:
            raise LetterError(source, f"needs Tesseract, which is not installed ({HOW_TO_INSTALL})") from None
        except (pytesseract.TesseractError, OSError) as error:
            raise LetterError(source, f"can't be read by Tesseract ({type(error).__name__})") from error

    return read
