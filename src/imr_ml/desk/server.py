"""Serve the page on the loopback interface, without storing or logging requests."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from imr_ml.desk.form import PACKAGE, DeskError, letter_fields, page_script, render_page
from imr_ml.errors import ImrError
from imr_ml.reporting.pages import page_style

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from imr_ml.desk.answers import Desk
    from imr_ml.desk.letters import LetterReader


_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
T = TypeVar("T")
HOST = "127.0.0.1"
MAX_REQUEST_BYTES = 2_000_000
MAX_LETTER_BYTES = 25_000_000
NAME_HEADER = "X-Letter-Name"
_BODY_SECONDS = 60
_MAX_PORTS_TRIED = 20
_MAX_CONNECTIONS = 1_000
_MAX_NAME_CHARACTERS = 120
_CLIENT_CLOSED_REQUEST = 499


class Guard:
    """ASGI middleware that refuses requests from other hosts and origins.

    This prevents DNS rebinding and cross-site requests; a refused request is not read.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Hosts and ports at which the desk is opened, e.g. ``"127.0.0.1:8300"``.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or forward it to the application."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        reason = self._find_refusal(Headers(scope=scope))
        app = PlainTextResponse(f"{reason}\n", status_code=403) if reason else self._app
        await app(scope, receive, send_guarded)

    def _find_refusal(self, headers: Headers) -> str | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "refused: the host is not that of the desk"
        is_same_origin = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        if not is_same_origin or not self._origins.issuperset(headers.getlist("origin")):
            return "refused: the request comes from another page"
        return None


class Service:
    """Handlers of the requests of the page.

    Scoring uses a full core, so requests are scored one at a time. The body of a letter is received only when the
    previous letter has been read, so that only one is in memory.

    Parameters
    ----------
    desk : Desk
    letters : LetterReader
    body_seconds : float, optional
        Maximum time to receive the body of a request.
    """

    def __init__(self, desk: Desk, letters: LetterReader, body_seconds: float = _BODY_SECONDS) -> None:
        self._desk, self._letters, self._body_seconds = desk, letters, body_seconds
        self._scoring, self._reading = asyncio.Semaphore(1), asyncio.Semaphore(1)

    async def score(self, request: Request) -> JSONResponse:
        """Predict a request, given as a JSON object."""
        content = _parse_json(request, await _read_body(request, MAX_REQUEST_BYTES, self._body_seconds))
        return JSONResponse(await self._run(request, lambda: self._desk.answer(content)))

    async def read_letter(self, request: Request) -> JSONResponse:
        """Return the fields of each request in a letter, given as the content of its file."""
        name = _letter_name(request)
        async with self._reading:
            content = await _read_body(request, MAX_LETTER_BYTES, self._body_seconds)
            letter = await run_in_threadpool(self._letters.read, content, name)
        fields = await self._run(request, lambda: letter_fields(letter, name))
        facts = {"name": name, "is_sample": letter.is_sample, "warnings": letter.warnings}
        return JSONResponse({"requests": fields, **facts})

    async def _run(self, request: Request, function: Callable[[], T]) -> T:
        async with self._scoring:
            if await request.is_disconnected():
                raise ClientDisconnect
            try:
                return await run_in_threadpool(function)
            except ImrError:
                raise
            except Exception as error:  # noqa: BLE001 - the message may contain text of the request
                raise HTTPException(500, f"can't be scored ({type(error).__name__})") from None


def make_app(service: Service, page: str, hosts: Collection[str]) -> Guard:
    """Build the application.

    Parameters
    ----------
    service : Service
    page : str
        HTML from `render_page`.
    hosts : collection of str
        Hosts and ports at which the page is opened.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/")(_make_handler(page, "text/html"))
    app.get("/desk.js")(_make_handler(page_script(), "text/javascript"))
    app.get("/desk.css")(_make_handler(page_style(PACKAGE, "desk"), "text/css"))
    app.post("/score")(service.score)
    app.post("/letter")(service.read_letter)
    app.add_exception_handler(ImrError, _handle_error)
    app.add_exception_handler(ClientDisconnect, lambda *_: Response(status_code=_CLIENT_CLOSED_REQUEST))
    return Guard(app, hosts)


def serve(desk: Desk, letters: LetterReader, port: int, on_ready: Callable[[str], object]) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    desk : Desk
    letters : LetterReader
    port : int
        If the port is in use, the next free port is used; 0 uses any free port.
    on_ready : callable
        Called with the address of the page before the server starts.

    Raises
    ------
    DeskError
        If no port is free.
    """
    with listen(port) as listener:
        bound_port = listener.getsockname()[1]
        page = render_page(desk, MAX_LETTER_BYTES)
        app = make_app(Service(desk, letters), page, [f"{name}:{bound_port}" for name in (HOST, "localhost")])
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        on_ready(f"http://{HOST}:{bound_port}/")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def listen(port: int) -> socket.socket:
    """Open a loopback socket at a port or the next free port.

    Raises
    ------
    DeskError
        If none of 20 ports is free.
    """
    candidates = range(port, min(port + _MAX_PORTS_TRIED, 65_536))
    for candidate in candidates:
        with suppress(OSError):
            return socket.create_server((HOST, candidate))
    raise DeskError(f"ports {port} to {candidates[-1]} can't be used; choose another port with --port")


def _make_handler(text: str, media_type: str) -> Callable[[], Response]:
    def handle() -> Response:
        return Response(text, media_type=media_type)

    return handle


async def _read_body(request: Request, max_bytes: int, seconds: float) -> bytes:
    """Read the body of a request, and raise an error as soon as it is too large."""
    too_large = HTTPException(413, f"larger than {max_bytes / 1_000_000:g} MB, the limit")
    if int(request.headers.get("content-length", 0)) > max_bytes:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                content += chunk
                if len(content) > max_bytes:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, f"not received within {seconds:g} seconds; send it again") from None
    return bytes(content)


def _parse_json(request: Request, content: bytes) -> object:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise DeskError("send one JSON object with text values") from None


def _letter_name(request: Request) -> str:
    name = unquote(request.headers.get(NAME_HEADER, "")).replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, name))[-_MAX_NAME_CHARACTERS:] or "letter"


async def _handle_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": " ".join(str(error).split())}, status_code=422)
