"""A request of which a part was authorized: what was requested, what was authorized, what is left in dispute.

Knows the two ways in which letters word it, in three sentences each. Knows nothing of layout.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ORIGINAL = re.compile(r"\s+(?:was|were) the original request\.\s*", re.IGNORECASE)
_IS = r"(?:\s+(?:is|are))?\s*$"
# "Y was authorized by the Claims Administrator. The remaining IMR eligible portion of the original request, Z is"
_PART_LEFT = re.compile(
    r"(?P<authorized>.+?)\s+(?:was|were) (?:authorized|certified|approved) by the claims administrator\.?\s*"
    rf"the remaining (?:IMR[ -]eligible )?portion of the original request,?\s*(?P<disputed>.+?){_IS}",
    re.IGNORECASE,
)
# "The Claims Administrator authorized Y, leaving the original request IMR eligible. The original request, X is"
_ALL_LEFT = re.compile(
    r"the claims administrator (?:authorized|certified|approved) (?P<authorized>.+?),? leaving the original request "
    rf"(?:as )?IMR[ -]eligible\.?\s*the original request,?\s*(?P<disputed>.+?){_IS}",
    re.IGNORECASE,
)
_MAX_CHARACTERS = 5_000


class Partial(NamedTuple):
    """The three parts of a partly authorized request."""

    requested: str
    authorized: str
    disputed: str


def read_partial(request: str) -> Partial | None:
    """The parts of a partly authorized request; None for any other.

    Examples
    --------
    >>> read_partial(
    ...     "Massage, 6 visits was the original request. Massage, 2 visits was authorized by the Claims Administrator. "
    ...     "The remaining IMR eligible portion of the original request, massage, 4 visits is"
    ... )
    Partial(requested='Massage, 6 visits', authorized='Massage, 2 visits', disputed='massage, 4 visits')
    """
    original = _ORIGINAL.search(request[:_MAX_CHARACTERS])
    if not original:
        return None
    rest = request[original.end() : _MAX_CHARACTERS]
    parts = _PART_LEFT.match(rest) or _ALL_LEFT.match(rest)
    return Partial(request[: original.start()], parts["authorized"], parts["disputed"]) if parts else None
