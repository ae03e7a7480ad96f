"""A check's findings for a terminal and as JSON.

Knows the report. What is shown is what it holds: kinds, counts and places.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from imr_ml.quality.types import Finding, Level, QualityReport, SourceBalance

if TYPE_CHECKING:
    from rich.table import Table

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


def told(report: QualityReport) -> list[str]:
    """What was checked, how its outcomes are spread, and the verdict: lines for people."""
    counts = report.levels
    verdict = ", ".join(f"{counts[level]} {_plural(level, counts[level])}" for level in (Level.ERROR, Level.WARNING))
    return [
        f"{report.table}: {report.rows:,} requests of {report.cases:,} cases",
        *(f"  {balance_told(each)}" for each in report.sources),
        verdict if any(counts.values()) else "nothing found",
    ]


def balance_told(balance: SourceBalance) -> str:
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
