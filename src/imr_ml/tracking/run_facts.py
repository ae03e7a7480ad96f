"""Build the names, params, tags, metrics and descriptions of a training's runs.

Only counts, settings and metrics: no text of a request.
"""

from __future__ import annotations

import getpass
import platform
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.corpus.schema import source_kind
from imr_ml.evaluation.comparison import LESS_IS_BETTER, METRICS, MODEL, baselines_of
from imr_ml.experiments.reading import DEFAULT, changes_of
from imr_ml.experiments.schema import TrainingSettings, flat_keys, flatten, values_of
from imr_ml.reporting.compared_models import TITLES, ComparedModel
from imr_ml.tracking.records import Point

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.learning import LearningPoint
    from imr_ml.tracking.git import GitState
    from imr_ml.training import TrainedModel
    from imr_ml.training_data import DataFacts

TERMS = "model.terms"
"""Metric that says how simple a model is: see `count_terms`."""
OF_RUN = "run:"
"""Beginning of a link to the run's own artifacts, whose address is known once the run is created."""
_MAX_CHANGES, _MAX_CHANGES_LENGTH = 3, 120
_SYNTHETIC = "Synthetic sample corpus: these figures say nothing about real decisions."
_OWN = "The user's own decisions, not published letters: compare such models with each other only."
_LIBRARIES = ("imr-ml", "mlflow", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "skops")


def name_run(
    trained: TrainedModel, git: GitState | None, compared: ComparedModel | None = None, experiment: str = DEFAULT
) -> str:
    """Name of the model's run, or of one that it was compared with; a star marks uncommitted changes.

    Parameters
    ----------
    trained : TrainedModel
    git : GitState, optional
    compared : ComparedModel, optional
    experiment : str
        Name of the experiment file.

    Returns
    -------
    str
        E.g. ``"tfidf+facts C=0.3 | 270 req | a1b2c3d"`` or, for settings that differ from the default,
        ``"default: outcome.C=1.0 | 270 req | a1b2c3d*"``.
    """
    changes = _describe_changes(trained.settings)
    own_title = f"{experiment}: {changes}" if changes else _name_default(trained)
    return join_name(compared.title if compared else own_title, trained.data, git)


def join_name(title: str, data: DataFacts, git: GitState | None) -> str:
    """Name of a run: its title, the requests and the commit."""
    return " | ".join([title, f"{data.requests} req", *([git.short] if git else [])])


def _name_default(trained: TrainedModel) -> str:
    weights = trained.model.outcome_.candidate.weights
    blocks = {
        "tfidf": weights.request or weights.summary or weights.ur_guideline,
        "facts": weights.facts or weights.numbers,
    }
    kind = "+".join(name for name, weight in blocks.items() if weight)
    return f"{kind} C={flat_keys(values_of(trained.settings))['outcome.C']}"


def _describe_changes(settings: TrainingSettings) -> str:
    changed = changes_of(settings)
    shown = [f"{key}={format_param(value)}" for key, value in list(changed.items())[:_MAX_CHANGES]]
    more = [f"{len(changed) - _MAX_CHANGES} more"] if len(changed) > _MAX_CHANGES else []
    return textwrap.shorten(", ".join((*shown, *more)), _MAX_CHANGES_LENGTH, placeholder=" ...")


def collect_params(trained: TrainedModel, compared: ComparedModel | None = None) -> dict[str, str]:
    """Settings of the model by the keys of its experiment file, what was chosen of them, and what it was trained on.

    Of a model that it was compared with its own settings, and the evaluation and data that both share.
    """
    evaluation = asdict(trained.evaluation.settings)
    # Not a setting of the model: runs that differ in it only compare as equal.
    del evaluation["jobs"]
    counts = ("source", "requests", "cases", "overturned", "undecided")
    shared = {"evaluation": evaluation, "data": {name: getattr(trained.data, name) for name in counts}}
    if compared:
        return flat_params({"predictor": compared.key, **compared.params, **shared})
    keys = flat_keys(values_of(trained.settings))
    if trained.model.families_ is None:
        keys = {name: value for name, value in keys.items() if not name.startswith("families.")}
    return flat_params({**keys, **_chosen(trained), "predictor": MODEL, **shared})


def _chosen(trained: TrainedModel) -> dict[str, str]:
    """Which of the settings' alternatives were taken."""
    model, families = trained.settings.model, trained.model.families_
    places = {"outcome.chosen": model.outcome.index(trained.model.outcome_.candidate)}
    if families:
        places["families.chosen"] = model.family.index(families.candidate)
    half_life = trained.model.outcome_.half_life_years
    chosen = {name: f"alternatives.{place - 1}" if place else "first" for name, place in places.items()}
    return chosen | {"training.half_life_years.chosen": "inf" if half_life is None else str(half_life)}


