"""The public decision search of the California DWC: its address, form fields, result tables and paging.

Only this module depends on the site's pages. Documented by an older client of the search (2017): the field names of the
form, 25 results per page, ``table.tabborder`` with one header row, the columns and their order, rows for further
requests of a case whose first cell spans the columns of the case, the number of results in bold after the table, a form
``Nextpage`` if another page follows, and the details of a case under ``?caseno=``. Assumed, without access to the live
site: the words of the headers, dates as MM/DD/YYYY, queries that include their first and last day, and the words of a
page without results. An unexpected page raises `FetchError`, which states what was expected and found.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from urllib.parse import quote, urljoin, urlsplit

from selectolax.lexbor import LexborNode

from imr_ml.fetch.html_tables import Page, Row, node_text
from imr_ml.fetch.types import FetchError, FetchSettings, IndexedCase, IndexedRequest, Query

SEARCH_URL = "https://www.dir.ca.gov/dwc/imr/IMRDecisionSearch.asp"
FIRST_DECISIONS = date(2013, 1, 1)
"""Start of independent medical review (Labor Code 4610.5); no decision is older."""
CASE_NUMBER = re.compile(r"[A-Z]{2}\d{2}-\d{4,7}")
MIN_PAUSE_S = 0.5
"""Shortest pause between requests to a public site."""
_FORM_FIELDS = ("Fname", "Caseno", "DecStart", "DecEnd")
_TABLE = "table.tabborder"
_NEXT = "form[name=Nextpage]"
_EMPTY = re.compile(r"\b(?:no|0|zero)\s+(?:\w+\s+)?(?:records?|results?|cases?|decisions?|requests?|matches)\b", re.I)
_NUMBER = re.compile(r"\d[\d,]*")
_CASE_HEADERS = {
    "case_number": r"case\s*(?:number|no\b|#)",
    "decision_date": r"decision\s*date|date of decision",
    "date_of_injury": r"injury",
    "application_received": r"received",
    "specialty": r"special",
}


class Search(StrEnum):
    """The two forms of the search, by the value of their field ``Fname``."""

    CASES = "Case"
    REQUESTS = "Tx"


_HEADERS = {
    Search.CASES: _CASE_HEADERS | {"case_outcome": r"outcome|determination"},
    Search.REQUESTS: _CASE_HEADERS
    | {
        "category": r"(?<!sub)(?<!sub[ -])category",
        "subcategory": r"sub[ -]?category|drug",
        "outcome": r"(?:outcome|decision|determination)(?!\s*date)\b(?!.*\bdate)",
    },
}


def check_settings(settings: FetchSettings, today: date) -> None:
    """Raise `FetchError` for invalid settings."""
    address, policy = urlsplit(settings.url or SEARCH_URL), settings.policy
    if address.scheme not in ("http", "https") or not address.hostname:
        raise FetchError(f"{settings.url}: is not the address of a search page; give one like {SEARCH_URL}")
    if settings.cases and (settings.since or settings.until):
        raise FetchError("choose cases by number or by date: give --case, or --since and --until")
    wrong = [case for case in settings.cases if not CASE_NUMBER.fullmatch(case)]
    if wrong:
        raise FetchError(f"'{wrong[0]}' is not a case number; write it like CM16-0213037")
    last = min(settings.until or today, today)
    if settings.since and settings.since > last:
        raise FetchError(f"no decision is both since {settings.since} and until {last}: give --since before --until")
    if policy.pause_s < MIN_PAUSE_S and not _is_loopback(address.hostname):
        raise FetchError(f"a pause of {policy.pause_s:g} s is too short for a public site; give {MIN_PAUSE_S} or more")
    if policy.contact and not (policy.contact.isascii() and policy.contact.isprintable()):
        raise FetchError("the contact is sent in an HTTP header: give an e-mail address or a page in ASCII")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of results.

    Attributes
    ----------
    cases : tuple of IndexedCase
        In the order of the page.
    continued : tuple of IndexedRequest
        First requests on the page, of the last case of the previous page.
    total : int or None
        Number of results on all pages, if stated.
    has_next : bool
        Whether another page follows.
    """

    cases: tuple[IndexedCase, ...] = ()
    continued: tuple[IndexedRequest, ...] = ()
    total: int | None = 0
    has_next: bool = False


