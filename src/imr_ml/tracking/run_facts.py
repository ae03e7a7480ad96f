"""What a run says: its name, params, tags, metrics and description, as plain values.

Knows trained models. Knows nothing of MLflow's functions. No text of a request comes in here: counts,
settings and figures only.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING

from imr_ml.evaluation import METRICS, MODEL, baselines_of

if TYPE_CHECKING:
    from imr_ml.tracking.git import GitState
    from imr_ml.training import DataFacts, TrainedModel

SYNTHETIC = "Synthetic sample corpus: these figures say nothing about real decisions."
_LIBRARIES = ("imr-ml", "mlflow", "scikit-learn", "spacy")
# How many processes worked is no setting of the model: runs that differ in it only shall compare as equal.
_NOT_SETTINGS = frozenset({"evaluation.jobs"})
_TITLES = {
    MODEL: "model",
    "base_rate": "base rate",
    "plain_tfidf": "plain TF-IDF",
    "ur_families": "UR's families",
}


def run_name(trained: TrainedModel, git: GitState | None) -> str:
    """Readable name, e.g. ``"tfidf+facts C=0.3 | 270 req | a1b2c3d"``; a star marks uncommitted changes."""
    chosen = trained.model.outcome_.candidate
    features = chosen.weights
    blocks = {
        "tfidf": features.request or features.summary or features.ur_guideline,
        "facts": features.facts or features.numbers,
    }
    kind = "+".join(name for name, weight in blocks.items() if weight)
    parts = [f"{kind} C={chosen.C:g}", f"{trained.data.requests} req"]
    return " | ".join([*parts, git.short] if git else parts)


def params(trained: TrainedModel) -> dict[str, object]:
    """Settings and sizes as one flat table."""
    settings = trained.settings
    nested: dict[str, object] = {
        "outcome": asdict(trained.model.outcome_.candidate),
        "outcome.candidates": len(settings.model.outcome),
        "family": asdict(trained.model.families_.candidate),
        "family.candidates": len(settings.model.family),
        "terms": asdict(settings.model.terms),
        "seed": settings.model.seed,
        "nlp": asdict(settings.nlp),
        "evaluation": asdict(trained.evaluation.settings),
        "conformal.coverage": settings.coverage,
        "data.source": trained.data.source,
        "data.requests": trained.data.requests,
        "data.cases": trained.data.cases,
        "data.overturned": trained.data.overturned,
        "data.undecided": trained.data.undecided,
    }
    return {name: value for name, value in _flat(nested) if name not in _NOT_SETTINGS}


def tags(trained: TrainedModel, git: GitState | None) -> dict[str, str]:
    """Where data and code come from."""
    versions = {f"version.{name}": version(name) for name in _LIBRARIES}
    commit = {"git.commit": git.commit, "git.dirty": str(git.dirty).lower()} if git else {}
    return {
        **data_tags(trained.data),
        **commit,
        **versions,
        "version.python": platform.python_version(),
        "mlflow.note.content": description(trained),
    }


def data_tags(data: DataFacts) -> dict[str, str]:
    """Where the data come from."""
    kind = "sample" if data.is_synthetic else "real"
    return {"data.kind": kind, "data.source": data.source, "data.sha256": data.sha256}


def metrics(trained: TrainedModel) -> dict[str, float]:
    """Every figure with its interval, under the name that it has in every run.

    The model's are ``outcome.roc_auc``, ``outcome.roc_auc.low`` and ``outcome.roc_auc.high``; a baseline's
    ``outcome.roc_auc.plain_tfidf``, the model's lead over it ``outcome.roc_auc.over_plain_tfidf``. So the MLflow UI,
    which sorts by name, keeps what belongs together. What could not be measured is left out.
    """
    evaluation = trained.evaluation
    named = {
        **evaluation.estimates[MODEL],
        **{
            f"{metric}.{name}": one
            for name, table in evaluation.estimates.items()
            if name != MODEL
            for metric, one in table.items()
        },
        **{
            f"{metric}.over_{name}": one
            for name, table in evaluation.differences.items()
            for metric, one in table.items()
        },
    }
    values = {
        f"{name}{end}": value
        for name, one in named.items()
        for end, value in (("", one.value), (".low", one.low), (".high", one.high))
    }
    return {name: float(value) for name, value in {**values, **trained.coverage}.items() if isfinite(value)}


def summary(trained: TrainedModel) -> str:
    """One line on a model, for the list of its versions."""
    estimates = trained.evaluation.estimates[MODEL]
    told = (
        f"{trained.data.requests} requests; outcome ROC AUC {estimates['outcome.roc_auc']}; "
        f"families' micro F1 {estimates['family.f1_micro']}"
    )
    return f"SYNTHETIC sample corpus; {told}" if trained.data.is_synthetic else told


def description(trained: TrainedModel) -> str:
    """The run's description in Markdown: what was trained on, and each metric beside its baselines."""
    data, settings = trained.data, trained.evaluation.settings
    columns = [MODEL, *dict.fromkeys(name for metric in METRICS for name in baselines_of(metric))]
    lines = [
        *([f"**{SYNTHETIC}**", ""] if data.is_synthetic else []),
        f"{data.requests} requests of {data.cases} cases, {data.overturned} overturned "
        f"({data.overturned / data.requests:.1%}); source {data.source}.",
        "",
        "| metric | " + " | ".join(_TITLES.get(name, name) for name in columns) + " |",
        "|---|" + "---|" * len(columns),
        *(f"| {metric} | " + " | ".join(_cells(trained, metric, columns)) + " |" for metric in METRICS),
        "",
        f"Brackets: 95 % interval, {settings.resamples} resamples of the cases; {settings.folds} folds by "
        f"case, {settings.repeats} time(s). Brier: less is better.",
        *(f"- {name}: {value:.3f}" for name, value in trained.coverage.items()),
    ]
    return "\n".join(lines)


def _cells(trained: TrainedModel, metric: str, columns: list[str]) -> Iterator[str]:
    for name in columns:
        estimate = trained.evaluation.estimates[name].get(metric)
        if estimate is None:
            yield "-"
        else:
            yield f"**{estimate}**" if name == MODEL else f"{estimate.value:.3f}"


def _flat(nested: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ",".join(map(str, value)) if isinstance(value, tuple) else value
