"""Write rates as one HTML page with charts and the decisions behind each rate."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.types import FAMILIES
from imr_ml.rates.counting import AnsweredRequests, Rates, cell_records, count_rates
from imr_ml.rates.questions import MISSING, QUESTIONS, RatesError
from imr_ml.reporting.names import FAMILY_NAMES
from imr_ml.reporting.pages import page_resource, write_html

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

PAGE_QUESTIONS = ("treatment", "quarter", "year")
"""Questions that the page shows in addition to those selected."""
MAX_BARS, MAX_TREATMENTS = 40, 15
MAX_LISTED, MAX_LISTED_PER_PAIR = 50, 20
MAX_TEXT_CHARACTERS = 2_000
_PACKAGE = "imr_ml.rates"
_MAX_ID_CHARACTERS = 80
_LISTED = ("case_number", "item", "families", "imr_guideline")


@cache
def chart_library() -> str:
    """Bundle Vega-Lite and its dependencies as one script that sets ``window.vegaEmbed``.

    Raises
    ------
    RatesError
        If vl-convert, which contains them, is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise RatesError("--html needs vl-convert-python: pip install 'imr-ml[charts]'") from None
    # The script must not end the script element around it.
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).replace("</script", "<\\/script")


def write_page(
    answered: AnsweredRequests,
    rates: Rates,
    target: Path,
    library: str,
    *,
    comparison: str = "",
    with_text: bool = False,
) -> None:
    """Write the page.

    Parameters
    ----------
    answered : AnsweredRequests
        Includes answers to `PAGE_QUESTIONS`.
    rates : Rates
        Rates of these requests.
    target : Path
        Written atomically.
    library : str
        Result of `chart_library`.
    comparison : str, optional
        Result of `compare_values`.
    with_text : bool, default False
        List decisions with the text of their request.
    """
    data = _page_data(answered, rates, with_text=with_text)
    write_html(
        target,
        _PACKAGE,
        "rates",
        [library, page_resource("dom.js") + page_resource("rates.js", _PACKAGE)],
        data,
        facts=rates.facts,
        chance=rates.chance,
        overall=rates.overall,
        labels=[QUESTIONS[name].label for name in rates.by],
        cells=data["cells"],
        all_cells=len(rates.cells),
        comparison=comparison,
        with_text=with_text,
        has_families=bool(data["families"]),
        trend=data["trend"],
    )


def _page_data(answered: AnsweredRequests, rates: Rates, *, with_text: bool) -> dict[str, Any]:
    names = rates.by
    singles = [count_rates(answered, [name]).cells for name in names]
    shown = [_most_frequent(cells, name) for cells, name in zip(singles, names, strict=True)]
    trend = _trend(answered)
    cells = rates.cells
    for name, values in zip(names, shown, strict=True):
        cells = cells[cells[name].isin(values)]
    return {
        "by": [{"name": name, "label": QUESTIONS[name].label} for name in names],
        "values": shown,
        "overall": rates.overall["rate"],
        "is_sample": rates.facts.is_sample,
        "bars": cell_records(singles[0][singles[0][names[0]].isin(shown[0])], names[:1]),
        "cells": cell_records(cells, names),
        "trend": trend,
        "families": _families_by_treatment(answered),
        "listed": MAX_LISTED,
        "with_text": with_text,
        "decisions": _decisions(answered, names, shown, with_text=with_text),
    }


def _most_frequent(cells: pd.DataFrame, name: str) -> list[str]:
    """Select the values with most requests for the charts; values of an ordered question are in order."""
    values = cells[name].head(MAX_BARS).tolist()
    return sorted(values, key=lambda value: (value in MISSING, value)) if QUESTIONS[name].is_ordered else values


def _trend(answered: AnsweredRequests) -> list[dict[str, Any]]:
    """Count by quarter, or by year if the table has no dates."""
    for name in ("quarter", "year"):
        cells = count_rates(answered, [name]).cells
        dated = cells[~cells[name].isin(MISSING)].sort_values(name)
        if len(dated):
            return cell_records(dated, (name,))
    return []


