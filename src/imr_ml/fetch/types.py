"""Data types of a fetch: errors, and cases and requests as the search lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from imr_ml.errors import ImrError


class FetchError(ImrError):
    """Fetching can't go on; the message says what was expected, what was found and what to do."""


class AnswerError(FetchError):
    """One address gives no good answer; for a letter, that costs only this letter.

    Attributes
    ----------
    http_status : int or None
        Of the last answer; None where there was none.
    is_site_down : bool
        Whether the cause is the site's state, not this letter.
    """

    def __init__(self, reason: str, http_status: int | None = None, *, is_site_down: bool = False) -> None:
        self.http_status = http_status
        self.is_site_down = is_site_down
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class IndexedRequest:
    """One request of a case in the search's own words: treatment category, subcategory or drug, and outcome."""

    category: str
    subcategory: str
    outcome: str


@dataclass(frozen=True, slots=True)
class IndexedCase:
    """One case as the search lists it; what a list lacks is None or empty.

    Attributes
    ----------
    url : str
        Full address of the letter.
    case_outcome, specialty : str or None
        In the search's own words; a list by request has no case outcome.
    requests : tuple of IndexedRequest
        In the search's order; a list by case has none.
    """

    case_number: str
    url: str
    decision_date: date | None
    date_of_injury: date | None
    application_received: date | None
    specialty: str | None
    case_outcome: str | None = None
    requests: tuple[IndexedRequest, ...] = ()