def format_param(value: object) -> str:
    """A value as MLflow shows it; no param may be empty."""
    return (",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)) or "none"


def flat_params(nested: Mapping[str, object]) -> dict[str, str]:
    """Nested settings as flat params, e.g. ``outcome.weights.request``."""
    return {name: format_param(value) for name, value in flatten(nested)}


def collect_tags(trained: TrainedModel, git: GitState | None) -> dict[str, str]:
    """Where data and code come from."""
    return data_tags(trained.data) | code_tags(git)


def code_tags(git: GitState | None, command: str = "imr-ml train") -> dict[str, str]:
    """Where the code comes from, and what ran it."""
    commit = {"git.commit": git.commit, "mlflow.source.git.commit": git.commit} if git else {}
    return {
        **commit,
        **({"git.dirty": str(git.dirty).lower()} if git else {}),
        **{f"version.{name}": version(name) for name in _LIBRARIES},
        "version.python": platform.python_version(),
        "mlflow.user": _user(),
        **source_tags(command),
    }


def source_tags(command: str) -> dict[str, str]:
    """Which command a run comes from, as the MLflow UI shows it."""
    return {"mlflow.source.name": command, "mlflow.source.type": "LOCAL"}


def data_tags(data: DataFacts) -> dict[str, str]:
    """Where the data come from."""
    return {"data.kind": source_kind(data.source), "data.source": data.source, "data.sha256": data.sha256}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def collect_metrics(trained: TrainedModel, compared: ComparedModel | None = None) -> list[Point]:
    """Metrics of the model, or of one that it was compared with, under the names that they have in every run.

    The model's are ``outcome.roc_auc``, ``outcome.roc_auc.low`` and ``outcome.roc_auc.high``; a baseline's
    ``outcome.roc_auc.plain_tfidf``, whose interval is in the baseline's own run, and the model's lead over it
    ``outcome.roc_auc.over_plain_tfidf``. So the MLflow UI, which sorts by name, keeps together what belongs together.
    What could not be measured is left out.
    """
    if compared:
        return [*points({**with_intervals(compared.estimates), **compared.metrics}), *fold_points(compared.by_fold)]
    evaluation, terms = trained.evaluation, count_terms(trained.model)
    estimates = {
        **evaluation.estimates[MODEL],
        **_by_metric(evaluation.differences, "over_"),
        **_proof_estimates(trained),
    }
    values = {
        **{name: one.value for name, one in _by_metric(evaluation.estimates, "").items()},
        **trained.coverage,
        **_permutation_values(trained),
        **({} if terms is None else {TERMS: float(terms)}),
    }
    return [
        *points(with_intervals(estimates) | values),
        *fold_points(evaluation.by_fold),
        *learning_points(evaluation.learning),
    ]


def count_terms(model: RequestModel) -> int | None:
    """Features with a weight other than zero in the outcome's or any family's score; None for scores not linear.

    A model is simpler than another if it has fewer: there are fewer to read in its evidence.
    """
    chosen = (model.outcome_, model.families_)
    classifiers = [one.classifier for one in chosen if one is not None]
    weights = [np.atleast_2d(classifier.coef_) for classifier in classifiers if hasattr(classifier, "coef_")]
    if len(weights) < len(classifiers):
        return None
    return int(np.any([np.any(one != 0, axis=0) for one in weights], axis=0).sum())


def _by_metric(tables: Mapping[str, Mapping[str, Estimate]], prefix: str) -> dict[str, Estimate]:
    return {
        f"{metric}.{prefix}{name}": one
        for name, table in tables.items()
        if name != MODEL
        for metric, one in table.items()
    }


def _proof_estimates(trained: TrainedModel) -> dict[str, Estimate]:
    evaluation = trained.evaluation
    temporal = evaluation.temporal.comparison.estimates[MODEL] if evaluation.temporal else {}
    masking = evaluation.masking.difference if evaluation.masking else {}
    return {
        **{f"temporal.{metric}": one for metric, one in temporal.items()},
        **{f"masking.{metric}.difference": one for metric, one in masking.items()},
    }


def _permutation_values(trained: TrainedModel) -> dict[str, float]:
    test = trained.evaluation.permutation
    if test is None:
        return {}
    shuffled = float(np.nanmean(test.shuffled_roc_auc))
    return {"permutation.p_value": test.p_value, "permutation.roc_auc": test.roc_auc, "permutation.shuffled": shuffled}


def points(values: Mapping[str, float], step: int = 0) -> list[Point]:
    """Values that are finite."""
    return [Point(name=name, value=float(value), step=step) for name, value in values.items() if isfinite(value)]


def with_intervals(estimates: Mapping[str, Estimate], suffix: str = "") -> dict[str, float]:
    """Each value by its name and the suffix, and the ends of its interval as ``.low`` and ``.high``."""
    return {
        f"{name}{suffix}{end}": value
        for name, one in estimates.items()
        for end, value in (("", one.value), (".low", one.low), (".high", one.high))
    }


def fold_points(by_fold: Mapping[str, ArrayLike]) -> list[Point]:
    """Values by fold as the steps of ``outcome.roc_auc.by_fold``: all folds of the first repeat, then of the next.

    They have a name of their own because MLflow takes the last step of a metric for its value.
    """
    return [
        point
        for name, values in by_fold.items()
        for step, value in enumerate(np.ravel(values))
        for point in points({f"{name}.by_fold": value}, step)
    ]


def learning_points(curve: Iterable[LearningPoint]) -> list[Point]:
    """The learning curve as the steps of ``outcome.roc_auc.learning``, a step being the training requests."""
    curve_points: list[Point] = []
    for one in curve:
        curve_points += points(with_intervals(one.estimates.get(MODEL, {}), ".learning"), one.requests)
        for metric, estimate in one.estimates.get("plain_tfidf", {}).items():
            curve_points += points({f"{metric}.learning.plain_tfidf": estimate.value}, one.requests)
    return curve_points


def summarize(trained: TrainedModel) -> str:
    """One line on a model, for the list of its versions."""
    estimates = trained.evaluation.estimates[MODEL]
    families = estimates.get("family.f1_micro")
    line = f"{trained.data.requests} requests; outcome ROC AUC {estimates['outcome.roc_auc']}"
    line += f"; families' micro F1 {families}" if families else ""
    if trained.data.is_own:
        return f"OWN decisions (source {trained.data.source}), not published letters; {line}"
    return f"SYNTHETIC sample corpus; {line}" if trained.data.is_synthetic else line


def describe_training(trained: TrainedModel, compared: Sequence[ComparedModel], links: Mapping[str, str]) -> str:
    """Description of the model's run in Markdown: the training data, and each metric beside the compared models'.

    Parameters
    ----------
    trained : TrainedModel
    compared : sequence of ComparedModel
    links : dict
        Title -> path among the run's artifacts.
    """
    settings = trained.evaluation.settings
    estimates = {MODEL: trained.evaluation.estimates[MODEL], **{one.key: one.estimates for one in compared}}
    baselines = dict.fromkeys(name for metric in METRICS for name in baselines_of(metric))
    columns = [name for name in (MODEL, *baselines) if name in estimates]
    rows = [[_title(metric), *_cells(estimates, metric, columns)] for metric in METRICS if metric in estimates[MODEL]]
    lines = [
        *describe_data(trained.data),
        *(line for note in trained.notes for line in (f"**{note}**", "")),
        *markdown_table(["metric", *(TITLES.get(name, name) for name in columns)], rows),
        "",
        f"Brackets: 95 % interval, {settings.resamples} resamples of the cases; {settings.tested_parts} by "
        f"case, {settings.repeats} time(s).",
        *(f"- {name}: {value:.3f}" for name, value in trained.coverage.items()),
        *([""] if links else []),
        " · ".join(f"[{title}]({OF_RUN}{path})" for title, path in links.items()),
    ]
    return "\n".join(lines).rstrip()


def describe_compared(compared: ComparedModel, trained: TrainedModel) -> str:
    """Description of a compared model's run in Markdown."""
    rows = [[_title(metric), str(one)] for metric, one in compared.estimates.items()]
    lines = [*describe_data(trained.data), compared.description, "", *markdown_table(["metric", "value"], rows)]
    return "\n".join(lines)


def describe_data(data: DataFacts) -> list[str]:
    """Lines on the data, in Markdown."""
    return [
        *([f"**{_SYNTHETIC}**", ""] if data.is_synthetic else []),
        *([f"**{_OWN}**", ""] if data.is_own else []),
        f"{data.requests} requests of {data.cases} cases, {data.overturned} overturned "
        f"({data.overturned / data.requests:.1%}); source {data.source}.",
        "",
    ]


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [f"| {' | '.join(row)} |" for row in (headers, ["---"] * len(headers), *rows)]


def _title(metric: str) -> str:
    return f"{metric} (less is better)" if metric in LESS_IS_BETTER else metric


def _cells(estimates: Mapping[str, Mapping[str, Estimate]], metric: str, columns: Sequence[str]) -> Iterator[str]:
    for name in columns:
        one = estimates[name].get(metric)
        if one is None:
            yield "-"
        else:
            yield f"**{one}**" if name == MODEL else f"{one.value:.3f}"
