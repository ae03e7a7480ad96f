"""Read a letter: a path, bytes or text -> `Letter`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from imr_ml.decoding import decode_text
from imr_ml.letters.furniture import remove_furniture, remove_page_furniture
from imr_ml.letters.header import add_case_number
from imr_ml.letters.layouts import LAYOUTS
from imr_ml.letters.lines import repair_anchors, tidy_lines
from imr_ml.letters.page_text import Page
from imr_ml.letters.pdf import check_length, pdf_pages, picture_pages, read_pictures, refuse_pictures
from imr_ml.letters.types import Letter, LetterError
from imr_ml.progress import StartProgress, no_progress

_SUFFIXES = (".pdf", ".txt")
_LONGEST_PATH = 200
_MARKER = re.compile(
    r"CLINICAL\s+CASE\s+SUMMARY|IMR\s+(?:ISSUES|DECISION)|DOCUMENTS\s+REVIEWED|MAXIMUS\s+(?:guideline\s*:|Federal\s+Services)"
    r"|Claims\s+Administrator\s+guideline\s*:|Decision\s+rationale\s*:|ISSUE\s+AT\s+DISPUTE|:\s*(?:Upheld|Overturned)\b",
    re.IGNORECASE,
)
_SAMPLE_MARK = re.compile(r"\bSAMPLE\s+LETTER\b")


def read_letter(source: str | Path | bytes, *, ocr: bool = False, start: StartProgress = no_progress) -> Letter:
    """Read one Final Determination Letter.

    Parameters
    ----------
    source : Path, bytes or str
        A path to a PDF or a text file, a file's content, or extracted text. A string is text if it has a
        line break or a letter's headings, else a path.
    ocr : bool
        Read scanned pages by OCR, which needs the extra ``ocr``; otherwise they raise an error.
    start : callable, optional
        Starts a progress bar over the pages read by OCR.

    Returns
    -------
    Letter
        Missing parts are None or empty; contradictions are listed in its `warnings`.

    Raises
    ------
    LetterError
        If the source is not a letter or can't be read completely; the message states where and what was expected.
    """
    if isinstance(source, str) and ("\n" in source or "\r" in source or _MARKER.search(source)):
        return read_text(source, "text")
    if isinstance(source, bytes):
        return read_content(source, "bytes", ocr=ocr, start=start)
    try:
        content = Path(source).read_bytes()
    except (OSError, ValueError) as error:
        raise LetterError(_name(source), f"can't be read ({_error_reason(error)})") from error
    return read_content(content, str(source), ocr=ocr, start=start)


def read_content(content: bytes, name: str, *, ocr: bool = False, start: StartProgress = no_progress) -> Letter:
    """Read a letter from a file's content, like `read_letter`.

    Parameters
    ----------
    content : bytes
        The file's bytes.
    name : str
        Name of the input in errors.
    ocr : bool, optional
        Read scanned pages by OCR.
    start : callable, optional
        Starts a progress bar over the pages read by OCR.
    """
    if b"%PDF-" in content[:1024]:
        return _read_pdf(content, name, start if ocr else None)
    if name.lower().endswith(".pdf"):
        raise LetterError(name, "is not a PDF (no %PDF- mark); fetch it again")
    # No encoding needs more than four bytes per character.
    check_length(len(content) // 4, name)
    return read_text(decode_text(content), name)


def _read_pdf(content: bytes, name: str, ocr: StartProgress | None) -> Letter:
    pages = pdf_pages(content, name)
    lines = remove_page_furniture([tidy_lines(page.text) for page in pages])
    pictures = picture_pages(pages, ["\n".join(page) for page in lines])
    if not pictures:
        return _read_lines([line for page in lines for line in page], pages[0].whole_text, name)
    if ocr is None:
        refuse_pictures(pictures, len(pages), name)
    try:
        return _read_by_ocr(name, pages, read_pictures(content, pictures, name, start=ocr))
    except LetterError:
        # Removing specks may have removed periods and the dots of colons.
        return _read_by_ocr(name, pages, read_pictures(content, pictures, name, start=ocr, smooth=False))


def _read_by_ocr(name: str, pages: Sequence[Page], ocr_texts: Mapping[int, str]) -> Letter:
    texts = [ocr_texts.get(number, page.text) for number, page in enumerate(pages, start=1)]
    lines = remove_page_furniture([tidy_lines(text) for text in texts])
    letter = _read_lines([line for page in lines for line in page], texts[0], name)
    return add_case_number(replace(letter, text_from="ocr"), "\n".join(texts), name)


def _name(source: str | Path) -> str:
    """Name of a source in errors; "text" for a string that may be clinical text and not a path."""
    is_path = isinstance(source, Path) or Path(source).suffix.lower() in _SUFFIXES
    return str(source) if is_path and len(str(source)) <= _LONGEST_PATH else "text"


def _error_reason(error: OSError | ValueError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not a path"


def read_text(text: str, source: str) -> Letter:
    """Read a letter from extracted text, like `read_letter`; `source` is its name in errors."""
    check_length(len(text), source)
    return _read_lines(remove_furniture(text), text.lstrip().partition("\f")[0], source)


def _read_lines(lines: list[str], first_page: str, source: str) -> Letter:
    """Read a letter from its tidy lines; the sample mark may be anywhere on its first page."""
    flow = "\n".join(lines)
    try:
        letter = _read_flow(flow, source)
    except LetterError:
        repaired = repair_anchors(flow)
        if repaired == flow:
            raise
        letter = _read_flow(repaired, source)
    return replace(letter, is_sample=True) if "SAMPLE" in first_page and _SAMPLE_MARK.search(first_page) else letter


def _read_flow(flow: str, source: str) -> Letter:
    """Read the letter in the one layout whose mark it contains."""
    layouts = [layout for layout in LAYOUTS if layout.mark.search(f"\n{flow}\n")]
    if not layouts:
        raise LetterError(source, "has no heading 'IMR ISSUES, DECISIONS AND RATIONALES'; is it a determination?")
    if len(layouts) > 1:
        names = " and ".join(layout.name for layout in layouts)
        raise LetterError(source, f"has headings of two layouts ({names}); is it more than one letter?")
    letter = replace(layouts[0].read(flow, source), layout=layouts[0].name)
    _check_places(letter, source)
    return letter


_DECISION = re.compile(
    r":\s*(?P<outcome>upheld|overturned)\b|\b(?P<label>decision\s+rationale|(?:MAXIMUS|claims\s+administrator)\s+guideline)\s*:",
    re.IGNORECASE,
)
# A word of each alternative above; most texts contain none, and this check is faster than the pattern.
_WORDS = ("upheld", "overturned", "rationale", "guideline")


def _check_places(letter: Letter, source: str) -> None:
    """Raise `LetterError` for decision wording in a part that a model may read: the outcome would leak."""
    for place, part, text in _parts(letter):
        lower = (text or "").lower()
        mark = _DECISION.search(text or "") if any(word in lower for word in _WORDS) else None
        if mark:
            words = f": {mark['outcome']}" if mark["outcome"] else f"{' '.join(mark['label'].split())}:"
            raise LetterError(source, f"has '{words}' in its {part}; it can't be read in order", place)


def _parts(letter: Letter) -> Iterator[tuple[str, str, str | None]]:
    """Yield (place, part, text) for each part that must not contain a decision."""
    yield "", "clinical summary", letter.clinical_summary
    for item in letter.items:
        place = f"item {item.number}"
        yield place, "request", item.request
        yield place, "claims administrator's guideline", item.ur_guideline
        yield place, "reviewer's guideline", item.imr_guideline
