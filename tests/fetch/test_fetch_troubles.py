"""Fetch from a failing site: retries, failed letters and errors that end the call."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from fetch.fetching import fetch, fetch_few, files, rows
from fetch.replica import dropped, error_page, of, redirected, refused, slow, truncated

from imr_ml.fetch.types import FetchError

SEARCH = "IMRDecisionSearch"


@pytest.mark.parametrize(
    "trouble",
    [refused(503), refused(429), refused(500), dropped, slow(0.6)],
    ids=["503", "429", "500", "dropped", "timeout"],
)
@pytest.mark.parametrize("where", [".pdf", "'Case'", "'Tx'", "robots.txt"])
def test_a_transient_error_is_retried(replica, tmp_path, trouble, where):
    replica.trouble(where, trouble, times=2)

    done = fetch_few(replica, tmp_path, policy={"timeout_s": 0.3}, limit=2)

    assert (done.new, done.failed) == (2, 0)
    assert len(files(tmp_path)) == 2


def test_retry_after_in_seconds_is_respected(replica, tmp_path):
    replica.trouble(".pdf", refused(429, Retry_After="1"), times=1)

    fetch_few(replica, tmp_path, limit=1)

    first, second = [request.at_s for request in replica.requests if request.path.endswith(".pdf")]
    assert second - first >= 1


def test_retry_after_as_a_date_is_respected(replica, tmp_path):
    moment = format_datetime((datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0), usegmt=True)
    replica.trouble("robots.txt", refused(503, Retry_After=moment), times=1)

    started = time.monotonic()
    fetch_few(replica, tmp_path, limit=1)

    assert time.monotonic() - started >= 1.5


def test_a_long_retry_after_ends_the_call(replica, tmp_path):
    replica.trouble("'Case'", refused(429, Retry_After="86400"))

    with pytest.raises(FetchError, match="asks to wait 86,400 s; run the same command again after that"):
        fetch_few(replica, tmp_path)
    assert len(replica.searches()) == 1


def test_tries_are_bounded(replica, tmp_path):
    replica.trouble("'Case'", refused(503))

    with pytest.raises(FetchError, match="HTTP 503"):
        fetch_few(replica, tmp_path)
    assert len(replica.searches()) == 3


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (refused(404), "HTTP 404"),
        (refused(503), "HTTP 503"),
        (truncated, "is a truncated PDF"),
        (error_page, "expected a PDF; found text/html"),
        (dropped, "no complete answer"),
        (redirected("/dwc/imr/IMRDecisionSearch.asp"), "expected a PDF; found text/html"),
    ],
    ids=["404", "503", "truncated", "error page", "dropped", "redirect to the search"],
)
def test_a_failed_letter_is_skipped_and_requested_again_later(replica, tmp_path, trouble, reason):
    bad = replica.cases[-2]
    replica.trouble(bad.path, trouble)

    done = fetch_few(replica, tmp_path)

    assert (done.new, done.failed) == (7, 1)
    assert [count for counted, count in done.reasons.items() if reason in counted] == [1]
    assert f"{bad.case_number}.pdf" not in files(tmp_path)
    ((case, recorded),) = rows(tmp_path, "SELECT case_number, reason FROM cases WHERE state = 'failed'")
    assert case == bad.case_number
    assert reason in recorded
    replica.troubles.clear()
    assert fetch_few(replica, tmp_path).new == 1
    assert files(tmp_path)[f"{bad.case_number}.pdf"] == bad.pdf
    assert rows(tmp_path, "SELECT count(*) FROM cases WHERE state = 'failed' OR reason IS NOT NULL") == [(0,)]


def test_the_letter_of_another_case_is_refused(replica, tmp_path):
    bad, other = replica.cases[-2], replica.cases[-1]
    replica.trouble(bad.path, of(other))

    done = fetch_few(replica, tmp_path)

    assert (done.new, done.failed) == (7, 1)
    ((recorded,),) = rows(tmp_path, "SELECT reason FROM cases WHERE state = 'failed'")
    assert recorded.endswith(f"is the letter of another case ({other.case_number}, not {bad.case_number})")


def test_a_redirect_to_the_letter_is_followed(replica, tmp_path):
    moved = replica.cases[-2]
    replica.trouble(moved.path, redirected(f"{moved.path}?moved"), times=1)
    replica.answer = _ignoring_queries(replica.answer)

    assert fetch_few(replica, tmp_path).new == 8


def _ignoring_queries(answer):
    from dataclasses import replace

    return lambda request: answer(replace(request, path=request.path.removesuffix("?moved")))


def test_circular_redirects_are_an_error(replica, tmp_path):
    replica.trouble(replica.cases[-2].path, redirected(replica.cases[-2].path))

    done = fetch_few(replica, tmp_path)

    assert done.failed == 1
    assert "redirects" in next(iter(done.reasons))


def test_a_letter_that_always_fails_is_given_up(replica, tmp_path):
    replica.trouble(replica.cases[-2].path, refused(404))

    done = [fetch_few(replica, tmp_path, max_calls=2) for _ in range(4)]

    assert [report.given_up for report in done] == [0, 1, 1, 1]
    assert replica.requested_letters().count(f"{replica.cases[-2].case_number}.pdf") == 2


def test_many_failures_in_a_row_end_the_call_and_the_next_call_resumes(replica, tmp_path):
    replica.trouble(".pdf", refused(503))

    with pytest.raises(FetchError, match="4 letters in a row could not be downloaded"):
        fetch_few(replica, tmp_path, max_failures=4)
    assert len(set(replica.requested_letters())) == 4
    replica.troubles.clear()
    assert fetch_few(replica, tmp_path).new == 8


def test_robots_txt_may_forbid_the_search(replica, tmp_path):
    replica.robots = "User-agent: imr-ml\nDisallow: /dwc/imr/\n"

    with pytest.raises(FetchError, match=r"robots\.txt does not allow 'imr-ml' to fetch it"):
        fetch_few(replica, tmp_path)
    assert [request.path for request in replica.requests] == ["/robots.txt"]


def test_letters_that_robots_txt_forbids_are_not_requested(replica, tmp_path):
    replica.robots = "User-agent: *\nDisallow: /dwc/imr/decisions/\n"

    with pytest.raises(FetchError, match=r"robots\.txt does not allow"):
        fetch_few(replica, tmp_path)
    assert replica.requested_letters() == []


def test_a_redirect_to_a_forbidden_address_is_not_followed(replica, tmp_path):
    replica.trouble(replica.cases[-2].path, redirected("/private/letter.pdf"))

    with pytest.raises(FetchError, match=r"private/letter\.pdf: the site's robots\.txt does not allow"):
        fetch_few(replica, tmp_path)
    assert not any(request.path.startswith("/private") for request in replica.requests)


def test_a_site_without_robots_txt_may_be_fetched(replica, tmp_path):
    replica.trouble("robots.txt", refused(404))

    assert fetch_few(replica, tmp_path, limit=1).new == 1


def test_nothing_is_requested_if_robots_txt_is_unreadable(replica, tmp_path):
    replica.trouble("robots.txt", refused(503))

    with pytest.raises(FetchError, match=r"robots\.txt: HTTP 503; robots\.txt must be read before fetching"):
        fetch_few(replica, tmp_path)
    assert {request.path for request in replica.requests} == {"/robots.txt"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda page: page.replace('"DecStart"', '"from"'),
            "expected a search form with the fields .* found no DecStart",
        ),
        (lambda page: page.replace("Case Outcome", "Ruling"), "expected one column each for .* 0 for case_outcome"),
        (lambda page: page.replace("<th>Date of Injury</th>", ""), "0 for date_of_injury in the header 'Case Number'"),
        (
            lambda page: page.replace("tabborder", "grid"),
            "expected results in 'table.tabborder'.* tables of no class, grid",
        ),
        (
            lambda page: page.replace("<strong>26</strong>", "thirty"),
            "expected the number of results .* found no number",
        ),
        (lambda page: page.replace("3/1/2016", "2016/3/1"), r"row 1 of the results: expected a date \(MM/DD/YYYY\)"),
        (
            lambda page: page.replace("3/1/2016", "1/3/2016"),
            "expected decisions from 2016-03-01 .* found one of 2016-01-03",
        ),
        (
            lambda page: page.replace('target="_blank">S', 'target="_blank">No. S'),
            "row 1 .* a link whose text is a case",
        ),
        (lambda page: page.replace('href="/', 'href="javascript:/'), "expected a web address of the letter"),
    ],
    ids=["form", "header", "column", "table", "total", "dates", "days", "case numbers", "links"],
)
def test_an_unexpected_page_ends_the_call_with_what_was_expected_and_found(replica, tmp_path, change, message):
    replica.change = change

    with pytest.raises(FetchError, match=message) as raised:
        fetch(replica, tmp_path)
    assert "imr_ml/fetch/site.py needs an update" in str(raised.value)
    assert not any(request[1] in str(raised.value) for case in replica.cases for request in case.requests)
    assert rows(tmp_path, "SELECT count(*) FROM walks") == [(0,)]
    replica.change = str
    assert fetch(replica, tmp_path, dry_run=True).listed == 34


@pytest.mark.parametrize("where", ["'Case'", "'Tx'"])
def test_an_error_page_with_status_200_does_not_mean_no_results(replica, tmp_path, where):
    replica.trouble(where, error_page)

    with pytest.raises(FetchError, match="title 'Server too busy', no table"):
        fetch(replica, tmp_path)
    assert rows(tmp_path, "SELECT count(*) FROM walks") == [(0,)]


def test_columns_in_another_order_are_read_by_their_headers(replica, tmp_path):
    replica.change = _swapped_outcome_and_specialty

    fetch(replica, tmp_path, dry_run=True)

    case = replica.cases[0]
    recorded = rows(tmp_path, f"SELECT case_outcome, specialty FROM cases WHERE case_number = '{case.case_number}'")
    assert recorded == [(case.outcome, case.specialty)]


def _swapped_outcome_and_specialty(page):
    import re

    if "Case Outcome" not in page:
        return page
    cell = r"(<t[dh]>(?:(?!</t[dh]>).)*</t[dh]>)"
    return re.sub(rf"<tr>{cell * 6}</tr>", r"<tr>\1\6\3\4\5\2</tr>", page, flags=re.DOTALL)


def test_fewer_cases_than_the_stated_total_end_the_call(replica, tmp_path):
    replica.total_off = 2

    with pytest.raises(FetchError, match=r"expected the number of results .* found 28 and 26 cases"):
        fetch(replica, tmp_path)


def test_a_repeated_page_ends_the_call(replica, tmp_path):
    replica.answer = _stuck_on_page_1(replica.answer)

    with pytest.raises(FetchError, match="expected page 2 of the results; found page 1 again"):
        fetch(replica, tmp_path)


def _stuck_on_page_1(answer):
    from dataclasses import replace

    return lambda request: answer(
        replace(request, fields={**request.fields, "newpageno": "1"}) if request.fields else request
    )
