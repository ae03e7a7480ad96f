"""Predict the rates of a request's category."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import TargetEncoder

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.types import Labels, Predictions

_AS_MANY_AS = 20.0
_THRESHOLD = 0.4


class CategoryRate:
    """The rate of the request's category, smoothed: the overall rate counts as much as twenty requests."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Learn the rates."""
        columns = np.column_stack([labels.overturned, labels.families])
        self.rates_ = [_encoder().fit(frame[["category"]], column.astype(float)) for column in columns.T]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """The rates of each row's category; the overall ones for a category not met before."""
        rates = np.column_stack([rate.transform(frame[["category"]])[:, 0] for rate in self.rates_])
        return Predictions(rates[:, 0], rates[:, 1:], family_sets(rates[:, 1:], _THRESHOLD))


def _encoder() -> TargetEncoder:
    return TargetEncoder(target_type="continuous", smooth=_AS_MANY_AS)
