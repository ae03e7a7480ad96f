"""Build a run's name, params, tags, metrics and description.

No text of a request comes in here: counts, settings and figures only.
"""

from __future__ import annotations

import getpass
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import LESS_IS_BETTER, METRICS, MODEL, baselines_of
from imr_ml.reporting.compared_models import TITLES, ComparedModel
from imr_ml.tracking.records import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.learning import LearningPoint
    from imr_ml.tracking.git import GitState
    from imr_ml.training import DataFacts, TrainedModel


TERMS = "model.terms"
"""Metric that says how simple a model is: see `terms_used`."""
_LIBRARIES = ("imr-ml", "mlflow", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "skops")
# How many processes worked is no setting of the model: runs that differ in it only shall compare as equal.
_NOT_SETTINGS = frozenset({"evaluation.jobs"})


def run_name(trained: TrainedModel, git: GitState | None) -> str:
    """Readable name, e.g. ``"tfidf+facts C=0.3 | 270 req | a1b2c3d"``; a star marks uncommitted changes."""
    chosen = trained.model.outcome_.candidate
    features = chosen.weights
    blocks = {
        "tfidf": features.request or features.summary or features.ur_guideline,
        "facts": features.facts or features.numbers,
    }
    kind = "+".join(name for name, weight in blocks.items() if weight)
    return _named(f"{kind} C={chosen.C:g}", trained, git)


def rival_name(rival: ComparedModel, trained: TrainedModel, git: GitState | None) -> str:
    """Name of a rival's run, e.g. ``"plain TF-IDF | 270 req | a1b2c3d"``."""
    return _named(rival.title, trained, git)


def params(trained: TrainedModel) -> dict[str, str]:
    """Settings and sizes as one flat table."""
    settings = trained.settings
    nested: dict[str, object] = {
        "predictor": MODEL,
        "outcome": asdict(trained.model.outcome_.candidate),
        "outcome.candidates": len(settings.model.outcome),
        **_family_params(trained),
        "terms": asdict(settings.model.terms),
        "seed": settings.model.seed,
        "nlp": asdict(settings.nlp),
        "conformal.coverage": settings.coverage,
    }
    return flat(nested) | _shared_params(trained)


def rival_params(rival: ComparedModel, trained: TrainedModel) -> dict[str, str]:
    """Settings of a rival, and the sizes that it shares with the model."""
    return flat({"predictor": rival.key, **rival.params}) | _shared_params(trained)


def tags(trained: TrainedModel, git: GitState | None) -> dict[str, str]:
    """Where data and code come from."""
    versions = {f"version.{name}": version(name) for name in _LIBRARIES}
    code = {"git.commit": git.commit, "git.dirty": str(git.dirty).lower()} if git else {}
    theirs = {"mlflow.source.git.commit": git.commit} if git else {}
    return {
        **data_tags(trained.data),
        **code,
        **theirs,
        **versions,
        "version.python": platform.python_version(),
        "mlflow.user": _user(),
        "mlflow.source.name": "imr-ml train",
        "mlflow.source.type": "LOCAL",
    }


def data_tags(data: DataFacts) -> dict[str, str]:
    """Where the data come from."""
    kind = "sample" if data.is_synthetic else "real"
    return {"data.kind": kind, "data.source": data.source, "data.sha256": data.sha256}


def metrics(trained: TrainedModel) -> list[Point]:
    """Every figure with its interval, under the name that it has in every run.

    The model's are ``outcome.roc_auc``, ``outcome.roc_auc.low`` and ``outcome.roc_auc.high``; a baseline's
    ``outcome.roc_auc.plain_tfidf``, whose interval stands in the baseline's own run, and the model's lead over it
    ``outcome.roc_auc.over_plain_tfidf``. So the MLflow UI, which sorts by name, keeps what belongs together. What could
    not be measured is left out.
    """
    evaluation = trained.evaluation
    named: dict[str, Estimate] = {
        **evaluation.estimates[MODEL],
        **_suffixed(evaluation.differences, "over_"),
        **_proofs(trained),
    }
    baselines = {name: one.value for name, one in _suffixed(evaluation.estimates, "").items()}
    others = {**trained.coverage, **_permutation(trained)}
    terms = terms_used(trained)
    counted = {TERMS: float(terms)} if terms is not None else {}
    return [
        *estimate_points(named),
        *points(baselines | others | counted),
        *fold_points(evaluation.by_fold),
        *learning_points(evaluation.learning),
    ]


def rival_metrics(rival: ComparedModel) -> list[Point]:
    """Figures of a rival, under the names that the model's have in its own run."""
    return [*estimate_points(rival.estimates), *points(rival.metrics), *fold_points(rival.by_fold)]


def terms_used(trained: TrainedModel) -> int | None:
    """Features with a weight other than zero in the outcome's or any family's score; None for scores not linear.

    By this a model is called simpler than another: who reads its evidence has fewer terms to read.
    """
    chosen = (trained.model.outcome_, trained.model.families_)
    classifiers = [one.classifier for one in chosen if one is not None]
    weights = [classifier.coef_ for classifier in classifiers if hasattr(classifier, "coef_")]
    if len(weights) < len(classifiers):
        return None
    used = [np.any(np.atleast_2d(one) != 0, axis=0) for one in weights]
    return int(np.any(used, axis=0).sum())


