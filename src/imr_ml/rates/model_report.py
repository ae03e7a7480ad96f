"""Write the report of a training run: model card, figures and rates of the training data on one page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from imr_ml.evaluation.intervals import Estimate
from imr_ml.rates.counting import Rates, answer_requests, cell_records, count_rates
from imr_ml.rates.questions import MISSING, QUESTIONS
from imr_ml.reporting.card.wording import format_dates
from imr_ml.reporting.figures.canvas import intervals_figure, save
from imr_ml.reporting.pages import write_html

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd
    from markupsafe import Markup
    from matplotlib.figure import Figure

    from imr_ml.training import TrainedModel

REPORT = "report.html"
REPORT_QUESTIONS = ("category", "family", "quarter")
MAX_POINTS = 24
_PNG = "data:image/png;base64,"
_DATA, _GOOD, _USE, _LIMITS = "Data", "How good it is", "Intended use", "Limits"
_CAPTIONS = {
    "beside_baselines": "The model and simpler predictions. The base rate is the same for every request; plain TF-IDF "
    "uses only the words; UR's families predicts that the reviewer cites what utilization review cited.",
    "roc": "Ranking. The area is how often an overturned request gets a higher probability than an upheld one: 0.5 is "
    "chance, 1 is perfect.",
    "reliability": "Calibration. Of requests with a probability of 20 %, a fifth should be overturned, as on the "
    "dashed line.",
    "slices": "Performance by kind of request; the dashed line is for all requests. By chance alone, about two of 40 "
    "slices are outside their 95 % interval.",
    "confusion": "Errors if every request with a probability above the base rate is predicted as overturned.",
    "score_histogram": "Predicted probabilities of requests that were overturned and of those upheld.",
    "family_f1": "Performance by guideline family that the reviewer cites; 1 is perfect.",
}
_PICTURES = {
    _GOOD: ("beside_baselines", "roc", "reliability"),
    _LIMITS: ("confusion", "score_histogram", "slices"),
    "Guideline families": ("family_f1",),
}
_WIDE = ("beside_baselines", "slices")


def report_rates(requests: pd.DataFrame) -> tuple[Rates, ...]:
    """Count the decided training requests by `REPORT_QUESTIONS`."""
    is_decided = requests["outcome"].notna()
    decided = requests if is_decided.all() else requests[is_decided]
    answered = answer_requests(decided, REPORT_QUESTIONS, "training data")
    return tuple(count_rates(answered, [name]) for name in REPORT_QUESTIONS)


def rates_figure(rates: Rates) -> Figure:
    """Plot the rates by the first question with intervals, and the overall rate as a dashed line."""
    [name, *_] = rates.by
    cells = rates.cells.dropna(subset=["rate"]).head(MAX_POINTS)
    if QUESTIONS[name].is_ordered:
        cells = cells[~cells[name].isin(MISSING)].sort_values(name)
    rows = {
        f"{row[name]} ({row['requests']:,})": Estimate(row["rate"], row["low"], row["high"])
        for row in cells.to_dict("records")
    }
    return intervals_figure(
        f"Share overturned by {QUESTIONS[name].label.lower()}, with 95 % intervals",
        rows,
        is_sample=rates.facts.is_sample,
        line=rates.overall["rate"],
        label="share overturned; dashed: all requests; in brackets: number of requests",
    )


def write_model_report(trained: TrainedModel, card: str, figures: Path, rates: tuple[Rates, ...], target: Path) -> None:
    """Write the report.

    Parameters
    ----------
    trained : TrainedModel
    card : str
        Model card, in Markdown.
    figures : Path
        Folder of the model's figures as PNG, to which those of the rates are added. Missing figures are left out.
    rates : tuple of Rates
        Result of `report_rates`.
    target : Path
        Written atomically.
    """
    title, lead, sections = _parse_card(card)
    for table in rates:
        save(rates_figure(table), figures / f"rates_{table.by[0]}.png")
    write_html(
        target,
        "imr_ml.rates",
        "model_report",
        is_sample=trained.data.is_synthetic,
        title=title,
        lead=lead,
        facts=trained.data,
        decided=format_dates(trained.evaluation.labels.decided_year),
        use=sections.pop(_USE),
        limits=sections.pop(_LIMITS),
        sections=sections,
        pictures={section: _pictures(figures, names) for section, names in _PICTURES.items()},
        rates=[
            {
                "label": QUESTIONS[table.by[0]].label,
                "facts": table.facts,
                "chance": table.chance,
                "cells": cell_records(table.cells, table.by),
                "pictures": _pictures(figures, [f"rates_{table.by[0]}"]),
            }
            for table in rates
        ],
    )


def _parse_card(card: str) -> tuple[str, Markup, dict[str, Markup]]:
    """Split a model card into its title, the text above its first section, and its sections by title, as HTML."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    # The card quotes names from tables, which must not be parsed as HTML.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    head, *parts = card.split("\n## ")
    title, _, lead = head.partition("# Model card: ")[2].partition("\n")
    texts = {"": lead} | dict(part.split("\n", 1) for part in parts)
    sections = {
        name.replace("`", ""): Markup(markdown.render(text))  # noqa: S704 - HTML in it is escaped
        for name, text in texts.items()
    }
    return title.replace("`", ""), sections.pop(""), sections


def _pictures(figures: Path, names: Iterable[str]) -> list[dict[str, str | bool]]:
    """List name, caption, image as a ``data:`` URL and width of each existing picture."""
    images = {name: figures / f"{name}.png" for name in names}
    return [
        {
            "name": name,
            "caption": _CAPTIONS.get(name, ""),
            "url": _PNG + base64.b64encode(image.read_bytes()).decode(),
            "is_wide": name in _WIDE,
        }
        for name, image in images.items()
        if image.is_file()
    ]
