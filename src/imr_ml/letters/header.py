"""Read a letter's header (case number, dates, priority) and the reviewer's credentials."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath
from typing import Any

from imr_ml.letters.types import Letter

_DATE = r"\d{1,2}[/-]\d{1,2}[/-]\d{4}"
_CASE_NUMBER = r"[CS]M\d{2}[-\u2013]\d{4,7}"
_DAMAGED_CASE_NUMBER = re.compile(r"\b[CS]M[\dOIlSB]{2} ?[-\u2013] ?[\dOIlSB]{4,7}\b")
_MISTAKEN_DIGITS = str.maketrans("OILSB", "01158")
_TOKEN = re.compile(
    r"(?P<case_number>\b(?:(?:IMR|MAXIMUS) )?Case\s+Number\s*:)"
    r"|(?P<date_assigned>\bDate\s+Assigned\s*:)"
    r"|(?P<date_of_injury>\bDate\s+of\s+Injury\s*:)"
    r"|(?P<decision_date>\bDecision\s+Date\s*:|\bDated\s*:)"
    r"|(?P<ur_denial_date>\bUR\s+Denial\s+Date\s*:|\bDate\s+of\s+UR\s+Decision\s*:)"
    # The label wraps in its narrow column, so that the date is before or after "Received:".
    r"|(?P<application_received>\b(?:IMR\s+)?Application\s+Received\s*:|\bApplication(?=\s+\d)|\bApplication$"
    r"|^\s*Received\s*:)"
    r"|(?P<priority>\bPriority\s*:)"
    rf"|(?P<a_date>{_DATE}\b)|(?P<a_case>\b{_CASE_NUMBER}\b)|(?P<a_priority>\b(?:Standard|Expedited|Regular)\b)"
    r"|(?P<line_end>\n)|(?P<word>\S+)",
    re.IGNORECASE | re.MULTILINE,
)
_KINDS = {"case_number": "a_case", "priority": "a_priority"}
_WORDS = {
    "date_assigned": "Date Assigned",
    "date_of_injury": "Date of Injury",
    "decision_date": "Decision Date",
    "ur_denial_date": "UR Denial Date",
    "application_received": "Application Received",
}
_MONTHS = list(month_name)[1:]
_LONG_DATE = re.compile(rf"(?P<month>{'|'.join(_MONTHS)})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})")
_HEAD_CHARACTERS = 20_000
_LICENSURE = re.compile(r"State\(s\) of Licensure\s?: ?(?P<value>.*?)(?= ?Certification\(s\)|$)")
_SPECIALTIES = re.compile(r"Certification\(s\)/ ?Specialty\s?: ?(?P<value>.*)$")
# In a sentence, a list ends where the next clause begins.
_CLAUSE_END = r"(?=,? and (?:is|has|holds|licensed)\b|,? (?:is|has) |,? with an? |[.;](?: |$)|$)"
_CERTIFIED = re.compile(rf"\bboard[ -]certified in (?P<value>[^.;]{{1,200}}?){_CLAUSE_END}", re.IGNORECASE)
_SUBSPECIALTY = re.compile(
    rf"\b(?:has|holds|with) an? (?:sub-?specialty(?: certificate)?|fellowship training) in (?P<value>[^.;]{{1,200}}?)"
    rf"{_CLAUSE_END}",
    re.IGNORECASE,
)
_LICENSED = re.compile(rf"\blicensed to practice in (?P<value>[^.;]{{1,200}}?){_CLAUSE_END}", re.IGNORECASE)
_STATES = re.compile(r", (?:and )?| and ")


@dataclass(slots=True)
class _Cells:
    """Labels with their values, and those still without a partner, in the order of the text."""

    paired: dict[str, str] = field(default_factory=dict)
    invalid: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    values: list[tuple[str, str]] = field(default_factory=list)

    def pair_columns(self) -> None:
        """Pair a column of labels with the column of values after it, if both have the same length."""
        for kind in {kind for kind, _ in self.values}:
            labels = [label for label in self.labels if _KINDS.get(label, "a_date") == kind]
            values = [value for value_kind, value in self.values if value_kind == kind]
            if len(labels) == len(values):
                self.paired.update(zip(labels, values, strict=True))
        if self.values:
            self.labels.clear()
        self.values.clear()


def read_header(head: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read the header fields of a `Letter` from the tidy lines before its first heading.

    Returns
    -------
    dict
        Case number, priority and dates; None for missing ones.
    tuple of str
        A warning for each date that is invalid.
    """
    cells = _read_cells(head[:_HEAD_CHARACTERS])
    dates = {name: read_date(cells.paired[name]) if name in cells.paired else None for name in _WORDS}
    invalid = [name for name in _WORDS if name in cells.invalid or (name in cells.paired and dates[name] is None)]
    case_number, priority = cells.paired.get("case_number"), cells.paired.get("priority")
    header = {
        "case_number": case_number.upper().replace("\u2013", "-") if case_number else None,
        "priority": priority.capitalize() if priority else None,
        **dates,
    }
    return header, tuple(f"{_WORDS[name]} is not a date" for name in invalid)


