"""The ``Retry-After`` header (RFC 9110, 10.2.3): seconds, or an HTTP date.

Knows nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


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
