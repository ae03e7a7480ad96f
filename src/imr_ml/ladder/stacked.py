"""Combine simpler predictors by averaging or stacking.

Inner folds are grouped by case and lie within the training part: nothing leaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.types import Dataset, Labels, Predictions, Predictor
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.ladder.learned import Learned, Recipe, tuned_threshold

_FOLDS = 5
_SURE = 0.005
_PENALTIES = {"C": (0.01, 0.03, 0.1)}
_MOST_ROUNDS = 1000

Builders = Mapping[str, Callable[[], Predictor]]


class Averaged:
    """The mean of the bases' predictions; the families' threshold is tuned on held-out cases."""

    def __init__(self, bases: Builders) -> None:
        self.bases = bases

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Tune the threshold on held-out predictions, then fit every base on all rows."""
        held_out = held_out_predictions(self.bases, Dataset(frame, labels, groups))
        probability = np.mean([each.family_probability for each in held_out], axis=0)
        _, self.threshold_ = tuned_threshold(probability, labels.families)
        self.bases_ = [build().fit(frame, labels, groups) for build in self.bases.values()]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Means over the bases."""
        predictions = [base.predict(frame) for base in self.bases_]
        probability = np.mean([each.family_probability for each in predictions], axis=0)
        p_overturned = np.mean([each.p_overturned for each in predictions], axis=0)
        return Predictions(p_overturned, probability, family_sets(probability, self.threshold_))


class Stacked:
    """Regressions on the bases' log-odds, one for the outcome and one a family, which also sees the other families."""

    def __init__(self, bases: Builders) -> None:
        self.bases = bases

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit the regressions on held-out predictions, and every base on all rows."""
        odds = _log_odds(held_out_predictions(self.bases, Dataset(frame, labels, groups)))
        self.regressions_ = Learned(*(_on_columns(odds, task) for task in ("outcome", "family")))
        self.regressions_.fit(odds, labels, groups)
        self.bases_ = [build().fit(frame, labels, groups) for build in self.bases.values()]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predictions of the regressions from those of the bases."""
        return self.regressions_.predict(_log_odds([base.predict(frame) for base in self.bases_]))


def held_out_predictions(bases: Builders, dataset: Dataset) -> list[Predictions]:
    """Predictions of each base for every row, not fitted on the row's case."""
    groups = dataset.groups
    folds = min(_FOLDS, len(np.unique(groups)))
    splits = list(GroupKFold(folds, shuffle=True, random_state=0).split(groups, groups=groups))
    predicted = out_of_fold(dataset, dict(bases), [splits], jobs=1)
    return [each.repeats[0] for each in predicted.values()]


def _log_odds(predictions: list[Predictions]) -> pd.DataFrame:
    """A column a base for the outcome, and one a base and family."""
    columns: dict[str, NDArray[np.float64]] = {}
    for base, each in enumerate(predictions):
        columns[f"outcome_{base}"] = each.p_overturned
        columns |= {f"family_{base}_{family}": column for family, column in enumerate(each.family_probability.T)}
    return pd.DataFrame({name: logit(np.clip(column, _SURE, 1 - _SURE)) for name, column in columns.items()})


def _on_columns(odds: pd.DataFrame, task: str) -> Recipe:
    columns = [name for name in map(str, odds.columns) if name.startswith(f"{task}_")]
    return Recipe(partial(make_column_transformer, ("passthrough", columns)), _regression, _PENALTIES)


def _regression(C: float) -> LogisticRegression:  # noqa: N803
    return LogisticRegression(C=C, max_iter=_MOST_ROUNDS)
