"""One verb: a path, bytes or text -> `Letter`.

Knows the order of a letter's sections. The header and the items have readers of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

from imr_ml.letters.header import read_header
from imr_ml.letters.items import read_items
from imr_ml.letters.lines import joined, tidy_lines
from imr_ml.letters.pdf import pdf_text
from imr_ml.letters.types import Letter, LetterError

_SUMMARY = re.compile(r"^CLINICAL\s+CASE\s+SUMMARY\s*$", re.MULTILINE)
_SUMMARY_OPENING = re.compile(r"The\s+expert\s+reviewer\s+developed\s+the\s+following\b[^:]{0,200}:\s*", re.IGNORECASE)
_ISSUES = re.compile(r"^IMR\s+ISSUES,\s+DECISIONS\s+AND\s+RATIONALES\s*$", re.MULTILINE)
_ISSUES_OPENING = re.compile(r"The\s+Final\s+Determination\s+was\s+based\s+on\b[^:]{0,200}:\s*", re.IGNORECASE)


def read_letter(source: str | Path | bytes) -> Letter:
    """Read one Final Determination Letter.

    Parameters
    ----------
    source : Path, bytes or str
        A path to a PDF or a text file, a file's content, or extracted text. A string is text if it has a
        line break, else a path.

    Returns
    -------
    Letter
        What the letter lacks is None or empty.

    Raises
    ------
    LetterError
        For what is not a letter or cannot be read whole; the message says where and what was expected.
    """
    if isinstance(source, str) and ("\n" in source or "\r" in source):
        return _read_text(source, "text")
    if isinstance(source, bytes):
        return _read_content(source, "bytes")
    path = Path(source)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LetterError(str(path), f"can't be read ({error.strerror})") from error
    return _read_content(content, str(path))


def _read_content(content: bytes, name: str) -> Letter:
    if b"%PDF-" in content[:1024]:
        return _read_text(pdf_text(content, name), name)
    if name.lower().endswith(".pdf"):
        raise LetterError(name, "is not a PDF (no %PDF- mark); fetch it again")
    return _read_text(_decoded(content), name)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Text saved on Windows; Latin-1 takes the five bytes that Windows-1252 leaves undefined.
        return content.decode("cp1252", errors="replace")


def _read_text(text: str, source: str) -> Letter:
    flow = "\n".join(tidy_lines(text))
    summary, issues = _SUMMARY.search(flow), _ISSUES.search(flow)
    if not issues:
        raise LetterError(source, "has no heading 'IMR ISSUES, DECISIONS AND RATIONALES'; is it a determination?")
    if not summary or summary.start() > issues.start():
        raise LetterError(source, "has no heading 'CLINICAL CASE SUMMARY' before the decisions")
    return Letter(
        **read_header(joined(flow[: summary.start()].split("\n"))),
        clinical_summary=_after(_SUMMARY_OPENING, flow[summary.end() : issues.start()]) or None,
        items=read_items(_after(_ISSUES_OPENING, flow[issues.end() :], keep_lines=True).split("\n"), source),
    )


def _after(opening: re.Pattern[str], text: str, *, keep_lines: bool = False) -> str:
    """The text that follows a section's opening sentence."""
    stripped = text.strip()
    mark = opening.match(stripped)
    rest = stripped[mark.end() :] if mark else stripped
    return rest if keep_lines else joined(rest.split("\n"))
