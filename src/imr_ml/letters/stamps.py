"""Classify a line of a page: page number, fax line, case number or the letter's own text."""

from __future__ import annotations

import re

MANY = 3
"""Number of similar lines from which even lines that end like a sentence are furniture."""
DIGITS = re.compile(r"\d+")
_NUMBER = r"(?P<number>\d{1,4})"
_OF = r"(?:\s*(?:of|/|\|)\s*(?P<total>\d{1,4}))?"
PAGE_NUMBER = re.compile(
    rf"[-\u2013\u2014|\[( ]*(?:(?:page|pg\.?|p\.)[\s:|#]*)?{_NUMBER}{_OF}[-\u2013\u2014|\]) .]*", re.IGNORECASE
)
PAGE_WORD = re.compile(rf"(?:\bpage|\bpg\b\.?|\bp\.|\bp(?=0\d))[\s:|#]*{_NUMBER}\b{_OF}", re.IGNORECASE)
_TIME = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\b\.?)?", re.IGNORECASE)
_PHONE = re.compile(r"(?<!\d)(?:1[-. ]?)?\(?\d{3}\)?[-. ]?\d{3}[-. ]?\d{4}(?!\d)")
_SENDER = re.compile(
    r"\b(?:from|to|fax|tel|phone|rx|tx|rcvd|received|id)\b\s*[:.#]|\bFAX\b|\bFROM\b|\bRightFax\b", re.IGNORECASE
)
LONGEST_STAMP = 140
CASE_NUMBER = re.compile(r"[CS]M\d\d-\d{4,7}", re.IGNORECASE)
CASE_LINE = re.compile(
    r"(?:IMR |MAXIMUS )?(?:case|claim|file)?\s*(?:number|no\.?|#)?\s*:?\s*[CS]M\d\d-\d{4,7}", re.IGNORECASE
)
_ID = re.compile(
    r"(?:claim|file|doc|document|bates|policy|ref|reference|control|claimant)\b[ #:.a-z]{0,12}[\d| /#-]{4,}", re.I
)
_RECEIVED = re.compile(
    r"(?:received|rec'?d|rcvd|scanned|faxed|printed) (?:on )?"
    r"(?:[a-z]{3,9}\.? \d{1,2},?|\d{1,2}[-/]\d{1,2})[-/ ]\d{2,4}[ :\dapm.]*",
    re.IGNORECASE,
)
# Wording that occurs only in the letter itself, and labels of the table on its first page.
_LETTER_TEXT = re.compile(
    r"(?:^|:\s*)(?:upheld|overturned)\b|guideline\s*:|decision\s+rationale|medically\s+necessary|DOCUMENTS\s+REVIEWED"
    r"|CASE\s+SUMMARY|RATIONALE|IMR\s+ISSUES|HOW\s+THE\s+IMR|Relied\s+Upon|His/Her\s+Decision|\brequest\s+for\b"
    r"|\bClaims\s+Administrator\b|\bReviewer\b|\bbased\s+(?:on|his|her|its|their)\b|\bdid\s+not\s+cite\b",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"\b(?:Date\s+Assigned|Date\s+of\s+Injury|Decision\s+Date|Denial\s+Date|Priority|Case\s+Number)\s*:|^Received\s*:"
    r"|^Application\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(?:\S+:)?\b(?:www\.|https?://)|@")
_CONTINUES = re.compile(r"[a-z]-$|[,;:]$")
_SENTENCES = re.compile(r"[a-z]{2}\. [A-Z]")
ENDS_SENTENCE = re.compile(r"[.!?][\"')\]]*$")


def is_stamp(line: str) -> bool:
    """Whether the line is a fax line, a bare claim or document number, or a receipt mark."""
    return any(pattern.fullmatch(line) for pattern in (_ID, _RECEIVED)) or is_fax_line(line)


def is_case_title(line: str) -> bool:
    """Whether the line is a title with the case number, as documents have above each page."""
    return len(line) <= LONGEST_STAMP and CASE_NUMBER.search(line) is not None and not ENDS_SENTENCE.search(line)


def is_tail(line: str) -> bool:
    """Whether a line after the last sentence is furniture: a page number, an address, or capitals only."""
    return not ENDS_SENTENCE.search(line) and (
        PAGE_NUMBER.fullmatch(line) is not None or ADDRESS.search(line) is not None or not re.search("[a-z]", line)
    )


def is_numbered(line: str) -> bool:
    """Whether the line is a page number, case number or stamp, which may differ from page to page."""
    return any(pattern.fullmatch(line) for pattern in (PAGE_NUMBER, CASE_LINE)) or is_stamp(line)


def is_fax_line(line: str) -> bool:
    """Whether the line is a fax header: time, sender or recipient, page."""
    if len(line) > LONGEST_STAMP or not DIGITS.search(line):
        return False
    has_time, has_phone = bool(_TIME.search(line)), bool(_PHONE.search(line))
    if not (has_time or has_phone) or is_letter_text(line):
        return False
    has_page = bool(PAGE_WORD.search(line))
    return has_page or (has_time and has_phone and bool(_SENDER.search(line)))


def is_letter_text(line: str) -> bool:
    """Whether the line has wording that occurs only in the letter itself."""
    return _LETTER_TEXT.search(line) is not None


def is_header_line(line: str) -> bool:
    """Whether the line belongs to the table on the first page."""
    return _HEADER_LINE.search(line) is not None and not is_fax_line(line)


def is_furniture(shape: str, count: int, pages: int, *, is_marked: bool = False) -> bool:
    """Whether recurring lines of one shape are page furniture and not part of a sentence.

    Parameters
    ----------
    shape : str
        As `shape_of` returns it.
    count : int
        Number of pages with such a line.
    pages : int
        Number of all pages.
    is_marked : bool
        Whether the file states its page breaks; then a sentence may be furniture.
    """
    if count < 2 or 2 * count < pages or _CONTINUES.search(shape) or (shape[0].islower() and not ADDRESS.search(shape)):
        return False
    return is_marked or not (_SENTENCES.search(shape) or (count < MANY and ENDS_SENTENCE.search(shape)))


def shape_of(line: str) -> str:
    """The line with its digits masked."""
    return DIGITS.sub("#", line)
