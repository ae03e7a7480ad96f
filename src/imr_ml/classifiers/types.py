"""Define the data types of the classifiers: labels, datasets, predictions, evidence and the predictor protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.classifiers.contributions import Explanation
from imr_ml.corpus.near_duplicates import duplicate_groups
from imr_ml.corpus.schema import families_of
from imr_ml.corpus.table import decided_years
from imr_ml.features.frame import feature_frame
from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import NlpSettings
from imr_ml.progress import StartProgress, no_progress


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of decided requests.

    Attributes
    ----------
    overturned : (requests,) bool
    families : (requests, families) bool
        Cited families, in the order of `FAMILIES`; all False if the source does not report families.
    decided_year : (requests,) float
        Time of the decision as a decimal year; NaN if unknown. It is never a feature, and only orders and weights
        requests in training and evaluation.
    """

    overturned: NDArray[np.bool_]
    families: NDArray[np.bool_]
    decided_year: NDArray[np.float64]

    @property
    def families_known(self) -> bool:
        """Whether the source reports families; a request whose reviewer cites nothing has the family ``none``."""
        return bool(self.families.any())

    def __getitem__(self, rows: NDArray[np.int64]) -> Labels:
        return Labels(self.overturned[rows], self.families[rows], self.decided_year[rows])


@dataclass(frozen=True, slots=True)
class Dataset:
    """Decided requests in the form that predictors are fitted on.

    Attributes
    ----------
    frame : DataFrame
        Feature frame.
    labels : Labels
    groups : (requests,) int
        Case of each request, from 0; near-duplicate cases share a group. A group must stay on one side of every split.
    """

    frame: pd.DataFrame
    labels: Labels
    groups: NDArray[np.int64]

    @classmethod
    def from_table(
        cls,
        requests: pd.DataFrame,
        settings: NlpSettings | None = None,
        start: StartProgress = no_progress,
        groups: NDArray[np.int64] | None = None,
        jobs: int = 1,
    ) -> Dataset:
        """Build a dataset from a completed table of decided requests.

        Parameters
        ----------
        requests : DataFrame
        settings : NlpSettings, optional
        start : callable, optional
            Starts a progress bar over the distinct texts.
        groups : (requests,) int, optional
            Result of `duplicate_groups`, if already computed.
        jobs : int, default 1
            Number of processes for reading texts; -1 uses all cores.
        """
        groups = duplicate_groups(requests) if groups is None else groups
        return cls(feature_frame(requests, settings, start, jobs=jobs), labels_of(requests), groups)

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, rows: NDArray[np.int64]) -> Dataset:
        return Dataset(self.frame.iloc[rows], self.labels[rows], self.groups[rows])


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions of a model.

    Attributes
    ----------
    p_overturned : (requests,) float
    family_probability : (requests, families) float
    family_set : (requests, families) bool
        Predicted set of families; never empty, and never ``none`` with another family.
    """

    p_overturned: NDArray[np.float64]
    family_probability: NDArray[np.float64]
    family_set: NDArray[np.bool_]

    @property
    def primary_family(self) -> NDArray[np.int64]:
        """Column of the most probable family in each request's set, shape (requests,)."""
        likeliest: NDArray[np.int64] = np.where(self.family_set, self.family_probability, -1.0).argmax(axis=1)
        return likeliest

    def __getitem__(self, rows: NDArray[np.int64]) -> Predictions:
        return Predictions(self.p_overturned[rows], self.family_probability[rows], self.family_set[rows])


def join_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Concatenate predictions."""
    return Predictions(
        np.concatenate([part.p_overturned for part in parts]),
        np.concatenate([part.family_probability for part in parts]),
        np.concatenate([part.family_set for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Feature contributions to one request's predictions.

    Attributes
    ----------
    outcome : Explanation
        Explains the probability that the denial is overturned; positive weights raise it.
    family : Explanation or None
        Explains the probability of the primary family; None if the source has no families.
    """

    outcome: Explanation
    family: Explanation | None = None


class Predictor(Protocol):
    """A model that is fitted on a feature frame with labels and predicts the rows of another one."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Fit on a feature frame; requests of one group belong to one case.

        Parameters
        ----------
        frame : DataFrame
            Feature frame.
        labels : Labels
        groups : array of int
            Case of each request; near-duplicate cases share a group.
        """

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predict each row."""


def labels_of(requests: pd.DataFrame) -> Labels:
    """Return the labels of decided requests."""
    cited = [set(families_of(value)) for value in requests["families"]]
    return Labels(
        overturned=requests["outcome"].eq("overturned").to_numpy(dtype=bool),
        families=np.array([[family in row for family in FAMILIES] for row in cited], dtype=bool).reshape(
            -1, len(FAMILIES)
        ),
        decided_year=decided_years(requests),
    )