def add_case_number(letter: Letter, text: str, file: str) -> Letter:
    """Add a missing case number to a letter read by OCR, from its text or else its file name.

    Case numbers with misread digits ("CM16-O2l3037") are repaired; a text with several different ones is not used. If
    the letter has a case number that differs from the one in the file name, a warning is added.

    Parameters
    ----------
    letter : Letter
    text : str
        Text of all pages.
    file : str
        Path or name of the file.
    """
    in_name = _case_numbers(PurePath(file).name)
    if letter.case_number:
        differs = len(in_name) == 1 and letter.case_number not in in_name
        warning = "the case number read by OCR differs from the one in the file name"
        return replace(letter, warnings=(*letter.warnings, warning)) if differs else letter
    for place, numbers in (("body", _case_numbers(text)), ("file name", in_name)):
        if len(numbers) == 1:
            return replace(letter, case_number=numbers.pop(), case_number_from=place)
    return letter


def _case_numbers(text: str) -> set[str]:
    """Case numbers in a text, with misread digits repaired."""
    damaged = (mark[0].upper().replace("\u2013", "-").replace(" ", "") for mark in _DAMAGED_CASE_NUMBER.finditer(text))
    return {number[:2] + number[2:].translate(_MISTAKEN_DIGITS) for number in damaged}


def read_date(text: str) -> date | None:
    """Parse a date in one of the forms that letters use; return None for other text.

    Examples
    --------
    >>> read_date("1/31/2014"), read_date("January 31, 2014"), read_date("2/30/2014")
    (datetime.date(2014, 1, 31), datetime.date(2014, 1, 31), None)
    """
    long = _LONG_DATE.fullmatch(text)
    if long:
        month, day, year = _MONTHS.index(long["month"]) + 1, int(long["day"]), int(long["year"])
    else:
        parts: Sequence[str] = re.split("[/-]", text)
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):
            return None
        month, day, year = map(int, parts)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read_cells(head: str) -> _Cells:
    cells = _Cells()
    label: str | None = None
    for token in _TOKEN.finditer(head):
        kind = token.lastgroup or "word"
        if kind == "line_end":
            label = None
        elif kind in _KINDS or kind in _WORDS:
            label = _record_label(cells, kind)
        else:
            _record_value(cells, kind, token[0], label)
            label = None
    cells.pair_columns()
    return cells


def _record_label(cells: _Cells, label: str) -> str | None:
    """Record a label and return it; return None if it already has a value."""
    if cells.values:
        cells.pair_columns()
    if label in cells.paired:
        return None
    if label not in cells.labels:
        cells.labels.append(label)
    return label


def _record_value(cells: _Cells, kind: str, value: str, label: str | None) -> None:
    """Assign a value to the label on its left, or save it for the preceding column of labels."""
    fits = label is not None and _KINDS.get(label, "a_date") == kind
    if label is not None and (fits or (label == "priority" and kind == "word")):
        cells.paired[label] = value
        cells.labels.clear()
    elif kind != "word":
        cells.values.append((kind, value))
    else:
        cells.pair_columns()
        cells.labels.clear()
        if label in _WORDS:
            cells.invalid.append(label)


def read_credentials(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read licenses and specialties from the section on how the determination was made.

    The text must be one paragraph.

    Examples
    --------
    >>> read_credentials("The reviewer is Board Certified in Surgery and is licensed to practice in Ohio and Iowa.")
    (('Ohio', 'Iowa'), ('Surgery',))
    """
    licensure, specialties = _LICENSURE.search(text), _SPECIALTIES.search(text)
    if licensure or specialties:
        return _split_list(licensure["value"] if licensure else ""), _split_list(
            specialties["value"] if specialties else ""
        )
    sentences = [mark["value"] for pattern in (_CERTIFIED, _SUBSPECIALTY) for mark in pattern.finditer(text)]
    licensed = _LICENSED.search(text)
    states = tuple(filter(None, _STATES.split(licensed["value"]))) if licensed else ()
    return states, tuple(dict.fromkeys(part for value in sentences for part in _split_list(value)))


def _split_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
