"""Check dates, ages and possible identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from imr_ml.quality.settings import Settings
from imr_ml.quality.types import Flagged, Rows

if TYPE_CHECKING:
    import pandas as pd

import re
from functools import cache

from imr_ml.quality.settings import Identifier

_DAYS_A_YEAR = 365.25
_DATES = ("date_of_injury", "ur_denial_date", "application_received", "decision_date")


def impossible_dates(rows: Rows, settings: Settings, today: date) -> Iterator[Flagged]:
    """Dates out of order, beyond `today` or before the program; a missing date is in order with any."""
    import pandas as pd

    injury, denial, application, decision = (pd.to_datetime(rows.column(name)) for name in _DATES)
    yield Flagged.where(denial < injury, "denial_before_injury", "ur_denial_date")
    yield Flagged.where(application < denial, "application_before_denial", "application_received")
    late = decision < application
    yield Flagged.where(late, "decision_before_application", "decision_date")
    yield Flagged.where(((decision < injury) | (decision < denial)) & ~late, "decision_before_injury", "decision_date")
    for name, dates in zip(_DATES, (injury, denial, application, decision), strict=True):
        yield Flagged.where(dates > pd.Timestamp(today), "future_date", name)
    year = pd.to_numeric(rows.column("decision_year"))
    yield Flagged.where(year > today.year, "future_date", "decision_year")
    yield Flagged.where(decision.dt.year.ne(year) & decision.notna() & year.notna(), "year_differs", "decision_year")
    first = pd.to_datetime(rows.column("source").map(settings.thresholds.first_decision))
    early = (decision < first) | (decision.isna() & (year < first.dt.year))
    yield Flagged.where(
        early, "decision_too_early", "decision_date" if "decision_date" in rows.typed else "decision_year"
    )
    longest = settings.thresholds.longest_since_injury_years
    last = decision.fillna(application).fillna(denial)
    yield Flagged.where(_years(injury, last) > longest, "old_injury", "date_of_injury")


def impossible_ages(rows: Rows, settings: Settings) -> Iterator[Flagged]:
    """Ages out of their source's range, and those by which a child was at work."""
    import pandas as pd

    age = pd.to_numeric(rows.column("age"))
    source = rows.column("source")
    youngest = source.map({name: ages[0] for name, ages in settings.thresholds.ages.items()})
    oldest = source.map({name: ages[1] for name, ages in settings.thresholds.ages.items()})
    yield Flagged.where(
        (age < youngest.astype("float64")) | (age > oldest.astype("float64")), "age_out_of_range", "age"
    )
    yield Flagged.where(age.notna() & (age % 1 != 0), "age_not_whole", "age")
    injury, decision = (pd.to_datetime(rows.column(name)) for name in ("date_of_injury", "decision_date"))
    # The worker may turn a year older between the summary's writing and the birthday that it does not tell.
    at_injury = age + 1 - _years(injury, decision)
    yield Flagged.where(at_injury < settings.thresholds.youngest_at_injury, "too_young_at_injury", "age")


def _years(start: pd.Series, end: pd.Series) -> pd.Series:
    return (end - start).dt.days / _DAYS_A_YEAR


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
