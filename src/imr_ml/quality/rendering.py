"""Render a quality report as lines, a table, JSON or an HTML page; only kinds, counts and places are shown."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup
from rich.table import Table
from rich.text import Text

from imr_ml.files import atomic_write
from imr_ml.quality.report import Level, QualityReport, SourceBalance
from imr_ml.templates import template

MOST_PLACES_ON_PAGE = 50
_PLACES_IN_TABLE = 3
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFORMATION: "dim"}
_SCALES = (0.2, 0.5, 1.0)
"""Shares that the axis of the balance may end at."""


def findings_table(report: QualityReport) -> Table:
    """The findings, a row each, with the first places of each."""
    table = Table()
    for header in ("level", "finding", "rows", "where", "what to do"):
        table.add_column(header, justify="right" if header == "rows" else "left", overflow="fold")
    for finding in report.findings:
        places = [*map(str, finding.places[:_PLACES_IN_TABLE]), *["..."] * (len(finding.places) > _PLACES_IN_TABLE)]
        rows = f"{finding.rows:,}" if finding.rows else ""
        # As text, so that a bracket in a column's name is no markup.
        cells = map(Text, (finding.level, finding.says, rows, "\n".join(places), finding.mend))
        table.add_row(*cells, style=_STYLES[finding.level])
    return table


def finding_lines(report: QualityReport) -> list[str]:
    """Errors and warnings, one line each, with their first place and what to do."""
    return [
        f"{one.level}: {one.says}{f' ({one.rows:,} rows, first {one.places[0]})' if one.places else ''}; {one.mend}"
        for one in report.findings
        if one.level is not Level.INFORMATION
    ]


def summary_lines(report: QualityReport) -> list[str]:
    """What was checked, the share overturned of each source, and the number of errors and warnings."""
    counts = report.levels
    serious = (Level.ERROR, Level.WARNING)
    verdict = ", ".join(f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in serious)
    return [
        f"{report.table}: {report.rows:,} requests of {report.cases:,} cases",
        *(f"  {describe_balance(source)}" for source in report.sources),
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
    """A whole report as JSON."""
    return json.dumps({"levels": report.levels, **asdict(report)}, indent=2, allow_nan=False)


def write_page(report: QualityReport, target: Path, checked_at: datetime) -> None:
    """Write a report as one HTML page.

    Parameters
    ----------
    report : QualityReport
    target : Path
    checked_at : datetime
        Time that the page shows.

    Raises
    ------
    OSError
        Where the file can't be written.
    """
    style = (files("imr_ml.quality") / "page" / "page.css").read_text("utf-8")
    page = template("imr_ml.quality", "page", "page.html.jinja").render(
        report=report,
        levels=list(Level),
        checked_at=checked_at,
        highest=max((year.upheld + year.overturned for year in report.years), default=0) or 1,
        scale=scale_of(report),
        describe_balance=describe_balance,
        most_places=MOST_PLACES_ON_PAGE,
        style=Markup(style),  # noqa: S704 - a file of this package
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    with atomic_write(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def scale_of(report: QualityReport) -> float:
    """Share at the end of the balance's axis: the smallest that contains all shares."""
    shares = [source.high or 0 for source in report.sources]
    shares += [source.published[1] for source in report.sources if source.published]
    return next((scale for scale in _SCALES if max(shares, default=0) <= scale), _SCALES[-1])
