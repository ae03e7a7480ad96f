"""What a layout is, and what all of them share: the summary's opening and the letter put together.

Knows no headings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from imr_ml.letters.checks import contradictions
from imr_ml.letters.credentials import read_credentials
from imr_ml.letters.header import read_header
from imr_ml.letters.lines import joined
from imr_ml.letters.types import DisputedItem, Letter

_SUMMARY_OPENING = re.compile(
    r"The\s+(?:expert|physician|professional)\s+reviewer\s+developed\s+the\s+following\b[^:]{0,200}:\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which determinations were published.

    Attributes
    ----------
    name : str
        As in `Letter.layout`.
    mark : Pattern
        Found in the tidy lines of each letter of this layout, and of no other, with a line end before them.
    read : callable
        The letter from its tidy lines and its source's name.
    """

    name: str
    mark: re.Pattern[str]
    read: Callable[[str, str], Letter]


def make_letter(
    layout: str,
    *,
    head: str,
    credentials: str,
    summary: str,
    items: tuple[DisputedItem, ...],
    known: Mapping[str, date] | None = None,
) -> Letter:
    """A letter from its sections in tidy lines.

    Parameters
    ----------
    known : mapping of str to date, optional
        Dates that the letter tells outside of its head, used where the head has none.
    """
    header, warnings = read_header(head)
    letter = Letter(
        **header,
        **read_credentials(joined(credentials)),
        clinical_summary=joined(after(_SUMMARY_OPENING, summary)) or None,
        items=items,
        layout=layout,
        warnings=(*warnings, *contradictions(items)),
    )
    return _with_dates(letter, known) if known else letter


def _with_dates(letter: Letter, known: Mapping[str, date]) -> Letter:
    return replace(
        letter,
        application_received=letter.application_received or known.get("application_received"),
        ur_denial_date=letter.ur_denial_date or known.get("ur_denial_date"),
        date_assigned=letter.date_assigned or known.get("date_assigned"),
    )


def after(opening: re.Pattern[str], section: str) -> str:
    """The text that follows a section's opening sentence, where it has that."""
    mark = opening.match(section)
    return section[mark.end() :] if mark else section
