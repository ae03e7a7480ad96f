"""A rung with features, a classifier and a small tuning grid for each task.

Whatever is tuned, calibrated or given a threshold is so on inner folds that are grouped by case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, ParameterGrid, cross_val_predict

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.outcome import calibration_splits
from imr_ml.classifiers.types import Labels, Predictions
from imr_ml.evaluation.splits import Split
from imr_ml.ladder.family_models import FamilyModel, SideBySide

_FOLDS = 5
_THRESHOLDS = np.round(np.arange(0.2, 0.81, 0.05), 2)
_NO_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a task is learned.

    Attributes
    ----------
    features : callable
        Makes an unfitted transformer of a feature frame.
    classifier : callable
        Makes an unfitted scikit-learn classifier of two classes from a point of the grid.
    grid : dict
        Name -> values to choose from.
    families : callable
        Makes one classifier of all families from that of one; not used for the outcome.
    """

    features: Callable[[], Any]
    classifier: Callable[..., Any]
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    families: Callable[[Callable[[], Any]], FamilyModel] = SideBySide


class Learned:
    """Outcome and families, each by its recipe.

    Parameters
    ----------
    outcome : Recipe or None
        None gives every request the rate of the training part.
    family : Recipe

    Attributes
    ----------
    chosen_ : dict
        Task -> point of its grid.
    threshold_ : float
        From which probability a family belongs to the set.
    """

    def __init__(self, outcome: Recipe | None, family: Recipe) -> None:
        self.outcome = outcome
        self.family = family

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Tune and fit both tasks."""
        self.chosen_: dict[str, dict[str, Any]] = {}
        self._fit_outcome(frame, labels.overturned, groups)
        self._fit_families(frame, labels.families, groups)
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Calibrated outcome; families by the tuned threshold."""
        probability = self.families_.predict_proba(self.family_features_.transform(frame))
        return Predictions(self._p_overturned(frame), probability, family_sets(probability, self.threshold_))

    def _p_overturned(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        if isinstance(self.outcome_, float):
            return np.full(len(frame), self.outcome_)
        p_overturned: NDArray[np.float64] = self.outcome_.predict_proba(self.outcome_features_.transform(frame))[:, 1]
        return p_overturned

    def _fit_outcome(self, frame: pd.DataFrame, truth: NDArray[np.bool_], groups: NDArray[np.int64]) -> None:
        splits = calibration_splits(truth, groups, _FOLDS, seed=0)
        if self.outcome is None or not splits:
            self.outcome_: Any = float(truth.mean())
            return
        self.outcome_features_ = self.outcome.features()
        matrix = self.outcome_features_.fit_transform(frame)
        auc = partial(_held_out_auc, self.outcome, matrix, truth, splits)
        self.chosen_["outcome"] = best = max(ParameterGrid(dict(self.outcome.grid)), key=auc)
        calibrated = CalibratedClassifierCV(self.outcome.classifier(**best), cv=splits, ensemble=False)
        self.outcome_ = calibrated.fit(matrix, truth)

    def _fit_families(self, frame: pd.DataFrame, cited: NDArray[np.bool_], groups: NDArray[np.int64]) -> None:
        self.family_features_ = self.family.features()
        matrix = self.family_features_.fit_transform(frame)
        tuned = [
            (*tuned_threshold(self._held_out_families(matrix, cited, groups, point), cited), point)
            for point in ParameterGrid(dict(self.family.grid))
        ]
        _, self.threshold_, self.chosen_["family"] = max(tuned, key=lambda one: one[0])
        self.families_ = self._family_model(self.chosen_["family"]).fit(matrix, cited, groups)

    def _held_out_families(
        self, matrix: Any, cited: NDArray[np.bool_], groups: NDArray[np.int64], point: dict[str, Any]
    ) -> NDArray[np.float64]:
        probability = np.full(cited.shape, np.nan)
        folds = min(_FOLDS, len(np.unique(groups)))
        if folds > 1:
            for train, test in GroupKFold(folds, shuffle=True, random_state=0).split(cited, groups=groups):
                model = self._family_model(point).fit(matrix[train], cited[train], groups[train])
                probability[test] = model.predict_proba(matrix[test])
        return probability

    def _family_model(self, point: dict[str, Any]) -> FamilyModel:
        return self.family.families(partial(self.family.classifier, **point))


def tuned_threshold(probability: NDArray[np.float64], cited: NDArray[np.bool_]) -> tuple[float, float]:
    """Best F1 over all pairs of row and family, and the threshold that reaches it.

    Parameters
    ----------
    probability : (rows, families) float
        Of rows that were not fitted on; NaN where none could be held out.
    cited : (rows, families) bool
    """
    if np.isnan(probability).any():
        return 0.0, _NO_THRESHOLD
    return max((_f1(cited, family_sets(probability, threshold)), float(threshold)) for threshold in _THRESHOLDS)


def _f1(cited: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    return 2 * float((cited & chosen).sum()) / float(cited.sum() + chosen.sum())


def _held_out_auc(
    recipe: Recipe, matrix: Any, truth: NDArray[np.bool_], splits: list[Split], point: dict[str, Any]
) -> float:
    classifier = recipe.classifier(**point)
    method = "decision_function" if hasattr(classifier, "decision_function") else "predict_proba"
    scores = cross_val_predict(classifier, matrix, truth, cv=splits, method=method)
    return float(roc_auc_score(truth, scores if scores.ndim == 1 else scores[:, 1]))
