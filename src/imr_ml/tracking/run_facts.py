"""Build the params, tags, metrics and data set of a training's runs; none of them contains text of a request."""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.corpus.schema import COLUMNS, Role, source_kind
from imr_ml.evaluation.comparison import MODEL
from imr_ml.experiments.schema import experiment_values, flat_keys, flatten
from imr_ml.tracking.records import DIGEST_LENGTH, DatasetRecord, Point

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.learning import LearningPoint
    from imr_ml.reporting.compared_models import ComparedModel
    from imr_ml.tracking.git import GitState
    from imr_ml.training import TrainedModel
    from imr_ml.training_data import DataFacts

TERMS = "model.terms"
"""Metric for the simplicity of a model; see `count_terms`."""
_LIBRARIES = ("imr-ml", "mlflow", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "skops")


def collect_params(trained: TrainedModel, compared: ComparedModel | None = None) -> dict[str, str]:
    """Return the model's settings by experiment key, the selected alternatives, and the evaluation and data.

    For a compared model, return its settings with the same evaluation and data.
    """
    evaluation = asdict(trained.evaluation.settings)
    # It has no effect on the model: runs that differ only in it compare as equal.
    del evaluation["jobs"]
    counts = ("source", "requests", "cases", "overturned", "undecided")
    shared = {"evaluation": evaluation, "data": {name: getattr(trained.data, name) for name in counts}}
    if compared:
        return flat_params({"predictor": compared.key, **compared.params, **shared})
    keys = flat_keys(experiment_values(trained.settings))
    if trained.model.families_ is None:
        keys = {name: value for name, value in keys.items() if not name.startswith("families.")}
    return flat_params({**keys, **_selected_settings(trained), "predictor": MODEL, **shared})


def _selected_settings(trained: TrainedModel) -> dict[str, str]:
    """Return the alternatives that the training selected."""
    model, families = trained.settings.model, trained.model.families_
    indexes = {"outcome.chosen": model.outcome.index(trained.model.outcome_.candidate)}
    if families:
        indexes["families.chosen"] = model.family.index(families.candidate)
    half_life = trained.model.outcome_.half_life_years
    selected = {name: f"alternatives.{index - 1}" if index else "first" for name, index in indexes.items()}
    return selected | {"training.half_life_years.chosen": "inf" if half_life is None else str(half_life)}


