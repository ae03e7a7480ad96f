"""Possible identifiers in the texts of a table: where they stand and of what kind, never what they say.

Knows the rules of `identifiers.toml`. Finds what has the form of an identifier; who a person is can also be told by
what no form gives away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from imr_ml.quality.settings import Identifier, Settings
from imr_ml.quality.types import Flagged, Rows

_WORDS = re.compile(r"[a-zß-ÿ'’]+")


def identifiers(rows: Rows, settings: Settings) -> Iterator[Flagged]:
    """Possible identifiers in the texts as they came; offsets count the cell's characters."""
    import numpy as np

    for column in dict.fromkeys(name for rule in settings.identifier.values() for name in rule.columns):
        if column not in rows.raw:
            continue
        codes, unique = rows.raw[column].astype("string").factorize()
        texts = [str(text) for text in unique]
        for kind, rule in settings.identifier.items():
            found = _found(texts, rule) if column in rule.columns else {}
            places = [(row, span) for row, code in enumerate(codes.tolist()) if code in found for span in found[code]]
            if places:
                at = np.array([row for row, _ in places], dtype=np.int64)
                yield Flagged(kind, at, column, [span for _, span in places])


def spans_of(text: str, rule: Identifier) -> list[tuple[int, int]]:
    """Where a text holds what the rule looks for: characters, half-open.

    Examples
    --------
    >>> from imr_ml.quality.settings import default_settings
    >>> rule = default_settings().entry("e_mail_address")
    >>> spans_of("Write to ann@example.org, please.", rule)
    [(9, 24)]
    """
    pattern, spans, start = _compiled(rule.pattern), [], 0
    while mark := pattern.search(text, start):
        # What bounds one find on the right may bound the next one on the left.
        start = max(mark.end("found"), start + 1)
        if not rule.not_words or _not_words(rule).isdisjoint(_WORDS.findall(mark["found"].lower())):
            spans.append(mark.span("found"))
    return spans


def _found(texts: list[str], rule: Identifier) -> dict[int, list[tuple[int, int]]]:
    """Finds by the place of the text; RE2, which is many times faster, tells which texts are worth a look."""
    import pyarrow as pa
    import pyarrow.compute as pc

    hits = pc.match_substring_regex(pa.array(texts, pa.large_string()), rule.pattern)
    spans = {place: spans_of(texts[place], rule) for place in pc.indices_nonzero(hits).to_pylist()}
    return {place: found for place, found in spans.items() if found}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # ASCII, so that Python means by letters and digits what RE2 means.
    return re.compile(pattern, re.ASCII)


@cache
def _not_words(rule: Identifier) -> frozenset[str]:
    """The rule's `not_words` as a set, made once."""
    return frozenset(rule.not_words)
