"""Write the batch report page from scored chunks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.guidelines.types import FAMILIES
from imr_ml.reporting import names
from imr_ml.reporting.batch_page.facts import ReportFacts
from imr_ml.reporting.batch_page.rows import FIELDS, LONGEST_TEXT, PageRows, family_bars, histogram
from imr_ml.reporting.batch_page.totals import Totals
from imr_ml.reporting.pages import page_resource, write_html
from imr_ml.templates import template

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 5_000
# In the order in which they need each other.
_SCRIPTS = ("dom.js", "places.js", "rows.js", "table.js", "evidence.js", "panel.js", "main.js")


def write_report(chunks: Iterable[pd.DataFrame], target: Path, facts: ReportFacts, *, limit: int = MOST_ROWS) -> None:
    """Write a scored batch as one HTML page.

    Parameters
    ----------
    chunks : iterable of DataFrame
        The scored rows in order: the user's columns, then those that scoring adds. ``evidence`` and ``precedents`` are
        JSON and may be absent, as may families.
    target : Path
        Appears when all is written.
    facts : ReportFacts
    limit : int, default 5,000
        Rows that the page holds at most, the first ones; its figures count all.

    Raises
    ------
    OSError
        Where the file can't be written.
    """
    totals, kept = Totals(), PageRows(limit)
    for chunk in chunks:
        totals.add(chunk, facts)
        kept.add(chunk, facts)
    write_html(
        target,
        template("imr_ml.reporting.batch_page", "page", "page.html.jinja"),
        page_resource("page.css"),
        ["\n".join(map(page_resource, _SCRIPTS))],
        _data(totals, kept, facts),
        facts=facts,
        totals=totals,
        on_page=len(kept.rows),
        histogram=histogram(totals.histogram, facts.base_rate),
        families=family_bars(totals, names.FAMILY_NAMES),
    )


def _data(totals: Totals, kept: PageRows, facts: ReportFacts) -> dict[str, Any]:
    return {
        "fields": FIELDS,
        "rows": kept.rows,
        "texts": kept.texts,
        "cut": kept.cut,
        "longest_text": LONGEST_TEXT,
        "families": FAMILIES,
        "names": {
            "families": names.FAMILY_NAMES,
            "tiers": names.TIER_NAMES,
            "facts": names.FACT_NAMES,
            "sections": names.SECTION_NAMES,
        },
        "is_sample": facts.is_sample_model or totals.sample_rows > 0,
        "mean_p": totals.mean_p,
    }
