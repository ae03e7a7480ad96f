"""Read all result pages of a search by case and by request, and join them into complete cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imr_ml.fetch.client import PoliteClient
from imr_ml.fetch.html_tables import REPAIR
from imr_ml.fetch.site import ResultPage, Search, details_url, form_fields, read_page
from imr_ml.fetch.types import FetchError, IndexedCase, Query

_Cases = dict[tuple[str, str], IndexedCase]
"""(case number, address of the letter) -> the case."""
_ATTEMPTS = 2
"""If a list changes during reading, it is read a second time."""


def search_cases(client: PoliteClient, url: str, query: Query) -> list[IndexedCase]:
    """List all letters of a query with their requests, in order; a case with two letters occurs twice.

    Parameters
    ----------
    client : PoliteClient
    url : str
        Page of the decision search.
    query : Query

    Raises
    ------
    FetchError
        If a page is unexpected, or pages contradict each other.
    """
    listed = _list_by_case(client, url, query)
    if not listed:
        return []
    with_requests = _join_pages(_read_pages(client, url, Search.REQUESTS, query))
    for case_number in dict.fromkeys(key[0] for key in listed if key not in with_requests):
        # The list by request lacks the case, but the page of the case has the requests.
        address = details_url(url, case_number)
        with_requests |= _join_pages([read_page(client.request(address).text, address, Search.REQUESTS)])
    for case in listed.values():
        _check_matches_query(case, url, query)
    return [
        replace(case, requests=with_requests[key].requests) if key in with_requests else case
        for key, case in listed.items()
    ]


def _list_by_case(client: PoliteClient, url: str, query: Query) -> _Cases:
    """Read the list by case; raise `FetchError` unless it has as many cases as it states."""
    earlier: _Cases | None = None
    for _ in range(_ATTEMPTS):
        pages = list(_read_pages(client, url, Search.CASES, query))
        cases, total, rows = _join_pages(pages), pages[-1].total, sum(len(page.cases) for page in pages)
        # A duplicate row in both readings does not mean that the list changed.
        if total == len(cases) or (total == rows and cases == earlier):
            return cases
        earlier = cases
    shown = "no number" if total is None else f"{total:,}"
    raise FetchError(
        f"{url}: expected the number of results in bold after the table, and as many cases on the pages; found {shown} "
        f"and {rows:,} cases. Try again later, else {REPAIR}"
    )


def _read_pages(client: PoliteClient, url: str, search: Search, query: Query) -> Iterator[ResultPage]:
    last: ResultPage | None = None
    number = 1
    while last is None or last.has_next:
        page = read_page(client.request(url, form_fields(search, query, number)).text, url, search)
        if last is not None and page.cases == last.cases and page.continued == last.continued:
            raise FetchError(
                f"{url}: expected page {number} of the results; found page {number - 1} again. The site's paging "
                f"changed: {REPAIR}"
            )
        yield page
        last, number = page, number + 1


def _join_pages(pages: Iterable[ResultPage]) -> _Cases:
    """Collect the cases of all pages, with requests that continue on the next page."""
    cases: _Cases = {}
    last: tuple[str, str] | None = None
    for page in pages:
        if page.continued and last:
            cases[last] = replace(cases[last], requests=(*cases[last].requests, *page.continued))
        for case in page.cases:
            last = (case.case_number, case.url)
            earlier = cases.get(last)
            cases[last] = replace(case, requests=(*earlier.requests, *case.requests)) if earlier else case
    return cases


def _check_matches_query(case: IndexedCase, url: str, query: Query) -> None:
    """Raise `FetchError` unless a case matches the query, as the site may interpret the form differently."""
    if query.case_number and case.case_number != query.case_number:
        raise FetchError(f"{url}: expected case {query.case_number}; found {case.case_number}")
    day = case.decision_date
    if query.first_day and query.last_day and day and not query.first_day <= day <= query.last_day:
        raise FetchError(
            f"{url}: expected decisions from {query.first_day} to {query.last_day}; found one of {day}. The "
            f"site interprets the form differently: {REPAIR}"
        )
