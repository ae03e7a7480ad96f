"""Read all result pages of a search by case and by request, joined to whole cases."""

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
"""A list that changes while its pages are read is read once more."""


def search_cases(client: PoliteClient, url: str, query: Query) -> list[IndexedCase]:
    """All letters that the search lists, with their requests, in its order; a case with two letters is listed twice.

    Parameters
    ----------
    client : PoliteClient
        Sends the requests.
    url : str
        Page of the decision search.
    query : Query
        Days of decision, or one case.

    Raises
    ------
    FetchError
        Where a page differs from what is expected, or the pages do not fit together.
    """
    listed = _list_by_case(client, url, query)
    if not listed:
        return []
    with_requests = _join_pages(_read_pages(client, url, Search.REQUESTS, query))
    for case_number in dict.fromkeys(key[0] for key in listed if key not in with_requests):
        # The list by request left the case out: its own page has the requests.
        address = details_url(url, case_number)
        with_requests |= _join_pages([read_page(client.request(address).text, address, Search.REQUESTS)])
    for case in listed.values():
        _check_matches_query(case, url, query)
    return [
        replace(case, requests=with_requests[key].requests) if key in with_requests else case
        for key, case in listed.items()
    ]


def _list_by_case(client: PoliteClient, url: str, query: Query) -> _Cases:
    """The list by case; it states a total, and the pages must hold so many."""
    before: _Cases | None = None
    for _ in range(_ATTEMPTS):
        pages = list(_read_pages(client, url, Search.CASES, query))
        cases, total, rows = _join_pages(pages), pages[-1].total, sum(len(page.cases) for page in pages)
        # A row that stands there twice in both readings is no sign of a list that changed.
        if total == len(cases) or (total == rows and cases == before):
            return cases
        before = cases
    found = "no number" if total is None else f"{total:,}"
    raise FetchError(
        f"{url}: expected the number of results in bold after the table, and as many cases on the pages; found {found} "
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
    """Cases of all pages; one that continues on the next page is one."""
    cases: _Cases = {}
    last: tuple[str, str] | None = None
    for page in pages:
        if page.continued and last:
            cases[last] = replace(cases[last], requests=(*cases[last].requests, *page.continued))
        for case in page.cases:
            last = (case.case_number, case.url)
            known = cases.get(last)
            cases[last] = replace(case, requests=(*known.requests, *case.requests)) if known else case
    return cases


def _check_matches_query(case: IndexedCase, url: str, query: Query) -> None:
    """A case must match the query, else the search understands the form in another way."""
    if query.case_number and case.case_number != query.case_number:
        raise FetchError(f"{url}: expected case {query.case_number}; found {case.case_number}")
    day = case.decision_date
    if query.first_day and query.last_day and day and not query.first_day <= day <= query.last_day:
        raise FetchError(
            f"{url}: expected decisions from {query.first_day} to {query.last_day}; found one of {day}. The form means "
            f"other days than expected: {REPAIR}"
        )
