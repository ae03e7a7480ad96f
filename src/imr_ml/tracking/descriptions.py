"""What is told of a run and of a model in words and tables: Markdown, as the MLflow UI shows it.

Knows trained models and their rivals. Knows nothing of MLflow's functions. No text of a request comes in here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from imr_ml.evaluation.comparison import LESS_IS_BETTER, METRICS, MODEL, baselines_of
from imr_ml.reporting.rivals import TITLES, Rival

if TYPE_CHECKING:
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.training import DataFacts, TrainedModel

SYNTHETIC = "Synthetic sample corpus: these figures say nothing about real decisions."
OF_RUN = "run:"
"""Stands in a link for the run's own artifacts, whose address is known when the run is made."""


def summary(trained: TrainedModel) -> str:
    """One line on a model, for the list of its versions."""
    estimates = trained.evaluation.estimates[MODEL]
    families = estimates.get("family.f1_micro")
    told = f"{trained.data.requests} requests; outcome ROC AUC {estimates['outcome.roc_auc']}"
    told += f"; families' micro F1 {families}" if families else ""
    return f"SYNTHETIC sample corpus; {told}" if trained.data.is_synthetic else told


def description(trained: TrainedModel, rivals: tuple[Rival, ...], links: Mapping[str, str]) -> str:
    """The run's description in Markdown: what was trained on, and each metric beside its baselines.

    Parameters
    ----------
    trained : TrainedModel
    rivals : tuple of Rival
        Recorded beside it.
    links : dict
        Title -> path among the run's artifacts.
    """
    settings = trained.evaluation.settings
    columns = [MODEL, *dict.fromkeys(name for metric in METRICS for name in baselines_of(metric))]
    estimates = {MODEL: trained.evaluation.estimates[MODEL], **{rival.key: rival.estimates for rival in rivals}}
    columns = [name for name in columns if name in estimates]
    lines = [
        *_about_data(trained.data),
        "",
        "| metric | " + " | ".join(TITLES.get(name, name) for name in columns) + " |",
        "|---|" + "---|" * len(columns),
        *(
            f"| {_title(metric)} | " + " | ".join(_cells(estimates, metric, columns)) + " |"
            for metric in METRICS
            if metric in estimates[MODEL]
        ),
        "",
        f"Brackets: 95 % interval, {settings.resamples} resamples of the cases; {settings.folds} folds by "
        f"case, {settings.repeats} time(s).",
        *(f"- {name}: {value:.3f}" for name, value in trained.coverage.items()),
        *([""] if links else []),
        " · ".join(f"[{title}]({OF_RUN}{path})" for title, path in links.items()),
    ]
    return "\n".join(lines).rstrip()


def rival_description(rival: Rival, trained: TrainedModel) -> str:
    """What a rival is, and its figures."""
    lines = [
        *_about_data(trained.data),
        "",
        rival.description,
        "",
        "| metric | value |",
        "|---|---|",
        *(f"| {_title(metric)} | {estimate} |" for metric, estimate in rival.estimates.items()),
    ]
    return "\n".join(lines)


def _about_data(data: DataFacts) -> list[str]:
    return [
        *([f"**{SYNTHETIC}**", ""] if data.is_synthetic else []),
        f"{data.requests} requests of {data.cases} cases, {data.overturned} overturned "
        f"({data.overturned / data.requests:.1%}); source {data.source}.",
    ]


def _title(metric: str) -> str:
    return f"{metric} (less is better)" if metric in LESS_IS_BETTER else metric


def _cells(estimates: Mapping[str, Mapping[str, Estimate]], metric: str, columns: list[str]) -> Iterator[str]:
    for name in columns:
        estimate = estimates[name].get(metric)
        if estimate is None:
            yield "-"
        else:
            yield f"**{estimate}**" if name == MODEL else f"{estimate.value:.3f}"
