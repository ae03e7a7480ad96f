"""Change the physical form of a PDF: rotated pages, pages as images, scans, stamps."""

import ctypes
import io
import math
import random

import pypdfium2
import pypdfium2.raw as pdfium
from fpdf import FPDF
from PIL import Image


def text_of(content: bytes) -> str:
    """Return the text that pdfium extracts, with form feeds between pages."""
    with pypdfium2.PdfDocument(content) as document:
        return "\f".join(page.get_textpage().get_text_bounded() for page in document)


def pages_of(content: bytes) -> int:
    """Return the number of pages."""
    with pypdfium2.PdfDocument(content) as document:
        return len(document)


def turned(content: bytes, page: int, *, by: int = 0, rotate: int = 0) -> bytes:
    """Return the PDF with the content of one page rotated counterclockwise and its /Rotate set."""
    with pypdfium2.PdfDocument(content) as document:
        rotate_page(document[page], by, rotate)
        return saved(document)


def rotate_page(page: pypdfium2.PdfPage, by: int, rotate: int) -> None:
    """Rotate the content of a page counterclockwise and set its /Rotate."""
    width, height = page.get_size()
    matrix = {
        0: (1, 0, 0, 1, 0, 0),
        90: (0, 1, -1, 0, height, 0),
        180: (-1, 0, 0, -1, width, height),
        270: (0, -1, 1, 0, 0, width),
    }[by]
    pdfium.FPDFPage_TransFormWithClip(page.raw, pdfium.FS_MATRIX(*matrix), None)
    if by in (90, 270):
        page.set_mediabox(0, 0, height, width)
    page.set_rotation(rotate)


def pictured(content: bytes, pages: list[int], *, header: str = "") -> bytes:
    """Return the PDF with some pages as images, optionally with a line of text that a scanner added."""
    with pypdfium2.PdfDocument(content) as document:
        for index in pages:
            width, height = document[index].get_size()
            picture = document[index].render(scale=0.5).to_pil()
            document.del_page(index)
            with pypdfium2.PdfDocument(image_page(picture, width, height, header)) as image:
                document.import_pages(image, index=index)
        return saved(document)


def scanned(content: bytes, dpi: int) -> bytes:
    """Return the PDF as scanned at a resolution in dpi: with noise and a skew of one degree."""
    rng = random.Random(dpi)
    with pypdfium2.PdfDocument(content) as document, pypdfium2.PdfDocument.new() as scans:
        for page in document:
            picture = page.render(scale=dpi / 72, grayscale=True).to_pil()
            picture = picture.rotate(rng.choice((-1, 1)), fillcolor=255, resample=Image.Resampling.BICUBIC)
            noise = Image.effect_noise(picture.size, 40)
            with pypdfium2.PdfDocument(image_page(Image.blend(picture, noise, 0.2), *page.get_size(), "")) as image:
                scans.import_pages(image)
        return saved(scans)


def image_page(picture: Image.Image, width: float, height: float, header: str) -> bytes:
    """Return a PDF whose only page is an image, with an optional line of text."""
    pdf = FPDF(unit="pt", format=(width, height))
    pdf.set_margin(0)
    pdf.set_auto_page_break(auto=False)
    pdf.add_page()
    pdf.image(picture, 0, 0, width, height)
    if header:
        pdf.set_font("Helvetica", size=9)
        pdf.text(40, 20, header)
    return bytes(pdf.output())


def stamped(
    content: bytes, words: str, *, angle: float = 0, x: float = 30, y: float = 300, only: int | None = None
) -> bytes:
    """Return the PDF with words stamped on each page, or only one; "{page}" and "{pages}" become numbers."""
    turn_x, turn_y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    with pypdfium2.PdfDocument(content) as document:
        for number, page in enumerate(document, start=1):
            if only not in (None, number - 1):
                continue
            text = pdfium.FPDFPageObj_NewTextObj(document.raw, b"Helvetica", 9)
            encoded = words.format(page=number, pages=len(document)).encode("utf-16-le") + b"\0\0"
            pdfium.FPDFText_SetText(text, (ctypes.c_ushort * (len(encoded) // 2)).from_buffer_copy(encoded))
            pdfium.FPDFPageObj_Transform(text, turn_x, turn_y, -turn_y, turn_x, x, y)
            pdfium.FPDFPage_InsertObject(page.raw, text)
            page.gen_content()
        return saved(document)


def saved(document: pypdfium2.PdfDocument) -> bytes:
    """Return the document as the content of a file."""
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()
