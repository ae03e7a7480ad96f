"""A local replica of the decision search, served on loopback: form, result pages, details, letters, robots.txt.

Pages have the layout that `imr_ml.fetch.site` documents; failures can be switched on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PAGE = "/dwc/imr/IMRDecisionSearch.asp"
RESULTS_A_PAGE = 25
CASE_HEADERS = (
    "Case Number", "Case Outcome", "Decision Date", "Date of Injury", "Received Date", "IMRO Reviewer Specialty",
)  # fmt: skip
REQUEST_HEADERS = (
    "Case Number", "Decision Date", "Date of Injury", "Received Date", "IMRO Reviewer Specialty", "Request Category",
    "SubCategory/Drug", "Request Decision",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """One case of the replica, with its letter."""

    case_number: str
    decided: date
    injured: date | None
    received: date | None
    specialty: str
    outcome: str
    requests: tuple[tuple[str, str, str], ...]
    pdf: bytes
    folder: str = "/dwc/imr/decisions"

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.case_number}.pdf"


@dataclass(frozen=True)
class ReceivedRequest:
    """A request received by the replica."""

    at_s: float
    method: str
    path: str
    fields: dict[str, str]
    agent: str


Act = Callable[["Handler", "Response"], None]


@dataclass
class Response:
    """An answer of the replica, before any failure is applied."""

    content: bytes
    content_type: str


@dataclass
class Trouble:
    """A failure of requests whose path and form contain given words, for a number of times or, with None, always."""

    where: str
    act: Act
    times: int | None = None


@dataclass
class Replica:
    """Cases, rules and failures of the replica, and the requests that it received."""

    cases: list[Published]
    url: str = ""
    robots: str = "User-agent: *\nDisallow: /private/\n"
    troubles: list[Trouble] = field(default_factory=list)
    requests: list[ReceivedRequest] = field(default_factory=list)
    change: Callable[[str], str] = str
    left_out: set[str] = field(default_factory=set)
    total_off: int = 0

    def requested_letters(self) -> list[str]:
        return [request.path.rpartition("/")[2] for request in self.requests if request.path.endswith(".pdf")]

    def searches(self) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.method == "POST"]

    def trouble(self, where: str, act: Act, times: int | None = None) -> None:
        self.troubles.append(Trouble(where, act, times))

    def publish(self, case: Published) -> None:
        """Publish a case, replacing an earlier version."""
        self.cases = [other for other in self.cases if other.case_number != case.case_number] + [case]

    def answer(self, request: ReceivedRequest) -> Response | None:
        if request.path == "/robots.txt":
            return Response(self.robots.encode(), "text/plain")
        for case in self.cases:
            if request.path == case.path:
                return Response(case.pdf, "application/pdf")
        if urlsplit(request.path).path != PAGE:
            return None
        return Response(self.change(self._page(request)).encode(), "text/html; charset=utf-8")

    def _page(self, request: ReceivedRequest) -> str:
        number = parse_qs(urlsplit(request.path).query).get("caseno", [""])[0]
        if number:
            return _results(self._requests([case for case in self.cases if case.case_number == number], 1, {}))
        if request.method == "GET":
            return _document(_form("Case") + _form("Tx"))
        fields = request.fields
        cases = [case for case in self.cases if _fits(case, fields)]
        page = int(fields.get("newpageno", "1"))
        if not cases:
            return _document("<p>No records were found.</p>" + _form(fields["Fname"]))
        if fields["Fname"] == "Case":
            return _results(self._cases(cases, page, fields))
        return _results(self._requests([case for case in cases if case.case_number not in self.left_out], page, fields))

    def _cases(self, cases: list[Published], page: int, fields: dict[str, str]) -> str:
        rows = [
            f"<tr><td>{_link(case)} <a href='?caseno={case.case_number}'><strong>+</strong></a></td>"
            + _cells(case.outcome, _format_day(case.decided), _format_day(case.injured), _format_day(case.received))
            + _cells(case.specialty)
            + "</tr>"
            for case in cases
        ]
        return _table(CASE_HEADERS, rows, page, fields, len(rows) + self.total_off)

    def _requests(self, cases: list[Published], page: int, fields: dict[str, str]) -> str:
        rows = []
        for case in cases:
            head = f"<td>{_link(case)}</td>" + _cells(
                _format_day(case.decided), _format_day(case.injured), _format_day(case.received), case.specialty
            )
            for place, request in enumerate(case.requests):
                opening = head if place == 0 else '<td colspan="5">&nbsp;</td>'
                rows.append(f"<tr>{opening}{_cells(*request)}</tr>")
        return _table(REQUEST_HEADERS, rows, page, fields, len(rows))


class Handler(BaseHTTPRequestHandler):
    """Serves the pages of the replica."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    replica: Replica

    def do_GET(self) -> None:
        self._take({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._take({name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()})

    def _take(self, fields: dict[str, str]) -> None:
        request = ReceivedRequest(time.monotonic(), self.command, self.path, fields, self.headers["User-Agent"])
        self.replica.requests.append(request)
        response = self.replica.answer(request)
        if response is None:
            self.send(404, Response(b"<title>404</title>", "text/html"))
            return
        for trouble in self.replica.troubles:
            if trouble.where in f"{request.path} {request.fields}" and trouble.times != 0:
                if trouble.times:
                    trouble.times -= 1
                trouble.act(self, response)
                return
        self.send(200, response)

    def send(self, status: int, response: Response, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(replica: Replica) -> Iterator[Replica]:
    """Serve a replica on a free port."""
    handler = type("ReplicaHandler", (Handler,), {"replica": replica})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # A client that was killed is no failure of the replica.
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    replica.url = f"http://127.0.0.1:{server.server_port}{PAGE}"
    try:
        yield replica
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refused(status: int, **headers: str) -> Act:
    """Answer with this status."""
    return lambda handler, _: handler.send(status, Response(b"<title>Try later</title>", "text/html"), **headers)


def slow(seconds: float) -> Act:
    """Answer correctly, but late."""

    def act(handler: Handler, response: Response) -> None:
        time.sleep(seconds)
        handler.send(200, response)

    return act


def dropped(handler: Handler, response: Response) -> None:
    """Close the connection in the middle of the content."""
    half = replace(response, content=response.content[: len(response.content) // 2])
    handler.send(200, half, length=len(response.content))
    handler.close_connection = True


def truncated(handler: Handler, response: Response) -> None:
    """Send half of the content with a matching length."""
    handler.send(200, replace(response, content=response.content[: len(response.content) // 2]))


def error_page(handler: Handler, _: Response) -> None:
    """Send an HTML error page with status 200."""
    page = b"<html><head><title>Server too busy</title></head><body>An error occurred.</body></html>"
    handler.send(200, Response(page, "text/html"))


def of(case: Published) -> Act:
    """Send the letter of another case."""
    return lambda handler, _: handler.send(200, Response(case.pdf, "application/pdf"))


def redirected(path: str) -> Act:
    """Redirect to another address."""
    return lambda handler, _: handler.send(302, Response(b"", "text/html"), Location=path)


def _fits(case: Published, fields: dict[str, str]) -> bool:
    first, last = (_parse_day(fields[name]) for name in ("DecStart", "DecEnd"))
    within = (first is None or first <= case.decided) and (last is None or case.decided <= last)
    return within and fields["Caseno"] in ("", case.case_number)


def _parse_day(text: str) -> date | None:
    return datetime.strptime(text, "%m/%d/%Y").date() if text else None


def _format_day(day: date | None) -> str:
    return f"{day.month}/{day.day}/{day.year}" if day else ""


def _link(case: Published) -> str:
    return f'<a href="{case.path}" target="_blank">{case.case_number}</a>'


def _cells(*values: str) -> str:
    return "".join(f"<td> {escape(value)}\n</td>" for value in values)


def _table(headers: tuple[str, ...], rows: list[str], page: int, fields: dict[str, str], total: int) -> str:
    start = (page - 1) * RESULTS_A_PAGE
    body = "".join(rows[start : start + RESULTS_A_PAGE])
    header = "".join(f"<th>{escape(words)}</th>" for words in headers)
    hidden_fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
    )
    further = (
        f'<form name="Nextpage" method="post">{hidden_fields}<input type="hidden" name="newpageno" value="{page + 1}">'
        '<input type="submit" name="Submit" value="Next"></form>'
        if start + RESULTS_A_PAGE < len(rows)
        else ""
    )
    return (
        f'<table class="tabborder" border="1"><tr>{header}</tr>{body}</table>\n'
        f"<p>Your search found <strong>{total:,}</strong> results.</p>{further}"
    )


def _results(table: str) -> str:
    return _document("<table><tr><td><h2>Search results</h2></td></tr></table>" + table)


def _form(kind: str) -> str:
    names = ("Caseno", "DoIStart", "DoIEnd", "ReqStart", "ReqEnd", "DecStart", "DecEnd")
    inputs = "".join(f'<input type="text" name="{name}">' for name in names)
    selects = ("SpecialtyV", "CaseOutcomeV") if kind == "Case" else ("SpecialtyV", "OutcomeV", "SubCategoryV")
    choices = "".join(f'<select name="{name}"><option value=""></option></select>' for name in selects)
    return (
        f'<form method="post" action="{PAGE}"><input type="hidden" name="Fname" value="{kind}">{inputs}{choices}'
        '<input type="submit" name="Submit" value="Submit"></form>'
    )


def _document(body: str) -> str:
    return f"<!DOCTYPE html><html><head><title>IMR decisions search</title></head><body>{body}</body></html>"
