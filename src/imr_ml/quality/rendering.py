"""Render a quality report as lines, a table, JSON or an HTML page, without any text of the table."""

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
from imr_ml.templates import load_template

MOST_PLACES_ON_PAGE = 50
_PLACES_IN_TABLE = 3
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFORMATION: "dim"}
_SCALES = (0.2, 0.5, 1.0)
"""Possible ends of the axis of shares."""


def findings_table(report: QualityReport) -> Table:
    """Build a table of the findings, with the first places of each."""
    table = Table()
    for header in ("level", "finding", "rows", "where", "what to do"):
        table.add_column(header, justify="right" if header == "rows" else "left", overflow="fold")
    for finding in report.findings:
        places = [*map(str, finding.places[:_PLACES_IN_TABLE]), *["..."] * (len(finding.places) > _PLACES_IN_TABLE)]
        rows = f"{finding.rows:,}" if finding.rows else ""
        # As `Text`, so that brackets in a column name are not markup.
        cells = map(Text, (finding.level, finding.says, rows, "\n".join(places), finding.mend))
        table.add_row(*cells, style=_STYLES[finding.level])
    return table


def finding_lines(report: QualityReport) -> list[str]:
    """Describe errors and warnings, one line each, with their first place and what to do."""
    lines = []
    for finding in report.findings:
        if finding.level is not Level.INFORMATION:
            where = f" ({finding.rows:,} rows, first {finding.places[0]})" if finding.places else ""
            lines.append(f"{finding.level}: {finding.says}{where}; {finding.mend}")
    return lines


def summary_lines(report: QualityReport) -> list[str]:
    """Summarize the table, the share overturned by source, and the number of errors and warnings."""
    counts = report.levels
    serious = (Level.ERROR, Level.WARNING)
    result = ", ".join(f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in serious)
    return [
        f"{report.table}: {report.rows:,} requests of {report.cases:,} cases",
        *(f"  {describe_balance(source)}" for source in report.sources),
        result if any(counts.values()) else "no findings",
    ]


def describe_balance(balance: SourceBalance) -> str:
    """Describe the share overturned of a source."""
    if balance.share is None:
        return f"{balance.source}: {balance.requests:,} requests, none decided"
    published = ""
    if balance.published:
        low, high = balance.published
        published = f"; published yearly rates: {low:.0%} to {high:.0%}"
    return (
        f"{balance.source}: {balance.overturned:,} of {balance.decided:,} decided requests overturned, "
        f"{balance.share:.1%} [{balance.low:.1%}, {balance.high:.1%}]{published}"
    )


def report_json(report: QualityReport) -> str:
    """Format a report as JSON."""
    return json.dumps({"levels": report.levels, **asdict(report)}, indent=2, allow_nan=False)


def write_page(report: QualityReport, target: Path, checked_at: datetime) -> None:
    """Write a report as one HTML page.

    Parameters
    ----------
    report : QualityReport
    target : Path
        Written atomically.
    checked_at : datetime
        Time of the check, shown on the page.

    Raises
    ------
    OSError
        If the file can't be written.
    """
    style = (files("imr_ml.quality") / "page" / "page.css").read_text("utf-8")
    page = load_template("imr_ml.quality", "page", "page.html.jinja").render(
        report=report,
        levels=list(Level),
        checked_at=checked_at,
        highest=max((year.upheld + year.overturned for year in report.years), default=0) or 1,
        scale=axis_end(report),
        describe_balance=describe_balance,
        most_places=MOST_PLACES_ON_PAGE,
        style=Markup(style),  # noqa: S704 - a file of this package
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    with atomic_write(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def axis_end(report: QualityReport) -> float:
    """Choose the smallest end of the axis of shares that includes all shares."""
    shares = [source.high or 0 for source in report.sources]
    shares += [source.published[1] for source in report.sources if source.published]
    return next((scale for scale in _SCALES if max(shares, default=0) <= scale), _SCALES[-1])
