"""Dates and ages that can't be: out of their order, in the future, before the program began, of a child.

Knows the order in which things happen in a review. Knows nothing of texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from imr_ml.quality.settings import Settings
from imr_ml.quality.types import Flagged, Rows

if TYPE_CHECKING:
    import pandas as pd

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
