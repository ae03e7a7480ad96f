"""The command: its output, its errors, and resuming after a kill."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from fetch.fetching import files, rows
from fetch.replica import error_page, refused, slow
from typer.testing import CliRunner

from imr_ml.cli import app

DAYS = ("--since", "2016-03-01", "--until", "2016-03-03")
LATER = ("--since", "2016-03-02", "--until", "2016-03-03")


def arguments(replica, folder, *more):
    return ["fetch", "-o", str(folder), "--url", replica.url, "--pause", "0", *more]


def run(replica, folder, *more):
    return CliRunner().invoke(app, arguments(replica, folder, *more), env={"IMR_ML_CONTACT": "me@example.org"})


def test_the_command_prints_a_summary(replica, tmp_path):
    ran = run(replica, tmp_path / "letters", *LATER)

    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == [
        f"{tmp_path / 'letters'}: 8 letters of 8 cases",
        "  this call: 8 listed, 8 new letters, 0 reissued, 0 unchanged, 0 failed, 0 left",
    ]
    assert ran.stderr == ""
    assert {request.agent.partition(" ")[2] for request in replica.requests} == {"(+me@example.org)"}


def test_the_summary_as_json(replica, tmp_path):
    replica.trouble(replica.cases[-1].path, error_page)

    summary = json.loads(run(replica, tmp_path, *LATER, "--json").stdout)

    assert (summary["listed"], summary["new"], summary["failed"], summary["output"]) == (8, 7, 1, str(tmp_path))
    assert summary["reasons"] == {"expected a PDF; found text/html without a %PDF- mark": 1}


def test_letters_that_failed_are_counted_by_their_reason(replica, tmp_path):
    for case in replica.cases[-3:]:
        replica.trouble(case.path, refused(404))

    ran = run(replica, tmp_path, *LATER)

    assert ran.exit_code == 0
    assert "imr-ml:   3 x HTTP 404\n" in ran.stderr
    assert "run the same command again to retry failed letters" in ran.stderr


def test_a_missing_contact_is_a_warning(replica, tmp_path):
    ran = CliRunner().invoke(app, arguments(replica, tmp_path, *LATER, "--limit", "1"), env={"IMR_ML_CONTACT": ""})

    assert ran.exit_code == 0
    assert "no --contact (or IMR_ML_CONTACT)" in ran.stderr


def test_an_unexpected_page_is_reported_in_one_line_with_exit_code_2(replica, tmp_path):
    replica.change = lambda page: page.replace("tabborder", "results")

    ran = run(replica, tmp_path, *DAYS)

    assert ran.exit_code == 2
    assert ran.stderr.count("\n") == 1
    assert "expected results in 'table.tabborder'" in ran.stderr


def test_days_without_a_decision_are_reported(replica, tmp_path):
    ran = run(replica, tmp_path, "--since", "2016-05-01", "--until", "2016-05-02")

    assert ran.exit_code == 0
    assert "the search lists no letter for these decision dates" in ran.stderr


def test_help_does_not_load_fetching_libraries():
    needed = ("httpx", "selectolax", "tenacity", "protego", "sqlite3", "filelock")
    code = f"import sys, imr_ml.cli; print([name for name in {needed} if name in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_case_that_the_search_lacks_is_named(replica, tmp_path):
    ran = run(replica, tmp_path, "--case", "cm16-9999999")

    assert "not listed by the search: CM16-9999999" in ran.stderr


@pytest.mark.slow
def test_a_repeatedly_killed_call_resumes_and_fetches_nothing_twice(replica, tmp_path):
    replica.trouble(".pdf", slow(0.05))
    command = [sys.executable, "-c", "from imr_ml.cli import app; app()", *arguments(replica, tmp_path, *DAYS)]

    for enough in (5, 18):
        process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(set(replica.requested_letters())) < enough and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    walked = len(replica.searches())
    subprocess.run(command, check=True, capture_output=True)

    assert files(tmp_path) == {f"{case.case_number}.pdf": case.pdf for case in replica.cases}
    requested = replica.requested_letters()
    # Only the two letters that were on their way when their call was killed may have been requested again.
    assert len(requested) - len(set(requested)) <= 2
    assert len(replica.searches()) == walked + 4
    assert rows(tmp_path, "SELECT state, count(*) FROM cases GROUP BY state") == [("fetched", 34)]


@pytest.mark.slow
def test_a_manifest_can_be_read_during_a_call_and_after_a_kill(replica, tmp_path):
    from imr_ml.fetch.manifest import letters_of_manifest

    replica.trouble(".pdf", slow(0.05))
    command = [sys.executable, "-c", "from imr_ml.cli import app; app()", *arguments(replica, tmp_path, *DAYS)]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(replica.requested_letters()) < 6 and process.poll() is None:
        time.sleep(0.005)
    during = letters_of_manifest(tmp_path / "manifest.sqlite")
    process.kill()
    process.wait()

    after = letters_of_manifest(tmp_path / "manifest.sqlite")
    assert 4 <= len(during) <= len(after)
    with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
