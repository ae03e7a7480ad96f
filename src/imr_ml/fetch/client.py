"""Send polite HTTP requests: one at a time, with pauses, robots.txt, ``Retry-After`` and bounded retries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imr_ml.fetch.settings import RequestPolicy
from imr_ml.fetch.types import AnswerError, FetchError

if TYPE_CHECKING:
    import ssl

    import httpx
    from protego import Protego
    from tenacity import RetryCallState


LARGEST_BYTES = 25_000_000
"""No letter or page comes near."""
_OK = 200
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_REDIRECTS = 5
_TIMEOUTS_IN_ALL = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of status 200; `url` is where redirects led."""

    url: str
    http_status: int
    content_type: str
    content: bytes

    @property
    def text(self) -> str:
        """The content as text: UTF-8, else the code page of Windows that older pages are in."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError:
            return self.content.decode("cp1252", errors="replace")


class _TransientError(AnswerError):
    """No good answer this time."""

    def __init__(self, reason: str, http_status: int | None = None, retry_after: float = 0.0) -> None:
        self.retry_after_s = retry_after
        super().__init__(reason, http_status, is_site_down=True)


def user_agent(contact: str | None) -> str:
    """What the client says it is.

    Examples
    --------
    >>> user_agent("me@example.org").partition("/")[0], user_agent("me@example.org").partition(" ")[2]
    ('imr-ml', '(+me@example.org)')
    """
    return f"{AGENT}/{version('imr-ml')}" + (f" (+{contact})" if contact else "")


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that are trusted; read once, as that takes a tenth of a second."""
    import httpx

    return httpx.create_ssl_context()


class PoliteClient:
    """Asks one address after another; use it in a ``with`` block."""

    def __init__(self, manners: RequestPolicy) -> None:
        import httpx

        self._manners = manners
        self._robots = Robots(self._robots_txt)
        self._reads_robots = False
        self._free_at = 0.0
        self._http = httpx.Client(
            headers={"User-Agent": user_agent(manners.contact)},
            timeout=manners.timeout_s,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            verify=_certificates(),
            event_hooks={"request": [self._before]},
        )

    def __enter__(self) -> PoliteClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def get(self, url: str) -> Answer:
        """Get an address.

        Raises
        ------
        AnswerError
            Where it gives no good answer, after as many tries as the manners allow.
        FetchError
            Where robots.txt forbids it, or where the site asks to wait longer than the manners do.
        """
        return self._ask("GET", url, None)

    def post(self, url: str, fields: dict[str, str]) -> Answer:
        """Send a form. Else as `get`."""
        return self._ask("POST", url, fields)

    def _ask(self, method: str, url: str, fields: dict[str, str] | None) -> Answer:
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        trying = Retrying(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(self._manners.tries),
            wait=self._wait_s,
            reraise=True,
        )
        return trying(self._once, method, url, fields)

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, _TransientError) else 0.0
        return max(asked_s, self._manners.backoff_s * float(2 ** (state.attempt_number - 1)))

    def _once(self, method: str, url: str, fields: dict[str, str] | None) -> Answer:
        import httpx

        try:
            with self._http.stream(method, url, data=fields) as response:
                self._check_status(response, url)
                content = self._body(response, url)
        except httpx.TooManyRedirects as error:
            raise AnswerError(f"{url}: leads in circles (more than {_REDIRECTS} redirects)") from error
        except httpx.RequestError as error:
            raise _TransientError(f"{url}: no whole answer ({type(error).__name__})") from error
        finally:
            self._free_at = time.monotonic() + self._manners.pause_s
        content_type = response.headers.get("Content-Type", "no content type").partition(";")[0]
        return Answer(str(response.url), response.status_code, content_type, content)

    def _check_status(self, response: httpx.Response, url: str) -> None:
        status = response.status_code
        if status == _OK:
            return
        if status not in _TRANSIENT:
            raise AnswerError(f"{url}: HTTP {status}", status)
        asked_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC)) or 0.0
        if asked_s > self._manners.longest_wait_s:
            raise FetchError(
                f"{url}: HTTP {status}, and asks to wait {asked_s:,.0f} s; run the same command again then"
            )
        raise _TransientError(f"{url}: HTTP {status}", status, asked_s)

    def _body(self, response: httpx.Response, url: str) -> bytes:
        """The answer's content; bounded in size, and in time for a site that sends byte by byte."""
        content = bytearray()
        stop_at = time.monotonic() + self._manners.timeout_s * _TIMEOUTS_IN_ALL
        for part in response.iter_bytes():
            content += part
            if len(content) > LARGEST_BYTES:
                raise AnswerError(f"{url}: is larger than {LARGEST_BYTES:,} bytes", response.status_code)
            if time.monotonic() > stop_at:
                raise _TransientError(f"{url}: no whole answer (too slow)", response.status_code)
        return bytes(content)

    def _before(self, request: httpx.Request) -> None:
        """Before each request, those that redirects lead to among them: is it allowed, and is it time."""
        asked_s = 0.0 if self._reads_robots else self._robots.check(str(request.url))
        wait_s = self._free_at - time.monotonic() + max(0.0, asked_s - self._manners.pause_s)
        if self._free_at and wait_s > 0:
            time.sleep(wait_s)
        self._free_at = time.monotonic() + self._manners.pause_s

    def _robots_txt(self, url: str) -> str:
        self._reads_robots = True
        try:
            return self.get(url).text
        finally:
            self._reads_robots = False


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a site asks to wait, 0 for a moment past; None where it names none that can be read.

    Examples
    --------
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> retry_after_s("120", noon), retry_after_s("Mon, 05 Jan 2026 12:00:30 GMT", noon), retry_after_s("soon", noon)
    (120.0, 30.0, None)
    """
    written = (value or "").strip()
    if written.isascii() and written.isdigit():
        return float(written)
    try:
        moment = parsedate_to_datetime(written)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


AGENT = "imr-ml"
_UNAVAILABLE = range(400, 500)
_ASK_LATER = 429


class Robots:
    """The rules of every site met so far, each read once.

    Parameters
    ----------
    read : callable
        Address of a robots.txt -> its text; raises `AnswerError`.
    """

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read
        self._rules: dict[str, Protego] = {}

    def check(self, url: str) -> float:
        """The pause in seconds that the site asks for, 0 for none.

        Raises
        ------
        FetchError
            Where the address may not be fetched, or where the rules can't be read.
        """
        rules = self._of(url)
        if not rules.can_fetch(url, AGENT):
            raise FetchError(f"{url}: the site's robots.txt does not allow '{AGENT}' to fetch it; ask the publisher")
        return rules.crawl_delay(AGENT) or 0.0

    def _of(self, url: str) -> Protego:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            self._rules[site] = self._parsed(f"{site}/robots.txt")
        return self._rules[site]

    def _parsed(self, address: str) -> Protego:
        """The rules; none where the site has no such file, as RFC 9309, 2.3.1.3 has it."""
        from protego import Protego

        try:
            return Protego.parse(self._read(address))
        except AnswerError as error:
            if error.http_status in _UNAVAILABLE and error.http_status != _ASK_LATER:
                return Protego.parse("")
            raise FetchError(f"{error}; without it nothing may be fetched: try again later") from error
