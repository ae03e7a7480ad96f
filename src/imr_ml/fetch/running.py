"""Run a fetch: search day by day, download letters and record the progress."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from imr_ml.fetch.client import PoliteClient
from imr_ml.fetch.download import PARTIAL, get_letter
from imr_ml.fetch.manifest import Manifest, Wanted
from imr_ml.fetch.manifest_file import MANIFEST
from imr_ml.fetch.search import walk
from imr_ml.fetch.settings import FetchSettings, check_settings
from imr_ml.fetch.site import FIRST_DECISIONS, Query, check_form
from imr_ml.fetch.types import AnswerError, FetchError
from imr_ml.files import locked
from imr_ml.progress import StartProgress

LOCK = ".fetch.lock"
_OWN_WORDS = re.compile(r"^https?://\S+: |\s*\([^)]*\d[^)]*\)")
"""Parts of a reason that are one letter's own: its address, and numbers in parentheses."""


@dataclass(slots=True)
class Fetched:
    """What a call did.

    Attributes
    ----------
    cases, letters : int
        Cases and files in the manifest, after this call.
    given_up : int
        Letters that no further call asks for, as too many could not get them.
    walked, listed : int
        Lists of the search that were walked in this call, and the letters on them.
    asked : int
        Letters requested.
    new, reissued, unchanged : int
        Letters kept for the first time; kept beside an older version; found to be as before.
    failed : int
        Letters that could not be got; they are requested again by the next call.
    reasons : dict of str to int
        Why, with addresses and case numbers left out, and how often.
    unread : int
        Letters kept though the reader can't read them whole.
    left : int
        Letters of the days walked that were not requested, by the limit or in a dry run.
    not_listed : list of str
        Cases requested by number that the search does not list.
    """

    cases: int = 0
    letters: int = 0
    given_up: int = 0
    walked: int = 0
    listed: int = 0
    asked: int = 0
    new: int = 0
    reissued: int = 0
    unchanged: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    unread: int = 0
    left: int = 0
    not_listed: list[str] = field(default_factory=list)


def fetch_letters(folder: Path, settings: FetchSettings, start: StartProgress) -> Fetched:
    """Fetch published letters into a folder; what is there already is never fetched again or written over.

    Parameters
    ----------
    folder : Path
        Gets ``manifest.sqlite`` and ``letters/``; made where missing.
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
        PoliteClient(settings.manners) as client,
    ):
        (folder / PARTIAL).unlink(missing_ok=True)
        call = _Call(folder, settings, manifest, client)
        done = call.by_number() if settings.cases else call.by_day(today, start)
        done.cases, done.letters, done.given_up = manifest.counts(settings.letter_calls)
        return done


@dataclass(slots=True)
class _Call:
    """One call's tools, and what it has done."""

    folder: Path
    settings: FetchSettings
    manifest: Manifest
    client: PoliteClient
    done: Fetched = field(default_factory=Fetched)
    failures_in_row: int = 0
    form_seen: bool = False

    def by_day(self, today: date, start: StartProgress) -> Fetched:
        first, last = self._days(today)
        if self.settings.recheck:
            self.manifest.want_again(first, last)
        windows = list(_windows(first, last, self.settings.window_days))
        walked, fetched = start("reading the search (days)", (last - first).days + 1), start("downloading letters", 0)
        for opens, closes in windows:
            if not self._is_settled(opens, closes):
                self._walk(Query(opens, closes))
            walked((min(closes, last) - max(opens, first)).days + 1)
            for wanted in self.manifest.wanted(max(opens, first), min(closes, last), self.settings.letter_calls):
                self._take(wanted)
                fetched(1)
            if self._is_enough():
                break
        return self.done

    def by_number(self) -> Fetched:
        for case_number in self.settings.cases:
            before = self.done.listed
            self._walk(Query(case_number=case_number))
            if self.done.listed == before:
                self.done.not_listed.append(case_number)
        if self.settings.recheck:
            self.manifest.want_cases_again(self.settings.cases)
        for wanted in self.manifest.wanted_of(self.settings.cases, self.settings.letter_calls):
            self._take(wanted)
        return self.done

    def _days(self, today: date) -> tuple[date, date]:
        first = self.settings.since or self.manifest.first_day()
        if first is None:
            raise FetchError(f"{self.folder}: nothing was fetched here yet; say --since which day of decision")
        first = max(first, FIRST_DECISIONS)
        return first, max(first, min(self.settings.until or today, today))

    def _is_settled(self, opens: date, closes: date) -> bool:
        """Whether the days were walked when all their decisions were out, or just now."""
        walked = self.manifest.walked_at(opens, closes)
        if walked is None:
            return False
        is_fresh = (datetime.now(UTC) - walked).total_seconds() < self.settings.fresh_s
        return is_fresh or (walked.date() - closes).days >= self.settings.settle_days

    def _walk(self, query: Query) -> None:
        if not self.form_seen:
            check_form(self.client.get(self.settings.url).text, self.settings.url)
            self.form_seen = True
        cases = walk(self.client, self.settings.url, query)
        self.manifest.record_search(query.first_day, query.last_day, cases)
        self.done.walked += 1
        self.done.listed += len(cases)

    def _is_enough(self) -> bool:
        return self.settings.limit is not None and self.done.asked >= self.settings.limit

    def _take(self, wanted: Wanted) -> None:
        """Get one letter; one that can't be got costs only itself, many in a row end the call."""
        if self.settings.dry_run or self._is_enough():
            self.done.left += 1
            return
        self.done.asked += 1
        try:
            kept = get_letter(self.client, wanted, self.folder)
        except AnswerError as error:
            self.manifest.take_failure(wanted, error)
            self._count_failure(error)
            return
        self.failures_in_row = 0
        self.done.unread += kept.note is not None
        if not self.manifest.take_letter(kept):
            self.done.unchanged += 1
        elif wanted.versions:
            self.done.reissued += 1
        else:
            self.done.new += 1

    def _count_failure(self, error: AnswerError) -> None:
        self.done.failed += 1
        reason = _OWN_WORDS.sub("", str(error))
        self.done.reasons[reason] = self.done.reasons.get(reason, 0) + 1
        self.failures_in_row += 1
        if self.failures_in_row >= self.settings.failures_in_row:
            raise FetchError(
                f"{self.failures_in_row} letters in a row could not be got, the last one: {error}; "
                f"{self.done.new + self.done.reissued} were kept before. Run the same command again later"
            )


def _windows(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Spans of days that hold the first and the last; the same spans whatever is requested, so that they are found."""
    opens = date.fromordinal(first.toordinal() - first.toordinal() % days)
    while opens <= last:
        closes = opens + timedelta(days=days - 1)
        yield opens, closes
        opens = closes + timedelta(days=1)
