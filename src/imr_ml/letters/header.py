"""The head of a letter: case number, dates, priority, the reviewer's credentials.

Knows the labels and how a two-column header comes out of a PDF. Knows nothing of the items.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TypedDict

_CASE_NUMBER = re.compile(r"\bCase Number: ?(?P<value>[CS]M\d{2}-\d{4,7})\b")
_PRIORITY = re.compile(r"\bPriority: ?(?P<value>[A-Z][a-z]+)")
_DATE = r"(?P<value>\d{1,2}/\d{1,2}/\d{4})"
_DATES = {
    "date_assigned": re.compile(rf"\bDate Assigned: ?{_DATE}"),
    "date_of_injury": re.compile(rf"\bDate of Injury: ?{_DATE}"),
    "decision_date": re.compile(rf"\bDecision Date: ?{_DATE}"),
    "ur_denial_date": re.compile(rf"\bUR Denial Date: ?{_DATE}"),
    # The label wraps in its narrow column, so that the date stands before or after "Received:".
    "application_received": re.compile(rf"\bApplication (?:Received: ?)?{_DATE}"),
}
_LICENSURE = re.compile(r"State\(s\) of Licensure: ?(?P<value>.*?)(?= ?Certification\(s\)|$)")
_SPECIALTIES = re.compile(r"Certification\(s\)/ ?Specialty: ?(?P<value>.*)$")
SAMPLE_MARK = re.compile(r"^SAMPLE LETTER\b")


class Header(TypedDict):
    """The fields of a `Letter` that its head holds."""

    case_number: str | None
    priority: str | None
    date_assigned: date | None
    date_of_injury: date | None
    decision_date: date | None
    ur_denial_date: date | None
    application_received: date | None
    licensure: tuple[str, ...]
    specialties: tuple[str, ...]
    is_sample: bool


def read_header(head: str) -> Header:
    """Fields from the text that stands before the clinical case summary.

    Parameters
    ----------
    head : str
        That text on one line.

    Returns
    -------
    Header
        None, or an empty tuple, for every field that the text lacks or that holds no such date.
    """
    return Header(
        case_number=_value(_CASE_NUMBER, head),
        priority=_value(_PRIORITY, head),
        licensure=_listed(_LICENSURE, head),
        specialties=_listed(_SPECIALTIES, head),
        is_sample=SAMPLE_MARK.search(head) is not None,
        date_assigned=_date("date_assigned", head),
        date_of_injury=_date("date_of_injury", head),
        decision_date=_date("decision_date", head),
        ur_denial_date=_date("ur_denial_date", head),
        application_received=_date("application_received", head),
    )


def _value(pattern: re.Pattern[str], text: str) -> str | None:
    mark = pattern.search(text)
    return mark["value"].strip() if mark else None


def _date(field: str, text: str) -> date | None:
    written = _value(_DATES[field], text)
    if written is None:
        return None
    try:
        return datetime.strptime(written, "%m/%d/%Y").date()
    except ValueError:
        return None


def _listed(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    written = _value(pattern, text) or ""
    return tuple(part.strip() for part in written.split(",") if part.strip())
