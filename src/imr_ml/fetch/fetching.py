"""Run a fetch: search day by day, download letters and record them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from imr_ml.fetch.client import PoliteClient
from imr_ml.fetch.downloads import PARTIAL, download_letter
from imr_ml.fetch.manifest import MANIFEST, Manifest, PendingLetter
from imr_ml.fetch.search import search_cases
from imr_ml.fetch.site import FIRST_DECISIONS, SEARCH_URL, check_form, check_settings
from imr_ml.fetch.types import AnswerError, FetchError, FetchReport, FetchSettings, Query
from imr_ml.files import locked
from imr_ml.progress import StartProgress

LOCK = ".fetch.lock"
_LETTER_DETAILS = re.compile(r"^https?://\S+: |\s*\([^)]*\d[^)]*\)")
"""Parts of a reason that differ between letters: the address, and numbers in parentheses."""


def fetch_letters(folder: Path, settings: FetchSettings, start: StartProgress) -> FetchReport:
    """Fetch published letters into a folder; existing letters are neither fetched again nor overwritten.

    Parameters
    ----------
    folder : Path
        Folder for ``manifest.sqlite`` and ``letters/``; created if missing.
    settings : FetchSettings
        Letters to fetch, and limits on requests.
    start : callable
        Starts a progress bar.

    Raises
    ------
    FetchError
        If the site's pages are unexpected or can't be reached, the site forbids fetching, settings contradict each
        other, or another call uses the folder. Letters fetched before the error remain.
    """
    today = datetime.now(UTC).date()
    check_settings(settings, today)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise FetchError(f"{folder}: can't be created ({error.strerror}); name another folder") from error
    busy = FetchError(f"{folder}: another 'imr-ml fetch' uses this folder; wait for it, or name another")
    with (
        locked(folder / LOCK, busy),
        closing(Manifest(folder / MANIFEST)) as manifest,
        closing(PoliteClient(settings.policy)) as client,
    ):
        (folder / PARTIAL).unlink(missing_ok=True)
        call = _Call(folder, settings, manifest, client)
        if settings.cases:
            call.fetch_cases()
        else:
            call.fetch_days(today, start)
        call.report.cases, call.report.letters, call.report.given_up = manifest.counts(settings.max_calls)
        return call.report


@dataclass(slots=True)
class _Call:
    """State and report of one fetch."""

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
            self.manifest.reset(Query(first, last))
        searched = start("reading the search (days)", (last - first).days + 1)
        downloaded = start("downloading letters", 0)
        for opens, closes in _windows(first, last, self.settings.window_days):
            if not self._is_complete(Query(opens, closes), closes):
                self._search(Query(opens, closes))
            within = Query(max(opens, first), min(closes, last))
            searched((min(closes, last) - max(opens, first)).days + 1)
            for letter in self.manifest.pending(within, self.settings.max_calls):
                self._download(letter)
                downloaded(1)
            if self._is_limit_reached():
                break

    def fetch_cases(self) -> None:
        queries = [Query(case_number=case_number) for case_number in self.settings.cases]
        for query in queries:
            before = self.report.listed
            self._search(query)
            if self.report.listed == before:
                self.report.not_listed.append(query.case_number)
            if self.settings.recheck:
                self.manifest.reset(query)
        for query in dict.fromkeys(queries):
            for letter in self.manifest.pending(query, self.settings.max_calls):
                self._download(letter)

    def _days(self, today: date) -> tuple[date, date]:
        first = self.settings.since or self.manifest.first_day()
        if first is None:
            raise FetchError(f"{self.folder}: no earlier fetch; give the first decision date with --since")
        first = max(first, FIRST_DECISIONS)
        return first, max(first, min(self.settings.until or today, today))

    def _is_complete(self, query: Query, last_day: date) -> bool:
        """Whether the days were searched recently, or so late that all their decisions were published."""
        searched_at = self.manifest.searched_at(query)
        if searched_at is None:
            return False
        is_fresh = (datetime.now(UTC) - searched_at).total_seconds() < self.settings.fresh_s
        return is_fresh or (searched_at.date() - last_day).days >= self.settings.settle_days

    def _search(self, query: Query) -> None:
        url = self.settings.url or SEARCH_URL
        if not self.is_form_checked:
            check_form(self.client.request(url).text, url)
            self.is_form_checked = True
        cases = search_cases(self.client, url, query)
        self.manifest.record_search(query, cases)
        self.report.searches += 1
        self.report.listed += len(cases)

    def _is_limit_reached(self) -> bool:
        return self.settings.limit is not None and self.report.requested >= self.settings.limit

    def _download(self, letter: PendingLetter) -> None:
        """Download one letter; many failures in a row end the call."""
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
                f"{self.report.new + self.report.reissued} were stored before that. Run the same command again later"
            )


def _windows(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Yield spans of days from the first to the last; their bounds are fixed, so that the manifest recognizes them."""
    opens = date.fromordinal(first.toordinal() - first.toordinal() % days)
    while opens <= last:
        closes = opens + timedelta(days=days - 1)
        yield opens, closes
        opens = closes + timedelta(days=1)
