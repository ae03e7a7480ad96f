"""Fetch from a working replica: letters are downloaded, stored, skipped and requested again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from fetch.conftest import FIRST_DAY
from fetch.fetching import fetch, files, rows

from imr_ml.fetch.fetching import fetch_letters
from imr_ml.fetch.manifest import letters_of_manifest
from imr_ml.fetch.types import FetchError, FetchSettings, RequestPolicy


def test_all_letters_of_the_days_are_fetched(replica, tmp_path):
    done = fetch(replica, tmp_path)

    assert (done.listed, done.new, done.failed, done.remaining) == (34, 34, 0, 0)
    assert files(tmp_path) == {f"{case.case_number}.pdf": case.pdf for case in replica.cases}
    assert {path.name for path in letters_of_manifest(tmp_path / "manifest.sqlite")} == set(files(tmp_path))


def test_the_manifest_records_each_letter_and_its_index_fields(replica, tmp_path):
    fetch(replica, tmp_path)

    case = replica.cases[0]
    address = replica.url.replace("/dwc/imr/IMRDecisionSearch.asp", case.path)
    (row,) = rows(
        tmp_path,
        "SELECT url, state, http_status, attempts, reason, case_outcome, decision_date, specialty FROM cases "
        f"WHERE case_number = '{case.case_number}'",
    )
    assert row == (address, "fetched", 200, 1, None, case.outcome, "2016-03-01", case.specialty)
    requests = rows(
        tmp_path,
        f"SELECT category, subcategory, outcome FROM requests WHERE case_number = '{case.case_number}' ORDER BY place",
    )
    assert requests == list(case.requests)
    ((file, sha256, size, moment),) = rows(
        tmp_path, f"SELECT file, sha256, bytes, fetched_at FROM letters WHERE case_number = '{case.case_number}'"
    )
    assert (tmp_path / file).read_bytes() == case.pdf
    assert (sha256, size) == (hashlib.sha256(case.pdf).hexdigest(), len(case.pdf))
    assert moment.endswith("+00:00")


def test_a_second_call_sends_no_request(replica, tmp_path):
    fetch(replica, tmp_path)
    before = len(replica.requests)

    done = fetch(replica, tmp_path)

    assert (done.requested, done.new) == (0, 0)
    assert len(replica.requests) == before


def test_a_later_call_fetches_only_new_letters(replica, tmp_path):
    fetch(replica, tmp_path, until=date(2016, 3, 2))
    before = len(replica.requested_letters())

    done = fetch(replica, tmp_path, since=None)

    assert (before, done.new) == (31, 3)
    assert len(replica.requested_letters()) == len(set(replica.requested_letters())) == 34


def test_days_with_pending_decisions_are_searched_again(replica, tmp_path):
    late, *others = replica.cases
    replica.cases = others
    fetch(replica, tmp_path)
    replica.publish(late)

    assert fetch(replica, tmp_path, fresh_s=0).new == 0
    assert fetch(replica, tmp_path, fresh_s=0, settle_days=100_000).new == 1


@pytest.mark.parametrize(("since", "until", "number"), [(1, 1, 26), (2, 3, 8), (3, 31, 3), (10, 31, 0)])
def test_only_decisions_of_the_days_are_fetched(replica, tmp_path, since, until, number):
    done = fetch(replica, tmp_path, since=date(2016, 3, since), until=date(2016, 3, until))

    assert done.new == number == len(files(tmp_path))


def test_wide_windows_fetch_no_more_than_the_days_requested(replica, tmp_path):
    assert fetch(replica, tmp_path, until=FIRST_DAY, window_days=30).new == 26


def test_days_before_the_first_decisions_and_after_today_are_not_searched(replica, tmp_path):
    fetch(replica, tmp_path, since=date.min, until=date.max, window_days=2000, dry_run=True)

    days = [request.fields["DecStart"][-4:] for request in replica.searches()]
    assert min(days) >= "2007"
    assert max(days) <= str(date.today().year)


def test_a_limit_bounds_the_letters_requested_and_the_next_call_continues(replica, tmp_path):
    done = [fetch(replica, tmp_path, limit=14) for _ in range(4)]

    assert [report.new for report in done] == [14, 14, 6, 0]
    assert len(replica.requested_letters()) == len(set(replica.requested_letters()))


def test_a_dry_run_searches_and_fetches_no_letter(replica, tmp_path):
    done = fetch(replica, tmp_path, dry_run=True)

    assert (done.listed, done.remaining, done.requested) == (34, 34, 0)
    assert replica.requested_letters() == []
    assert fetch(replica, tmp_path).new == 34


def test_single_cases_are_fetched_by_number(replica, tmp_path):
    wanted = (replica.cases[3].case_number, replica.cases[32].case_number)

    done = fetch(replica, tmp_path, cases=(*wanted, "CM16-9999999"))

    assert set(files(tmp_path)) == {f"{case}.pdf" for case in wanted}
    assert done.not_listed == ["CM16-9999999"]


def test_requests_missing_from_the_list_are_read_from_the_page_of_the_case(replica, tmp_path):
    case = replica.cases[5]
    replica.left_out = {case.case_number}

    fetch(replica, tmp_path, until=FIRST_DAY)

    assert [request.path for request in replica.requests if "caseno=" in request.path] == [
        f"/dwc/imr/IMRDecisionSearch.asp?caseno={case.case_number}"
    ]
    (row,) = rows(tmp_path, f"SELECT count(*) FROM requests WHERE case_number = '{case.case_number}'")
    assert row == (len(case.requests),)


def test_a_letter_reissued_at_its_address_is_stored_beside_the_first(replica, tmp_path):
    fetch(replica, tmp_path)
    case = replica.cases[0]
    replica.publish(replace(case, pdf=case.pdf + b"\n%%EOF\n"))

    assert fetch(replica, tmp_path).new == 0
    done = fetch(replica, tmp_path, recheck=True)

    assert (done.reissued, done.unchanged, done.new) == (1, 33, 0)
    assert files(tmp_path)[f"{case.case_number}.pdf"] == case.pdf
    assert files(tmp_path)[f"{case.case_number}.2.pdf"] == case.pdf + b"\n%%EOF\n"
    assert rows(tmp_path, f"SELECT version FROM letters WHERE case_number = '{case.case_number}'") == [(1,), (2,)]


@pytest.mark.parametrize(
    "change",
    [{"folder": "/dwc/imr/reissued"}, {"outcome": "Withdrawn"}, {"requests": (("Surgery", "Fusion", "Upheld"),)}],
)
def test_a_case_whose_entry_changed_is_fetched_again(replica, tmp_path, change):
    fetch(replica, tmp_path)
    case = replica.cases[0]
    replica.publish(replace(case, pdf=case.pdf + b"\n%%EOF\n", **change))

    done = fetch(replica, tmp_path, fresh_s=0, settle_days=100_000)

    assert (done.requested, done.reissued) == (1, 1)
    assert len(files(tmp_path)) == 35


def test_existing_files_are_never_overwritten(replica, tmp_path):
    case = replica.cases[0]
    standing = tmp_path / "letters" / case.case_number[:4] / f"{case.case_number}.pdf"
    standing.parent.mkdir(parents=True)
    standing.write_bytes(b"%PDF- something of the user's")

    fetch(replica, tmp_path)

    assert standing.read_bytes() == b"%PDF- something of the user's"
    assert standing.with_name(f"{case.case_number}.2.pdf").read_bytes() == case.pdf


def test_a_complete_letter_of_a_killed_call_is_not_requested(replica, tmp_path):
    case = replica.cases[0]
    standing = tmp_path / "letters" / case.case_number[:4] / f"{case.case_number}.pdf"
    standing.parent.mkdir(parents=True)
    standing.write_bytes(case.pdf)

    done = fetch(replica, tmp_path)

    assert done.new == 34
    assert standing.name not in replica.requested_letters()


def test_the_user_agent_has_the_contact(replica, tmp_path):
    from imr_ml import __version__

    fetch(replica, tmp_path, policy={"contact": "me@example.org"}, limit=1)

    assert {request.agent for request in replica.requests} == {f"imr-ml/{__version__} (+me@example.org)"}


def test_requests_are_sequential_with_a_pause_after_each_response(replica, tmp_path):
    fetch(replica, tmp_path, policy={"pause_s": 0.05}, limit=4)

    moments = [request.at_s for request in replica.requests]
    assert len(moments) > 8
    assert min(after - before for before, after in pairwise(moments)) >= 0.05


def test_a_crawl_delay_longer_than_the_pause_is_respected(replica, tmp_path):
    replica.robots = "User-agent: *\nCrawl-delay: 0.1\n"

    fetch(replica, tmp_path, limit=1, until=FIRST_DAY)

    moments = [request.at_s for request in replica.requests]
    assert min(after - before for before, after in pairwise(moments)) >= 0.1


def test_a_concurrent_call_on_the_same_folder_is_refused(replica, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".fetch.lock"), pytest.raises(FetchError, match="another 'imr-ml fetch' uses this folder"):
        fetch(replica, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give the first decision date with --since"),
        ({"since": date(2016, 3, 2), "until": date(2016, 3, 1)}, "give --since before --until"),
        ({"since": date(9999, 1, 1)}, "give --since before --until"),
        ({"cases": ("CM16-0099001",), "since": FIRST_DAY}, "give --case, or --since and --until"),
        ({"cases": ("../../etc",)}, "is not a case number"),
        ({"url": "ftp://example.org/"}, "is not the address of a search page"),
        ({"since": FIRST_DAY, "policy": RequestPolicy(pause_s=0.1)}, "too short for a public site"),
        ({"since": FIRST_DAY, "policy": RequestPolicy(contact="Zoë\n")}, "a page in ASCII"),
    ],
)
def test_invalid_settings_are_refused_before_any_request(tmp_path, settings, message):
    with pytest.raises(FetchError, match=message):
        fetch_letters(tmp_path, FetchSettings(**settings), lambda description, total: lambda steps: None)


def test_a_file_in_place_of_the_folder_is_reported(replica, tmp_path):
    (tmp_path / "letters").write_text("a list")

    with pytest.raises(FetchError, match="can't be created"):
        fetch(replica, tmp_path / "letters")


def test_an_unwritable_folder_ends_the_call(replica, tmp_path):
    (tmp_path / "letters").write_text("a list")

    with pytest.raises(FetchError, match="can't be written"):
        fetch(replica, tmp_path)
    assert len(replica.requested_letters()) == 1
