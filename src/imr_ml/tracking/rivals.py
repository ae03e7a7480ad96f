"""What stands beside the model in a training, each as a run of its own: the baselines, or the rungs of the ladder.

Knows evaluations and the names of metrics. Knows nothing of MLflow's functions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation import MODEL, Estimate
from imr_ml.tracking.records import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from imr_ml.evaluation import LearningPoint, OutOfFold
    from imr_ml.ladder import Climb, Step
    from imr_ml.training import TrainedModel

TITLES = {
    MODEL: "model",
    "base_rate": "base rate",
    "plain_tfidf": "plain TF-IDF",
    "ur_families": "UR's families",
}
COLOURS_OF_BASELINES = {"base_rate": "#707070", "plain_tfidf": "#E69F00", "ur_families": "#CC79A7"}
"""The same in every picture and in the MLflow UI; see `figures.canvas`."""
_MEANING = {
    "base_rate": "Always the rates of the data that is evaluated on: the best that any constant could do.",
    "plain_tfidf": "TF-IDF of the raw words and logistic regression, without the spaCy stage.",
    "ur_families": "The reviewer cites the families that the claims administrator cited.",
}


@dataclass(frozen=True, slots=True)
class Rival:
    """A predictor evaluated on the same folds as the model.

    Attributes
    ----------
    key : str
        Unique in a training, e.g. ``"plain_tfidf"``.
    title : str
        For people.
    estimates : dict of Estimate
        By metric, under the names that the model's have.
    params : dict
        Its settings.
    description : str
        A sentence or two in Markdown.
    out_of_fold : OutOfFold, optional
    by_fold : dict of (repeats, folds) float
        Each metric in each test part.
    metrics : dict of float
        Further figures.
    """

    key: str
    title: str
    estimates: Mapping[str, Estimate]
    params: Mapping[str, object] = field(default_factory=dict)
    description: str = ""
    out_of_fold: OutOfFold | None = None
    by_fold: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def baseline_rivals(trained: TrainedModel) -> tuple[Rival, ...]:
    """The baselines that the model was evaluated beside."""
    evaluation = trained.evaluation
    return tuple(
        Rival(
            key,
            TITLES.get(key, key),
            estimates,
            description=_MEANING.get(key, ""),
            out_of_fold=evaluation.predicted[key],
        )
        for key, estimates in evaluation.estimates.items()
        if key != MODEL
    )


def ladder_rivals(climb: Climb) -> tuple[Rival, ...]:
    """The rungs that were climbed; among them are the baselines."""
    return tuple(
        Rival(
            key=step.rung.name,
            title=step.rung.name.replace("_", " "),
            estimates={
                **step.estimates,
                **{f"{metric}.over_champion": one for metric, one in step.judgement.differences.items()},
            },
            params={"rung": place, "tasks": step.rung.tasks, "against": step.judgement.against, "chosen": step.chosen},
            description=_told(step, climb),
            out_of_fold=step.out_of_fold,
            metrics={"fit_s": step.fit_s},
        )
        for place, step in enumerate(climb.steps)
    )


def _told(step: Step, climb: Climb) -> str:
    kept = [task for task, name in climb.champions.items() if name == step.rung.name]
    met = [f"{task}: beside {name}" for task, name in step.judgement.against.items()]
    lines = [f"{step.rung.what}. Rung {climb.steps.index(step)} of the ladder."]
    lines += [f"Champion of: {', '.join(kept)}."] if kept else []
    lines += [f"The differences are to the champion that it met ({'; '.join(met)})."] if met else []
    return " ".join(lines)


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
    """The learning curve as the steps of ``outcome.roc_auc.learning``, a step being the requests learnt from."""
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
