"""Print a quality report, or write it as JSON or an HTML page.

What is shown is what it holds: kinds, counts and places.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from imr_ml.quality.types import Finding, Level, QualityReport, SourceBalance

if TYPE_CHECKING:
    from rich.table import Table

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from imr_ml.files import atomic_write
from imr_ml.templates import template

_PLACES_SHOWN = 3
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFORMATION: "dim"}


def findings_table(report: QualityReport) -> Table:
    """The findings, a row each, with the first places of each."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for header in ("level", "finding", "rows", "where", "what to do"):
        table.add_column(header, justify="right" if header == "rows" else "left", overflow="fold")
    for one in report.findings:
        cells = (one.level, one.says, f"{one.rows:,}" if one.rows else "", where(one, _PLACES_SHOWN), one.mend)
        # As text, so that a bracket in a column's name is no markup.
        table.add_row(*map(Text, cells), style=_STYLES[one.level])
    return table


def where(finding: Finding, most: int) -> str:
    """The first places of a finding, a line each."""
    lines = [str(place) for place in finding.places[:most]]
    return "\n".join([*lines, "..."] if len(finding.places) > most else lines)


def summary_lines(report: QualityReport) -> list[str]:
    """What was checked, how its outcomes are spread, and the verdict: lines for people."""
    counts = report.levels
    verdict = ", ".join(f"{counts[level]} {_plural(level, counts[level])}" for level in (Level.ERROR, Level.WARNING))
    return [
        f"{report.table}: {report.rows:,} requests of {report.cases:,} cases",
        *(f"  {describe_balance(each)}" for each in report.sources),
        verdict if any(counts.values()) else "nothing found",
    ]


def describe_balance(balance: SourceBalance) -> str:
    """A source's share overturned, in words."""
    if balance.share is None:
        return f"{balance.source}: {balance.requests:,} requests, none decided"
    published = ""
    if balance.published:
        low, high = balance.published
        published = f"; published years have {low:.0%} to {high:.0%}"
    return (
        f"{balance.source}: {balance.overturned:,} of {balance.decided:,} decided requests overturned, "
        f"{balance.share:.1%} [{balance.low:.1%}, {balance.high:.1%}]{published}"
    )


def report_json(report: QualityReport) -> str:
    """All of a report as JSON."""
    content = {"levels": report.levels, **asdict(report)}
    return json.dumps(content, indent=2, allow_nan=False)


def _plural(level: Level, count: int) -> str:
    return level if count == 1 else f"{level}s"


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
        describe_balance=describe_balance,
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
