"""Settings of a fetch: what to download and how politely."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlsplit

from imr_ml.fetch.site import CASE_NUMBER, SEARCH_URL
from imr_ml.fetch.types import FetchError

LEAST_PAUSE_S = 0.5
"""Shortest pause between requests to a public site."""


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """How a site is treated.

    Attributes
    ----------
    contact : str or None
        Address or page by which the site can reach whoever fetches; told in the User-Agent.
    pause_s : float
        Pause after each answer before the next request; a longer ``Crawl-delay`` in robots.txt wins.
    timeout_s : float
        Longest wait for a connection or for the next bytes of an answer.
    tries : int
        Requests for one address at most, the first among them.
    backoff_s : float
        Wait before the second try, doubled with each further one; a longer ``Retry-After`` wins.
    longest_wait_s : float
        A site that asks to wait longer than this ends the call.
    """

    contact: str | None = None
    pause_s: float = 2.0
    timeout_s: float = 60.0
    tries: int = 5
    backoff_s: float = 2.0
    longest_wait_s: float = 900.0


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """What to fetch.

    Attributes
    ----------
    since, until : date or None
        First and last day of decision; where None, the first day ever requested and today. Later days are left out.
    cases : tuple of str
        Only these cases, by number; then no days are walked.
    limit : int or None
        Letters to ask for at most.
    dry_run : bool
        Walk the search and fetch no letter.
    recheck : bool
        Ask for the letters had already once more, as they may have been reissued.
    url : str
        Page of the decision search.
    window_days : int
        Days asked for at a time; what a kill costs at most.
    settle_days : int
        Days after which a day's decisions are taken to be published whole: walked later, it isn't walked again.
    fresh_s : float
        A day walked less long ago is not walked again.
    letter_calls : int
        Calls in which a letter that can't be got is requested at most.
    failures_in_row : int
        So many letters that can't be got, one after another, end the call.
    """

    since: date | None = None
    until: date | None = None
    cases: tuple[str, ...] = ()
    limit: int | None = None
    dry_run: bool = False
    recheck: bool = False
    url: str = SEARCH_URL
    manners: RequestPolicy = field(default_factory=RequestPolicy)
    window_days: int = 1
    settle_days: int = 45
    fresh_s: float = 72_000.0
    letter_calls: int = 5
    failures_in_row: int = 10


def check_settings(settings: FetchSettings, today: date) -> None:
    """Refuse what can't be asked for.

    Raises
    ------
    FetchError
        Saying which setting and what it may be.
    """
    address, manners = urlsplit(settings.url), settings.manners
    if address.scheme not in ("http", "https") or not address.hostname:
        raise FetchError(f"{settings.url}: is no address of a search page; give one as in {SEARCH_URL}")
    if settings.cases and (settings.since or settings.until):
        raise FetchError("choose cases by number or by date: give --case, or --since and --until")
    wrong = [case for case in settings.cases if not CASE_NUMBER.fullmatch(case)]
    if wrong:
        raise FetchError(f"'{wrong[0]}' is no case number; write it as in CM16-0213037")
    last = min(settings.until or today, today)
    if settings.since and settings.since > last:
        raise FetchError(f"nothing is decided since {settings.since} and until {last}: give --since before --until")
    if manners.pause_s < LEAST_PAUSE_S and not _is_loopback(address.hostname):
        raise FetchError(
            f"a pause of {manners.pause_s:g} s is too short for a public site; give {LEAST_PAUSE_S} or more"
        )
    if manners.contact and not (manners.contact.isascii() and manners.contact.isprintable()):
        raise FetchError("the contact goes into an HTTP header: give an e-mail address or a page in plain ASCII")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
