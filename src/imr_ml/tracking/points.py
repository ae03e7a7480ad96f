"""Turn estimates, fold values, learning curves and settings into flat metric points and params."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import MODEL
from imr_ml.tracking.records import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.learning import LearningPoint


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
