"""Data types of a fetch: errors, the search's queries and entries, settings and report."""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Query:
    """A query of the search: the days of decision, both included, or one case."""

    first_day: date | None = None
    last_day: date | None = None
    case_number: str = ""


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """How politely requests are sent.

    Attributes
    ----------
    contact : str or None
        Address or page by which the site can reach whoever fetches; sent in the User-Agent.
    pause_s : float
        Pause after each answer before the next request; a longer ``Crawl-delay`` in robots.txt wins.
    timeout_s : float
        Longest wait for a connection or for the next bytes of an answer.
    tries : int
        Maximum number of requests for one address, the first included.
    backoff_s : float
        Wait before the second try, doubled with each further one; a longer ``Retry-After`` wins.
    max_wait_s : float
        A site that asks to wait longer than this ends the call.
    """

    contact: str | None = None
    pause_s: float = 2.0
    timeout_s: float = 60.0
    tries: int = 5
    backoff_s: float = 2.0
    max_wait_s: float = 900.0


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """What to fetch.

    Attributes
    ----------
    since, until : date or None
        First and last day of decision; where None, the first day ever searched and today. Later days are left out.
    cases : tuple of str
        Only these cases, by number; then no days are searched.
    limit : int or None
        Maximum number of letters to request.
    dry_run : bool
        Search without downloading letters.
    recheck : bool
        Download stored letters again, as they may have been reissued.
    url : str or None
        Page of the decision search, if it moved.
    policy : RequestPolicy
        How politely requests are sent.
    window_days : int
        Days in one search; also the most that a killed call has to search again.
    settle_days : int
        Days after which all decisions of a day are published: a day searched that late is not searched again.
    fresh_s : float
        A day searched less long ago is not searched again.
    max_calls : int
        Calls after which a letter that can't be downloaded is given up.
    max_failures : int
        So many letters in a row that can't be downloaded end the call.
    """

    since: date | None = None
    until: date | None = None
    cases: tuple[str, ...] = ()
    limit: int | None = None
    dry_run: bool = False
    recheck: bool = False
    url: str | None = None
    policy: RequestPolicy = field(default_factory=RequestPolicy)
    window_days: int = 1
    settle_days: int = 45
    fresh_s: float = 72_000.0
    max_calls: int = 5
    max_failures: int = 10


@dataclass(slots=True)
class FetchReport:
    """What a call did.

    Attributes
    ----------
    cases, letters : int
        Cases and files in the manifest, after this call.
    given_up : int
        Letters that no further call requests, as too many calls could not download them.
    searches, listed : int
        Searches made in this call, and the letters that they listed.
    requested : int
        Letters requested.
    new, reissued, unchanged : int
        Letters stored for the first time; stored beside an older version; the same as before.
    failed : int
        Letters that could not be downloaded; the next call requests them again.
    reasons : dict of str to int
        Why, without addresses and case numbers, and how often.
    unreadable : int
        Letters stored though the reader can't read them completely.
    remaining : int
        Letters of these days that were not requested, because of the limit or in a dry run.
    not_listed : list of str
        Cases requested by number that the search does not list.
    """

    cases: int = 0
    letters: int = 0
    given_up: int = 0
    searches: int = 0
    listed: int = 0
    requested: int = 0
    new: int = 0
    reissued: int = 0
    unchanged: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    remaining: int = 0
    not_listed: list[str] = field(default_factory=list)