def format_param(value: object) -> str:
    """Format a value as an MLflow param, which can't be empty."""
    return (",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)) or "none"


def flat_params(nested: Mapping[str, object]) -> dict[str, str]:
    """Flatten nested settings to params, e.g. ``outcome.weights.request``."""
    return {name: format_param(value) for name, value in flatten(nested)}


def collect_tags(trained: TrainedModel, git: GitState | None) -> dict[str, str]:
    """Return tags with the origin of data and code."""
    return data_tags(trained.data) | code_tags(git)


def code_tags(git: GitState | None, command: str = "imr-ml train") -> dict[str, str]:
    """Return tags with the commit, library versions, user and command."""
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
    """Return the tags for the run's source in the MLflow UI."""
    return {"mlflow.source.name": command, "mlflow.source.type": "LOCAL"}


def data_tags(data: DataFacts) -> dict[str, str]:
    """Return tags with the source and checksum of the data."""
    return {"data.kind": source_kind(data.source), "data.source": data.source, "data.sha256": data.sha256}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def dataset_record(data: DataFacts) -> DatasetRecord:
    """Describe the table by its digest, columns and counts; MLflow's data set classes would need the table itself."""
    columns = [
        {"type": column.kind, "name": column.name, "required": column.required}
        for column in COLUMNS
        if column.role in (Role.FEATURE, Role.LABEL)
    ]
    return DatasetRecord(
        name=f"requests-{data.source}",
        digest=data.sha256[:DIGEST_LENGTH],
        source=json.dumps({"tags": data_tags(data)}),
        columns=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": data.requests, "cases": data.cases, "overturned": data.overturned}),
    )


def collect_metrics(trained: TrainedModel, compared: ComparedModel | None = None) -> list[Point]:
    """Return the finite metrics of the model, or of a compared model, under the same names in every run.

    The model's metrics are ``outcome.roc_auc``, ``outcome.roc_auc.low`` and ``outcome.roc_auc.high``; a baseline's is
    ``outcome.roc_auc.plain_tfidf`` (its interval is in the baseline's run), and the model's lead over it is
    ``outcome.roc_auc.over_plain_tfidf``. The MLflow UI sorts by name, so related metrics are next to each other.
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
        **{name: estimate.value for name, estimate in _by_metric(evaluation.estimates, "").items()},
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
    """Count features with a nonzero weight for the outcome or a family; None if a classifier is not linear.

    A model with fewer terms is simpler: its evidence has fewer terms to read.
    """
    classifiers = [fitted.classifier for fitted in (model.outcome_, model.families_) if fitted is not None]
    weights = [np.atleast_2d(classifier.coef_) for classifier in classifiers if hasattr(classifier, "coef_")]
    if len(weights) < len(classifiers):
        return None
    return int(np.any([np.any(matrix != 0, axis=0) for matrix in weights], axis=0).sum())


def _by_metric(tables: Mapping[str, Mapping[str, Estimate]], prefix: str) -> dict[str, Estimate]:
    return {
        f"{metric}.{prefix}{name}": estimate
        for name, table in tables.items()
        if name != MODEL
        for metric, estimate in table.items()
    }


def _proof_estimates(trained: TrainedModel) -> dict[str, Estimate]:
    evaluation = trained.evaluation
    temporal = evaluation.temporal.comparison.estimates[MODEL] if evaluation.temporal else {}
    masking = evaluation.masking.difference if evaluation.masking else {}
    return {
        **{f"temporal.{metric}": estimate for metric, estimate in temporal.items()},
        **{f"masking.{metric}.difference": difference for metric, difference in masking.items()},
    }


def _permutation_values(trained: TrainedModel) -> dict[str, float]:
    test = trained.evaluation.permutation
    if test is None:
        return {}
    shuffled = float(np.nanmean(test.shuffled_roc_auc))
    return {"permutation.p_value": test.p_value, "permutation.roc_auc": test.roc_auc, "permutation.shuffled": shuffled}


def points(values: Mapping[str, float], step: int = 0) -> list[Point]:
    """Return the finite values as points."""
    return [Point(name=name, value=float(value), step=step) for name, value in values.items() if isfinite(value)]


def with_intervals(estimates: Mapping[str, Estimate], suffix: str = "") -> dict[str, float]:
    """Return each value by its name and the suffix, and the ends of its interval as ``.low`` and ``.high``."""
    return {
        f"{name}{suffix}{end}": value
        for name, estimate in estimates.items()
        for end, value in (("", estimate.value), (".low", estimate.low), (".high", estimate.high))
    }


def fold_points(by_fold: Mapping[str, ArrayLike]) -> list[Point]:
    """Return values by fold as steps of ``outcome.roc_auc.by_fold``: all folds of the first repeat, then the next.

    They have a separate name because MLflow displays the last step of a metric as its value.
    """
    return [
        point
        for name, values in by_fold.items()
        for step, value in enumerate(np.ravel(values))
        for point in points({f"{name}.by_fold": value}, step)
    ]


def learning_points(curve: Iterable[LearningPoint]) -> list[Point]:
    """Return the learning curve as steps of ``outcome.roc_auc.learning``; the step is the number of requests."""
    curve_points: list[Point] = []
    for sample in curve:
        values = with_intervals(sample.estimates.get(MODEL, {}), ".learning")
        for metric, estimate in sample.estimates.get("plain_tfidf", {}).items():
            values[f"{metric}.learning.plain_tfidf"] = estimate.value
        curve_points += points(values, sample.requests)
    return curve_points