def _family_params(trained: TrainedModel) -> dict[str, object]:
    chosen = trained.model.families_
    if chosen is None:
        return {}
    return {"family": asdict(chosen.candidate), "family.candidates": len(trained.settings.model.family)}


def _shared_params(trained: TrainedModel) -> dict[str, str]:
    data = {name: getattr(trained.data, name) for name in ("source", "requests", "cases", "overturned", "undecided")}
    shared = flat({"evaluation": asdict(trained.evaluation.settings), "data": data})
    return {name: value for name, value in shared.items() if name not in _NOT_SETTINGS}


def _named(what: str, trained: TrainedModel, git: GitState | None) -> str:
    parts = [what, f"{trained.data.requests} req"]
    return " | ".join([*parts, git.short] if git else parts)


def _suffixed(tables: Mapping[str, Mapping[str, Estimate]], lead: str) -> dict[str, Estimate]:
    return {
        f"{metric}.{lead}{name}": one
        for name, table in tables.items()
        if name != MODEL
        for metric, one in table.items()
    }


def _proofs(trained: TrainedModel) -> dict[str, Estimate]:
    evaluation = trained.evaluation
    temporal = evaluation.temporal.comparison.estimates[MODEL] if evaluation.temporal else {}
    masking = evaluation.masking.difference if evaluation.masking else {}
    return {
        **{f"temporal.{metric}": one for metric, one in temporal.items()},
        **{f"masking.{metric}.difference": one for metric, one in masking.items()},
    }


def _permutation(trained: TrainedModel) -> dict[str, float]:
    test = trained.evaluation.permutation
    if test is None:
        return {}
    shuffled = float(np.nanmean(test.shuffled_roc_auc))
    return {"permutation.p_value": test.p_value, "permutation.roc_auc": test.roc_auc, "permutation.shuffled": shuffled}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


SYNTHETIC = "Synthetic sample corpus: these figures say nothing about real decisions."
OF_RUN = "run:"
"""Stands in a link for the run's own artifacts, whose address is known when the run is made."""


def summary(trained: TrainedModel) -> str:
    """One line on a model, for the list of its versions."""
    estimates = trained.evaluation.estimates[MODEL]
    families = estimates.get("family.f1_micro")
    line = f"{trained.data.requests} requests; outcome ROC AUC {estimates['outcome.roc_auc']}"
    line += f"; families' micro F1 {families}" if families else ""
    return f"SYNTHETIC sample corpus; {line}" if trained.data.is_synthetic else line


def description(trained: TrainedModel, rivals: tuple[ComparedModel, ...], links: Mapping[str, str]) -> str:
    """The run's description in Markdown: the training data, and each metric beside its baselines.

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


def rival_description(rival: ComparedModel, trained: TrainedModel) -> str:
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


def estimate_points(estimates: Mapping[str, Estimate]) -> list[Point]:
    """A metric as its value and the two ends of its interval; what could not be measured is left out."""
    values = {
        f"{name}{end}": value
        for name, one in estimates.items()
        for end, value in (("", one.value), (".low", one.low), (".high", one.high))
    }
    return points(values)


def fold_points(by_fold: Mapping[str, NDArray[np.float64]]) -> list[Point]:
    """Values by fold as the steps of ``outcome.roc_auc.by_fold``: all folds of the first repeat, then of the next.

    They have a name of their own because MLflow takes the last step of a metric for its value.
    """
    return [
        Point(name=f"{name}.by_fold", value=float(value), step=step)
        for name, values in by_fold.items()
        for step, value in enumerate(np.ravel(values))
        if isfinite(value)
    ]


def learning_points(curve: Iterable[LearningPoint]) -> list[Point]:
    """The learning curve as the steps of ``outcome.roc_auc.learning``, a step being the training requests."""
    return [
        Point(name=f"{metric}.learning{whose}{end}", value=value, step=point.requests)
        for point in curve
        for predictor, whose in ((MODEL, ""), ("plain_tfidf", ".plain_tfidf"))
        for metric, one in point.estimates.get(predictor, {}).items()
        for end, value in (("", one.value), *((".low", one.low), (".high", one.high)) * (predictor == MODEL))
        if isfinite(value)
    ]


def points(values: Mapping[str, float]) -> list[Point]:
    """Values that are numbers."""
    return [Point(name=name, value=float(value)) for name, value in values.items() if isfinite(value)]


def flat(nested: Mapping[str, object]) -> dict[str, str]:
    """Nested settings as flat params, e.g. ``outcome.weights.request``."""
    return dict(_flat(nested.items(), ""))


def _flat(items: Iterable[tuple[str, object]], prefix: str) -> Iterable[tuple[str, str]]:
    for name, value in items:
        if isinstance(value, dict):
            yield from _flat(value.items(), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
