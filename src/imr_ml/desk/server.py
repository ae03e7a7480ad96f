"""Serve the page to its own origin on this machine; what it is given is neither stored nor logged."""

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
_PORTS_TRIED = 20
_MOST_CONNECTIONS = 1_000
_LONGEST_NAME = 120
_GONE = 499


class Guard:
    """ASGI middleware that refuses requests from other hosts and origins.

    Another host's name (DNS rebinding) and another origin (a page elsewhere that sends forms or scripts here) are
    refused before anything is read.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Names and ports under which the desk is opened, e.g. ``"127.0.0.1:8300"``.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        answer = PlainTextResponse(f"{refusal}\n", status_code=403) if refusal else self._app
        await answer(scope, receive, send_guarded)

    def _refusal(self, headers: Headers) -> str | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "refused: the desk answers at its own address only"
        is_own = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        if not is_own or not self._origins.issuperset(headers.getlist("origin")):
            return "refused: another page asks; the desk answers its own page only"
        return None


class Service:
    """Handles the page's requests.

    Scoring keeps a core busy, so one request is scored after the other. Who waits to have a letter read has not sent it
    yet, so that one letter at a time is in memory.

    Parameters
    ----------
    desk : Desk
    letters : LetterReader
    body_seconds : float, optional
        Longest time for a request's body to arrive.
    """

    def __init__(self, desk: Desk, letters: LetterReader, body_seconds: float = _BODY_SECONDS) -> None:
        self._desk, self._letters, self._body_seconds = desk, letters, body_seconds
        self._scoring, self._reading = asyncio.Semaphore(1), asyncio.Semaphore(1)

    async def score(self, request: Request) -> JSONResponse:
        """Answer one request, given as a JSON object of texts."""
        given = _parsed(request, await _body(request, MAX_REQUEST_BYTES, self._body_seconds))
        return JSONResponse(await self._work(request, lambda: self._desk.answer(given)))

    async def read_letter(self, request: Request) -> JSONResponse:
        """Fields of each request of a letter, given as its file's content."""
        name = _letter_name(request)
        async with self._reading:
            content = await _body(request, MAX_LETTER_BYTES, self._body_seconds)
            letter = await run_in_threadpool(self._letters.read, content, name)
        fields = await self._work(request, lambda: letter_fields(letter, name))
        facts = {"name": name, "is_sample": letter.is_sample, "warnings": letter.warnings}
        return JSONResponse({"requests": fields, **facts})

    async def _work(self, request: Request, run: Callable[[], T]) -> T:
        async with self._scoring:
            if await request.is_disconnected():
                raise ClientDisconnect
            try:
                return await run_in_threadpool(run)
            except ImrError:
                raise
            except Exception as error:  # noqa: BLE001 - its own words may contain the request's
                raise HTTPException(500, f"can't be scored ({type(error).__name__})") from None


def make_app(service: Service, page: str, hosts: Collection[str]) -> Guard:
    """Build the application.

    Parameters
    ----------
    service : Service
    page : str
        HTML; see `render_page`.
    hosts : collection of str
        Names and ports under which it is opened.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/")(_sender(page, "text/html"))
    app.get("/desk.js")(_sender(page_script(), "text/javascript"))
    app.get("/desk.css")(_sender(page_style(PACKAGE, "desk"), "text/css"))
    app.post("/score")(service.score)
    app.post("/letter")(service.read_letter)
    app.add_exception_handler(ImrError, _explain)
    app.add_exception_handler(ClientDisconnect, lambda *_: Response(status_code=_GONE))
    return Guard(app, hosts)


def serve(desk: Desk, letters: LetterReader, port: int, on_ready: Callable[[str], object]) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    desk : Desk
    letters : LetterReader
    port : int
        If it is in use, the next free one is taken; 0 takes any.
    on_ready : callable
        Called with the page's address when it can be opened.

    Raises
    ------
    DeskError
        If no port is free.
    """
    with listen(port) as listening:
        bound = listening.getsockname()[1]
        page = render_page(desk, MAX_LETTER_BYTES)
        app = make_app(Service(desk, letters), page, [f"{name}:{bound}" for name in (HOST, "localhost")])
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        on_ready(f"http://{HOST}:{bound}/")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """Open a loopback socket at a port, or at the next free one.

    Raises
    ------
    DeskError
        If none of 20 is.
    """
    candidates = range(port, min(port + _PORTS_TRIED, 65_536))
    for candidate in candidates:
        with suppress(OSError):
            return socket.create_server((HOST, candidate))
    raise DeskError(f"ports {port} to {candidates[-1]} can't be used; choose another with --port")


def _sender(text: str, kind: str) -> Callable[[], Response]:
    def send() -> Response:
        return Response(text, media_type=kind)

    return send


async def _body(request: Request, most: int, seconds: float) -> bytes:
    """The request's body, refused as soon as it is known to be too large."""
    too_large = HTTPException(413, f"larger than {most / 1_000_000:g} MB, the limit")
    if int(request.headers.get("content-length", 0)) > most:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                content += chunk
                if len(content) > most:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, f"did not arrive within {seconds:g} seconds; send it again") from None
    return bytes(content)


def _parsed(request: Request, content: bytes) -> object:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise DeskError("send one JSON object of texts") from None


def _letter_name(request: Request) -> str:
    name = unquote(request.headers.get(NAME_HEADER, "")).replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, name))[-_LONGEST_NAME:] or "letter"


async def _explain(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": " ".join(str(error).split())}, status_code=422)
