"""Run a fetch: search day by day, download letters and record the progress."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from imr_ml.fetch.client import PoliteClient, RequestPolicy
from imr_ml.fetch.download import PARTIAL, download_letter
from imr_ml.fetch.manifest import MANIFEST, Manifest, PendingLetter
from imr_ml.fetch.search import search_cases
from imr_ml.fetch.site import CASE_NUMBER, FIRST_DECISIONS, SEARCH_URL, Query, check_form
from imr_ml.fetch.types import AnswerError, FetchError
from imr_ml.files import locked
from imr_ml.progress import StartProgress

MIN_PAUSE_S = 0.5
"""Shortest pause between requests to a public site."""
LOCK = ".fetch.lock"
_LETTER_DETAILS = re.compile(r"^https?://\S+: |\s*\([^)]*\d[^)]*\)")
"""Parts of a reason that differ between letters: the address, and numbers in parentheses."""


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
    url : str
        Page of the decision search.
    policy : RequestPolicy
        How politely the site is asked.
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
    url: str = SEARCH_URL
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


def fetch_letters(folder: Path, settings: FetchSettings, start: StartProgress) -> FetchReport:
    """Fetch published letters into a folder; what is there already is never fetched again or overwritten.

    Parameters
    ----------
    folder : Path
        Gets ``manifest.sqlite`` and ``letters/``; created where missing.
    settings : FetchSettings
        Which letters, and how politely.
    start : callable
        Starts a progress bar.

    Raises
    ------
    FetchError
        Where the site's pages differ from what is expected, forbid fetching or can't be reached, for settings that
        contradict each other, and while another call is at work on the folder. All that was fetched before is kept.
    """
    today = datetime.now(UTC).date()
    check_settings(settings, today)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise FetchError(f"{folder}: can't be made a folder ({error.strerror}); name another") from error
    busy = FetchError(f"{folder}: another 'imr-ml fetch' is at work here; wait for it, or name another")
    with (
        locked(folder / LOCK, busy),
        closing(Manifest(folder / MANIFEST)) as manifest,
        PoliteClient(settings.policy) as client,
    ):
        (folder / PARTIAL).unlink(missing_ok=True)
        call = _Call(folder, settings, manifest, client)
        if settings.cases:
            call.fetch_cases()
        else:
            call.fetch_days(today, start)
        call.report.cases, call.report.letters, call.report.given_up = manifest.counts(settings.max_calls)
        return call.report


def check_settings(settings: FetchSettings, today: date) -> None:
    """Refuse settings that can't be used.

    Raises
    ------
    FetchError
        Saying which setting and what it may be.
    """
    address, policy = urlsplit(settings.url), settings.policy
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
    if policy.pause_s < MIN_PAUSE_S and not _is_loopback(address.hostname):
        raise FetchError(f"a pause of {policy.pause_s:g} s is too short for a public site; give {MIN_PAUSE_S} or more")
    if policy.contact and not (policy.contact.isascii() and policy.contact.isprintable()):
        raise FetchError("the contact goes into an HTTP header: give an e-mail address or a page in plain ASCII")


@dataclass(slots=True)
class _Call:
    """One call's tools, and its report."""

    folder: Path
    settings: FetchSettings
    manifest: Manifest
    client: PoliteClient
    report: FetchReport = field(default_factory=FetchReport)
    failures_in_row: int = 0
    is_form_checked: bool = False

    def fetch_days(self, today: date, start: StartProgress) -> None:
        first, last = self._days(today)
        if self.settings.recheck:
            self.manifest.reset(first, last)
        searched = start("reading the search (days)", (last - first).days + 1)
        downloaded = start("downloading letters", 0)
        for opens, closes in _windows(first, last, self.settings.window_days):
            if not self._is_complete(opens, closes):
                self._search(Query(opens, closes))
            opens, closes = max(opens, first), min(closes, last)
            searched((closes - opens).days + 1)
            for letter in self.manifest.pending(opens, closes, self.settings.max_calls):
                self._download(letter)
                downloaded(1)
            if self._is_limit_reached():
                break

    def fetch_cases(self) -> None:
        for case_number in self.settings.cases:
            before = self.report.listed
            self._search(Query(case_number=case_number))
            if self.report.listed == before:
                self.report.not_listed.append(case_number)
        if self.settings.recheck:
            self.manifest.reset_cases(self.settings.cases)
        for letter in self.manifest.pending_of(self.settings.cases, self.settings.max_calls):
            self._download(letter)

    def _days(self, today: date) -> tuple[date, date]:
        first = self.settings.since or self.manifest.first_day()
        if first is None:
            raise FetchError(f"{self.folder}: nothing was fetched here yet; say --since which day of decision")
        first = max(first, FIRST_DECISIONS)
        return first, max(first, min(self.settings.until or today, today))

    def _is_complete(self, opens: date, closes: date) -> bool:
        """Whether the days were searched when all their decisions were out, or just now."""
        searched_at = self.manifest.searched_at(opens, closes)
        if searched_at is None:
            return False
        is_fresh = (datetime.now(UTC) - searched_at).total_seconds() < self.settings.fresh_s
        return is_fresh or (searched_at.date() - closes).days >= self.settings.settle_days

    def _search(self, query: Query) -> None:
        if not self.is_form_checked:
            check_form(self.client.get(self.settings.url).text, self.settings.url)
            self.is_form_checked = True
        cases = search_cases(self.client, self.settings.url, query)
        self.manifest.record_search(query.first_day, query.last_day, cases)
        self.report.searches += 1
        self.report.listed += len(cases)

    def _is_limit_reached(self) -> bool:
        return self.settings.limit is not None and self.report.requested >= self.settings.limit

    def _download(self, letter: PendingLetter) -> None:
        """Download one letter; a failure costs only this letter, many in a row end the call."""
        if self.settings.dry_run or self._is_limit_reached():
            self.report.remaining += 1
            return
        self.report.requested += 1
        try:
            stored = download_letter(self.client, letter, self.folder)
        except AnswerError as error:
            self.manifest.record_failure(letter, error)
            self._count_failure(error)
            return
        self.failures_in_row = 0
        self.report.unreadable += stored.note is not None
        if not self.manifest.record_letter(stored):
            self.report.unchanged += 1
        elif letter.versions:
            self.report.reissued += 1
        else:
            self.report.new += 1

    def _count_failure(self, error: AnswerError) -> None:
        self.report.failed += 1
        reason = _LETTER_DETAILS.sub("", str(error))
        self.report.reasons[reason] = self.report.reasons.get(reason, 0) + 1
        self.failures_in_row += 1
        if self.failures_in_row >= self.settings.max_failures:
            raise FetchError(
                f"{self.failures_in_row} letters in a row could not be downloaded, the last one: {error}; "
                f"{self.report.new + self.report.reissued} were stored before. Run the same command again later"
            )


def _windows(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Spans of days that hold the first and the last; always the same spans, so that the manifest knows them."""
    opens = date.fromordinal(first.toordinal() - first.toordinal() % days)
    while opens <= last:
        closes = opens + timedelta(days=days - 1)
        yield opens, closes
        opens = closes + timedelta(days=1)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
