"""robots.txt (RFC 9309) of each site that is asked.

Knows rules and crawl delays. How pages are got, it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imr_ml.fetch.types import AnswerError, FetchError

if TYPE_CHECKING:
    from protego import Protego

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
