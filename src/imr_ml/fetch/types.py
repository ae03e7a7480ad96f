"""Data types of a fetch: errors, queries and entries of the search, settings and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from imr_ml.errors import ImrError


class FetchError(ImrError):
    """Fetching must stop; the message states what was expected and found, and what to do."""


class AnswerError(FetchError):
    """A request to one address failed; other letters can still be fetched.

    Attributes
    ----------
    http_status : int or None
        Status of the last response; None without one.
    is_site_down : bool
        Whether the site failed, not this letter.
    """

    def __init__(self, reason: str, http_status: int | None = None, *, is_site_down: bool = False) -> None:
        self.http_status = http_status
        self.is_site_down = is_site_down
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class IndexedRequest:
    """A request as listed by the search; `subcategory` may be a drug."""

    category: str
    subcategory: str
    outcome: str


@dataclass(frozen=True, slots=True)
class IndexedCase:
    """A case as listed by the search; the list by request lacks case outcomes, the list by case lacks requests.

    Attributes
    ----------
    url : str
        Full address of the letter.
    case_outcome, specialty : str or None
        As written by the search.
    requests : tuple of IndexedRequest
        In the order of the search.
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
    """A query of the search: the first and last decision date, or one case."""

    first_day: date | None = None
    last_day: date | None = None
    case_number: str = ""


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """Limits on requests.

    Attributes
    ----------
    contact : str or None
        E-mail address or page of the user, sent in the User-Agent.
    pause_s : float
        Pause between a response and the next request; a longer ``Crawl-delay`` in robots.txt takes precedence.
    timeout_s : float
        Longest wait for a connection or for the next bytes of a response.
    tries : int
        Maximum number of requests for one address.
    backoff_s : float
        Wait before the second try, doubled for each later one; a longer ``Retry-After`` takes precedence.
    max_wait_s : float
        Longest wait accepted from the site; a longer one ends the call.
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
        First and last decision date; default: the first date of all searches, and today.
    cases : tuple of str
        Case numbers to fetch, instead of days.
    limit : int or None
        Maximum number of letters to request.
    dry_run : bool
        Search without downloading letters.
    recheck : bool
        Download stored letters again, as they may have been reissued.
    url : str or None
        Page of the decision search, if it moved.
    policy : RequestPolicy
        Limits on requests.
    window_days : int
        Days in one search.
    settle_days : int
        Days after which all decisions of a day are published, so that it need not be searched again.
    fresh_s : float
        Time during which a day is not searched again.
    max_calls : int
        Failed calls after which a letter is no longer requested.
    max_failures : int
        Failed letters in a row that end the call.
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
    """Result of a fetch.

    Attributes
    ----------
    cases, letters : int
        Cases and files in the manifest after this call.
    given_up : int
        Letters that failed in too many calls to be requested again.
    searches, listed : int
        Searches in this call, and the letters that they listed.
    requested, failed : int
        Letters requested, and those that could not be downloaded, which the next call requests again.
    new, reissued, unchanged : int
        Letters stored for the first time, stored beside an older version, and unchanged.
    reasons : dict of str to int
        Reasons of failures, without addresses and case numbers, and their counts.
    unreadable : int
        Stored letters that the reader can't read completely.
    remaining : int
        Letters of these days that were not requested because of the limit or a dry run.
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
