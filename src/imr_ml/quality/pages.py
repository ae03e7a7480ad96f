"""A check's findings as one page to look at in a browser, which needs no network, no script and no other file.

Knows the template and its style. Text goes in as text, by autoescaping; a policy in the page forbids any script and any
style but its own.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from imr_ml.files import atomic_write
from imr_ml.quality.showing import balance_told
from imr_ml.quality.types import Level, QualityReport
from imr_ml.templates import template

MOST_PLACES_ON_PAGE = 50
_SCALES = (0.2, 0.5, 1.0)
"""Shares that the axis of the balance may end at."""


@dataclass(frozen=True, slots=True)
class YearBar:
    """A year's decided requests as a column, in percent of the tallest."""

    year: int
    upheld: int
    overturned: int
    upheld_percent: float
    overturned_percent: float


def write_page(report: QualityReport, target: Path, checked_at: datetime) -> None:
    """Write a report as one HTML page.

    Raises
    ------
    OSError
        Where the file can't be written.
    """
    from markupsafe import Markup

    style = (files("imr_ml.quality") / "page" / "page.css").read_text("utf-8")
    page = template("imr_ml.quality", "page", "page.html.jinja").render(
        report=report,
        levels=list(Level),
        checked_at=checked_at,
        years=year_bars(report),
        scale=scale_of(report),
        balance_told=balance_told,
        most_places=MOST_PLACES_ON_PAGE,
        style=Markup(style),  # noqa: S704 - a file of this package
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    with atomic_write(target) as made:
        made.write_text(page, encoding="utf-8", newline="\n")


def year_bars(report: QualityReport) -> list[YearBar]:
    """A column for each year."""
    highest = max((each.upheld + each.overturned for each in report.years), default=0) or 1
    return [
        YearBar(
            each.year,
            each.upheld,
            each.overturned,
            round(100 * each.upheld / highest, 2),
            round(100 * each.overturned / highest, 2),
        )
        for each in report.years
    ]


def scale_of(report: QualityReport) -> float:
    """Share that the full width of the balance stands for: the least that leaves nothing out."""
    ends = [each.high or 0 for each in report.sources] + [
        each.published[1] for each in report.sources if each.published
    ]
    return next((scale for scale in _SCALES if max(ends, default=0) <= scale), _SCALES[-1])