def form_fields(search: Search, query: Query, page: int) -> dict[str, str]:
    """Form fields to post for page `page` of the results, from 1."""
    days = {"DecStart": query.first_day, "DecEnd": query.last_day}
    unused = ("DoIStart", "DoIEnd", "ReqStart", "ReqEnd", "SpecialtyV")
    by_search = ("CaseOutcomeV",) if search is Search.CASES else ("OutcomeV", "SubCategoryV")
    paging = {"newpageno": str(page), "Submit": "Next"} if page > 1 else {"Submit": "Submit"}
    return {
        "Fname": search.value,
        "Caseno": query.case_number,
        **dict.fromkeys((*unused, *by_search), ""),
        **{name: f"{day:%m/%d/%Y}" if day else "" for name, day in days.items()},
        **paging,
    }


def details_url(url: str, case_number: str) -> str:
    """Address of the page that lists one case's requests."""
    return f"{url}?caseno={quote(case_number)}"


def check_form(html: str, url: str) -> None:
    """Raise `FetchError` with the missing fields unless the search page has the form."""
    page = Page(html, url)
    names = {node.attributes.get("name") for node in page.tree.css("input, select")}
    missing = [name for name in _FORM_FIELDS if name not in names]
    if missing:
        raise page.error(f"a search form with the fields {', '.join(_FORM_FIELDS)}", f"no {', '.join(missing)}")


def read_page(html: str, url: str, search: Search) -> ResultPage:
    """Read a page of results.

    Parameters
    ----------
    html, url : str
        The page and its address.
    search : Search
        The form that was sent; the details of a case have the layout of requests.

    Raises
    ------
    FetchError
        If the layout is unexpected; the message states row and column, never the text of a row.
    """
    page = Page(html, url)
    table = page.tree.css_first(_TABLE)
    if table is None:
        _check_no_results(page)
        return ResultPage()
    cases: list[IndexedCase] = []
    continued: list[IndexedRequest] = []
    for row in page.table_rows(table, _HEADERS[search]):
        if search is Search.CASES or row.has("decision_date"):
            cases.append(_read_case(row, search))
        elif cases:
            cases[-1] = replace(cases[-1], requests=(*cases[-1].requests, _read_request(row)))
        else:
            continued.append(_read_request(row))
    return ResultPage(tuple(cases), tuple(continued), _read_total(table), page.tree.css_first(_NEXT) is not None)


def _read_case(row: Row, search: Search) -> IndexedCase:
    case_number, address = _read_letter_link(row)
    decision_date = row.day("decision_date")
    if decision_date is None:
        raise row.error("a date (MM/DD/YYYY) for decision_date", "nothing")
    return IndexedCase(
        case_number=case_number,
        url=address,
        decision_date=decision_date,
        date_of_injury=row.day("date_of_injury"),
        application_received=row.day("application_received"),
        specialty=row.text("specialty") or None,
        case_outcome=(row.text("case_outcome") or None) if search is Search.CASES else None,
        requests=(_read_request(row),) if search is Search.REQUESTS else (),
    )


def _read_letter_link(row: Row) -> tuple[str, str]:
    """Read the case number and address of a letter from the link whose text is a case number."""
    links = [(node_text(link), link.attributes.get("href")) for link in row.cell("case_number").css("a")]
    letters = [(text, href) for text, href in links if CASE_NUMBER.fullmatch(text) and href]
    if not letters:
        raise row.error("a link whose text is a case number", f"{len(links)} other link(s)")
    case_number, href = letters[0]
    address = urljoin(row.url, href)
    if not address.startswith(("http://", "https://")):
        raise row.error("a web address of the letter", "a link of another kind")
    return case_number, address


def _read_request(row: Row) -> IndexedRequest:
    return IndexedRequest(row.text("category"), row.text("subcategory"), row.text("outcome"))


def _read_total(table: LexborNode) -> int | None:
    """Read the number in bold after the table."""
    node = table.next
    while node is not None:
        bold = node if node.tag in ("strong", "b") else node.css_first("strong, b") if node.is_element_node else None
        if bold is not None:
            number = _NUMBER.fullmatch(bold.text().strip())
            return int(number[0].replace(",", "")) if number else None
        node = node.next
    return None


def _check_no_results(page: Page) -> None:
    """Raise `FetchError` unless a page without results states so or shows the form, and lists no case."""
    tree = page.tree
    says_none = _EMPTY.search(tree.body.text(separator=" ") if tree.body else "") or tree.css_first("[name=DecStart]")
    lists_case = any(CASE_NUMBER.fullmatch(link.text().strip()) for link in tree.css("a"))
    if not says_none or lists_case or tree.css_first(_NEXT):
        raise page.error(f"results in '{_TABLE}', or the form or words that say there are none", "neither")
