"""Read all result pages of a search by case and by request, joined to whole cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imr_ml.fetch.client import PoliteClient
from imr_ml.fetch.html_tables import MEND
from imr_ml.fetch.site import Query, ResultPage, Search, details_url, form_fields, read_page
from imr_ml.fetch.types import FetchError, IndexedCase

_Listed = dict[tuple[str, str], IndexedCase]
"""(case number, address of the letter) -> the case."""
_WALKS = 2
"""A list that changes while it is walked is walked once more."""


def walk(client: PoliteClient, url: str, query: Query) -> list[IndexedCase]:
    """All letters that the search lists, with their requests, in its order; a case that has two stands there twice.

    Raises
    ------
    FetchError
        Where a page differs from what is expected, or the pages do not fit together.
    """
    listed = _cases(client, url, query)
    if not listed:
        return []
    requested = _joined(_pages(client, url, Search.REQUESTS, query))
    for case_number in dict.fromkeys(number for number, address in listed if (number, address) not in requested):
        requested |= _details(client, url, case_number)
    for case in listed.values():
        _check_answers(case, url, query)
    return [
        replace(case, requests=requested[key].requests) if key in requested else case for key, case in listed.items()
    ]


def _cases(client: PoliteClient, url: str, query: Query) -> _Listed:
    """The list by case; it tells how many there are, and so many must come."""
    before: _Listed | None = None
    for _ in range(_WALKS):
        pages = list(_pages(client, url, Search.CASES, query))
        cases, total, rows = _joined(pages), pages[-1].total, sum(len(page.cases) for page in pages)
        # A row that stands there twice in both walks is no trace of a list that moved.
        if total == len(cases) or (total == rows and cases == before):
            return cases
        before = cases
    found = "no number" if total is None else f"{total:,}"
    raise FetchError(
        f"{url}: expected the number of results in bold after the table, and as many cases on the pages; found {found} "
        f"and {rows:,} cases. Try again later, else {MEND}"
    )


def _pages(client: PoliteClient, url: str, search: Search, query: Query) -> Iterator[ResultPage]:
    last: ResultPage | None = None
    number = 1
    while last is None or last.has_next:
        answer = client.post(url, form_fields(search, query, number))
        page = read_page(answer.text, url, search)
        if last is not None and page.cases == last.cases and page.continued == last.continued:
            raise FetchError(
                f"{url}: expected page {number} of the results; found page {number - 1} again. The site's paging "
                f"changed: {MEND}"
            )
        yield page
        last, number = page, number + 1


def _details(client: PoliteClient, url: str, case_number: str) -> _Listed:
    """One case by its own page, where the list by request left it out."""
    address = details_url(url, case_number)
    return _joined([read_page(client.get(address).text, address, Search.REQUESTS)])


def _joined(pages: Iterable[ResultPage]) -> _Listed:
    """Cases of all pages; one that goes on on the next page is one."""
    cases: _Listed = {}
    last: tuple[str, str] | None = None
    for page in pages:
        if page.continued and last:
            cases[last] = replace(cases[last], requests=(*cases[last].requests, *page.continued))
        for case in page.cases:
            last = (case.case_number, case.url)
            known = cases.get(last)
            cases[last] = replace(case, requests=(*known.requests, *case.requests)) if known else case
    return cases


def _check_answers(case: IndexedCase, url: str, query: Query) -> None:
    """A case must be one that was requested, else the search understands the form in another way."""
    if query.case_number and case.case_number != query.case_number:
        raise FetchError(f"{url}: expected case {query.case_number}; found {case.case_number}")
    day = case.decision_date
    if query.first_day and query.last_day and day and not query.first_day <= day <= query.last_day:
        raise FetchError(
            f"{url}: expected decisions from {query.first_day} to {query.last_day}; found one of {day}. The form means "
            f"other days than expected: {MEND}"
        )