def _families_by_treatment(answered: AnsweredRequests) -> list[dict[str, Any]]:
    """Compute the share of each treatment's requests whose reviewer cites a family; empty without known citations."""
    cells = count_rates(answered, ["treatment", "family"]).cells
    cells = cells[cells["family"].isin(FAMILIES) & ~cells["treatment"].isin(MISSING)]
    total = count_rates(answered, ["treatment"]).cells.set_index("treatment")["requests"]
    first = [name for name in total.index if name not in MISSING][:MAX_TREATMENTS]
    return [
        {
            "treatment": row["treatment"],
            "family": FAMILY_NAMES[row["family"]],
            "requests": int(row["requests"]),
            "of": int(total[row["treatment"]]),
            "share": round(row["requests"] / int(total[row["treatment"]]), 4),
        }
        for row in cells[cells["treatment"].isin(first)].to_dict("records")
    ]


def _decisions(
    answered: AnsweredRequests, names: tuple[str, ...], shown: list[list[str]], *, with_text: bool
) -> list[list[Any]]:
    """List case number, item, outcome, date, citation, values and, if selected, text of the latest decisions."""
    requests, answers = answered.requests.reset_index(drop=True), answered.answers.reset_index(drop=True)
    rows = _latest_rows(requests, answers, names, shown)
    requests, answers = requests.iloc[rows], answers.iloc[rows]
    cells = answered.read_rows(rows, [*_LISTED, *(["request"] if with_text else [])])
    columns = [
        _identifiers(cells, "case_number"),
        _identifiers(cells, "item"),
        requests["outcome"].astype("object").tolist(),
        _dates(requests),
        _citations(cells),
        *(answers[name].astype("object").str.split(FAMILY_SEPARATOR).tolist() for name in names),
        *([cells["request"].astype("object").fillna("").str[:MAX_TEXT_CHARACTERS].tolist()] if with_text else []),
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _latest_rows(
    requests: pd.DataFrame, answers: pd.DataFrame, names: tuple[str, ...], shown: list[list[str]]
) -> NDArray[np.int64]:
    """Select the latest decisions of each value and of each pair of values, the latest first."""
    dates = (
        pd.to_datetime(requests["decision_date"]) if "decision_date" in requests else pd.Series(pd.NaT, answers.index)
    )
    latest = dates.sort_values(ascending=False, kind="stable").index
    selected: set[int] = set()
    for group, most in ((names[:1], MAX_LISTED), (names, MAX_LISTED if len(names) == 1 else MAX_LISTED_PER_PAIR)):
        split = answers.loc[latest, list(group)].astype("object")
        for name, values in zip(group, shown, strict=False):
            split = split.assign(**{name: split[name].str.split(FAMILY_SEPARATOR)}).explode(name)
            split = split[split[name].isin(values)]
        selected |= set(split.groupby(list(group), sort=False).head(most).index)
    rows: NDArray[np.int64] = latest[latest.isin(selected)].to_numpy()
    return rows


def _identifiers(requests: pd.DataFrame, column: str) -> list[str]:
    cells = requests[column].astype("object").where(requests[column].notna(), "")
    return [f"{cell:g}" if isinstance(cell, float) else str(cell)[:_MAX_ID_CHARACTERS] for cell in cells]


def _dates(requests: pd.DataFrame) -> list[str]:
    if "decision_date" not in requests:
        return [""] * len(requests)
    return pd.to_datetime(requests["decision_date"]).dt.strftime("%Y-%m-%d").fillna("").tolist()


def _citations(requests: pd.DataFrame) -> list[str]:
    """Name the cited guidelines by the titles of the taxonomy, else by family; the text of the letter is not shown."""
    columns = (requests[name].astype("string").fillna("") for name in ("imr_guideline", "families"))
    pairs = list(zip(*columns, strict=True))
    names = {pair: _citation(*pair) for pair in set(pairs)}
    return [names[pair] for pair in pairs]


def _citation(text: str, families: str) -> str:
    cited = find_citations(text) if text else []
    titles = [
        f"{FAMILY_NAMES[citation.family]}: {citation.title}{f' ({citation.year})' if citation.year else ''}"
        if citation.guideline
        else FAMILY_NAMES[citation.family]
        for citation in cited
    ]
    family_names = [FAMILY_NAMES[name] for name in families.split(FAMILY_SEPARATOR) if name in FAMILY_NAMES]
    return "; ".join(dict.fromkeys(titles or family_names))
