"""Name runs, and describe them in Markdown for the MLflow UI."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from imr_ml.evaluation.comparison import METRICS, MODEL, baselines_for, label_metric
from imr_ml.experiments.reading import DEFAULT, changes_from_default
from imr_ml.experiments.schema import TrainingSettings, experiment_values, flat_keys
from imr_ml.reporting.compared_models import TITLES, ComparedModel
from imr_ml.tracking.run_facts import format_param

if TYPE_CHECKING:
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.tracking.git import GitState
    from imr_ml.training import TrainedModel
    from imr_ml.training_data import DataFacts

RUN_ARTIFACT = "run:"
"""Prefix of a link to one of the run's artifacts; it becomes a URL when the run is created."""
_MAX_CHANGES, _MAX_CHANGES_LENGTH = 3, 120
_SYNTHETIC = "Synthetic sample corpus: these metrics mean nothing for real decisions."
_OWN = "The user's own decisions, not published letters: compare such models only with each other."


def name_run(
    trained: TrainedModel, git: GitState | None, compared: ComparedModel | None = None, experiment: str = DEFAULT
) -> str:
    """Name the run of the model or of a compared model; a star marks uncommitted changes.

    Parameters
    ----------
    trained : TrainedModel
    git : GitState, optional
    compared : ComparedModel, optional
        Compared model to name instead of the model.
    experiment : str
        Name of the experiment file.

    Returns
    -------
    str
        E.g. ``"tfidf+facts C=0.3 | 270 req | a1b2c3d"`` or, for settings that differ from the default,
        ``"default: outcome.C=1.0 | 270 req | a1b2c3d*"``.
    """
    changes = _describe_changes(trained.settings)
    model_title = f"{experiment}: {changes}" if changes else _name_default(trained)
    return join_name(compared.title if compared else model_title, trained.data, git)


def join_name(title: str, data: DataFacts, git: GitState | None) -> str:
    """Join the title, number of requests and commit to a run's name."""
    return " | ".join([title, f"{data.requests} req", *([git.short] if git else [])])


def _name_default(trained: TrainedModel) -> str:
    weights = trained.model.outcome_.candidate.weights
    blocks = {
        "tfidf": weights.request or weights.summary or weights.ur_guideline,
        "facts": weights.facts or weights.numbers,
    }
    kind = "+".join(name for name, weight in blocks.items() if weight)
    return f"{kind} C={flat_keys(experiment_values(trained.settings))['outcome.C']}"


def _describe_changes(settings: TrainingSettings) -> str:
    changed = changes_from_default(settings)
    shown = [f"{key}={format_param(value)}" for key, value in list(changed.items())[:_MAX_CHANGES]]
    more = [f"{len(changed) - _MAX_CHANGES} more"] if len(changed) > _MAX_CHANGES else []
    return textwrap.shorten(", ".join((*shown, *more)), _MAX_CHANGES_LENGTH, placeholder=" ...")


def summarize(trained: TrainedModel) -> str:
    """Describe a model in one line, for the list of versions."""
    estimates = trained.evaluation.estimates[MODEL]
    families = estimates.get("family.f1_micro")
    line = f"{trained.data.requests} requests; outcome ROC AUC {estimates['outcome.roc_auc']}"
    line += f"; families micro F1 {families}" if families else ""
    if trained.data.is_own:
        return f"OWN decisions (source {trained.data.source}), not published letters; {line}"
    return f"SYNTHETIC sample corpus; {line}" if trained.data.is_synthetic else line


def describe_training(trained: TrainedModel, compared: Sequence[ComparedModel], links: Mapping[str, str]) -> str:
    """Describe the model's run in Markdown: the training data, and the metrics of the model and the compared models.

    Parameters
    ----------
    trained : TrainedModel
    compared : sequence of ComparedModel
    links : dict
        Title -> path of one of the run's artifacts.
    """
    settings = trained.evaluation.settings
    estimates = {MODEL: trained.evaluation.estimates[MODEL], **{model.key: model.estimates for model in compared}}
    baselines = dict.fromkeys(name for metric in METRICS for name in baselines_for(metric))
    columns = [name for name in (MODEL, *baselines) if name in estimates]
    rows = [
        [label_metric(metric), *_cells(estimates, metric, columns)] for metric in METRICS if metric in estimates[MODEL]
    ]
    lines = [
        *describe_data(trained.data),
        *(line for note in trained.notes for line in (f"**{note}**", "")),
        *markdown_table(["metric", *(TITLES.get(name, name) for name in columns)], rows),
        "",
        f"Brackets: 95 % interval, {settings.resamples} resamples of the cases; {settings.tested_parts} by "
        f"case, {settings.repeats} time(s).",
        *(f"- {name}: {value:.3f}" for name, value in trained.coverage.items()),
        *([""] if links else []),
        " · ".join(f"[{title}]({RUN_ARTIFACT}{path})" for title, path in links.items()),
    ]
    return "\n".join(lines).rstrip()


def describe_compared(compared: ComparedModel, trained: TrainedModel) -> str:
    """Describe a compared model's run in Markdown."""
    rows = [[label_metric(metric), str(estimate)] for metric, estimate in compared.estimates.items()]
    lines = [*describe_data(trained.data), compared.description, "", *markdown_table(["metric", "value"], rows)]
    return "\n".join(lines)


def describe_data(data: DataFacts) -> list[str]:
    """Return lines about the data, in Markdown."""
    return [
        *([f"**{_SYNTHETIC}**", ""] if data.is_synthetic else []),
        *([f"**{_OWN}**", ""] if data.is_own else []),
        f"{data.requests} requests of {data.cases} cases, {data.overturned} overturned "
        f"({data.overturned / data.requests:.1%}); source {data.source}.",
        "",
    ]


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    return [f"| {' | '.join(row)} |" for row in (headers, ["---"] * len(headers), *rows)]


def _cells(estimates: Mapping[str, Mapping[str, Estimate]], metric: str, columns: Sequence[str]) -> Iterator[str]:
    for name in columns:
        estimate = estimates[name].get(metric)
        if estimate is None:
            yield "-"
        else:
            yield f"**{estimate}**" if name == MODEL else f"{estimate.value:.3f}"
