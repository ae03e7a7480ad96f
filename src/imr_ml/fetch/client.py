"""Send polite HTTP requests: one at a time, with pauses, robots.txt, ``Retry-After`` and bounded retries."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx
from protego import Protego
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from imr_ml.decoding import decode_text
from imr_ml.fetch.types import AnswerError, FetchError, RequestPolicy

AGENT = "imr-ml"
MAX_BYTES = 25_000_000
"""No letter or page is nearly as large."""
_OK = 200
_TOO_MANY_REQUESTS = 429
_TRANSIENT = (408, 425, _TOO_MANY_REQUESTS, 500, 502, 503, 504)
_CLIENT_ERRORS = range(400, 500)
_MAX_REDIRECTS = 5
_MAX_RESPONSE_TIMEOUTS = 10
"""Time limit of a whole response, as a multiple of the wait for its next bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with status 200, or a stored file without a status; `url` is the final address after redirects."""

    url: str
    http_status: int | None
    content_type: str
    content: bytes

    @property
    def text(self) -> str:
        """The content as text."""
        return decode_text(self.content)


class _TransientError(AnswerError):
    """A failure that may not occur on another try."""

    def __init__(self, reason: str, http_status: int | None = None, retry_after: float = 0.0) -> None:
        self.retry_after_s = retry_after
        super().__init__(reason, http_status, is_site_down=True)


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Convert a ``Retry-After`` header to seconds, 0 for a past time; return None for other text.

    Examples
    --------
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> retry_after_s("120", noon), retry_after_s("Mon, 05 Jan 2026 12:00:30 GMT", noon), retry_after_s("soon", noon)
    (120.0, 30.0, None)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


_certificates = cache(httpx.create_ssl_context)
"""Trusted certificate authorities, loaded once, as this takes a tenth of a second."""


class PoliteClient:
    """Sends one request after another."""

    def __init__(self, policy: RequestPolicy) -> None:
        self._policy = policy
        self._robots: dict[str, Protego] = {}
        self._reads_robots = False
        self._next_request_at = 0.0
        agent = f"{AGENT}/{version('imr-ml')}"
        self._http = httpx.Client(
            headers={"User-Agent": f"{agent} (+{policy.contact})" if policy.contact else agent},
            timeout=policy.timeout_s,
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            verify=_certificates(),
            event_hooks={"request": [self._check_and_pause]},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, url: str, form: dict[str, str] | None = None) -> Answer:
        """Get an address, or post a form to it.

        Raises
        ------
        AnswerError
            If all tries that the policy allows fail.
        FetchError
            If robots.txt forbids the request, or the site asks to wait longer than the policy allows.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(self._policy.tries),
            wait=self._wait_s,
            reraise=True,
        )
        return retrying(self._request_once, url, form)

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        retry_after = error.retry_after_s if isinstance(error, _TransientError) else 0.0
        return max(retry_after, self._policy.backoff_s * float(2 ** (state.attempt_number - 1)))

    def _request_once(self, url: str, form: dict[str, str] | None) -> Answer:
        try:
            with self._http.stream("POST" if form else "GET", url, data=form) as response:
                self._check_status(response, url)
                content = self._read_content(response, url)
        except httpx.TooManyRedirects as error:
            raise AnswerError(f"{url}: has more than {_MAX_REDIRECTS} redirects") from error
        except httpx.RequestError as error:
            raise _TransientError(f"{url}: no complete answer ({type(error).__name__})") from error
        finally:
            self._next_request_at = time.monotonic() + self._policy.pause_s
        content_type = response.headers.get("Content-Type", "no content type").partition(";")[0]
        return Answer(str(response.url), response.status_code, content_type, content)

    def _check_status(self, response: httpx.Response, url: str) -> None:
        status = response.status_code
        if status == _OK:
            return
        if status not in _TRANSIENT:
            raise AnswerError(f"{url}: HTTP {status}", status)
        wait_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC)) or 0.0
        if wait_s > self._policy.max_wait_s:
            raise FetchError(
                f"{url}: HTTP {status}, and asks to wait {wait_s:,.0f} s; run the same command again after that"
            )
        raise _TransientError(f"{url}: HTTP {status}", status, wait_s)

    def _read_content(self, response: httpx.Response, url: str) -> bytes:
        """Read the content of a response, up to limits of size and time."""
        content = bytearray()
        stop_at = time.monotonic() + self._policy.timeout_s * _MAX_RESPONSE_TIMEOUTS
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_BYTES:
                raise AnswerError(f"{url}: is larger than {MAX_BYTES:,} bytes", response.status_code)
            if time.monotonic() > stop_at:
                raise _TransientError(f"{url}: no complete answer (too slow)", response.status_code)
        return bytes(content)

    def _check_and_pause(self, request: httpx.Request) -> None:
        """Check and delay each request, including those after redirects."""
        crawl_delay_s = 0.0 if self._reads_robots else self._crawl_delay_s(str(request.url))
        wait_s = self._next_request_at - time.monotonic() + max(0.0, crawl_delay_s - self._policy.pause_s)
        if self._next_request_at and wait_s > 0:
            time.sleep(wait_s)
        self._next_request_at = time.monotonic() + self._policy.pause_s

    def _crawl_delay_s(self, url: str) -> float:
        """Return the crawl delay in the site's robots.txt, 0 for none; raise `FetchError` if it forbids the address."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._robots:
            self._robots[site] = self._read_robots(f"{site}/robots.txt")
        if not self._robots[site].can_fetch(url, AGENT):
            raise FetchError(f"{url}: the site's robots.txt does not allow '{AGENT}' to fetch it; ask the publisher")
        return self._robots[site].crawl_delay(AGENT) or 0.0

    def _read_robots(self, url: str) -> Protego:
        """Rules of the site; without a file everything is allowed (RFC 9309, 2.3.1.3)."""
        self._reads_robots = True
        try:
            return Protego.parse(self.request(url).text)
        except AnswerError as error:
            if error.http_status in _CLIENT_ERRORS and error.http_status != _TOO_MANY_REQUESTS:
                return Protego.parse("")
            raise FetchError(f"{error}; robots.txt must be read before fetching: try again later") from error
        finally:
            self._reads_robots = False
