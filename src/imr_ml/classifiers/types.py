"""Data types of the classifiers: labels, datasets, predictions, evidence, and the predictor protocol."""

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
from imr_ml.progress import StartProgress, silent


@dataclass(frozen=True, slots=True)
class Labels:
    """What was decided.

    Attributes
    ----------
    overturned : (requests,) bool
    families : (requests, families) bool
        Families cited, in the order of `FAMILIES`; none of any request if the source does not report them.
    decided_year : (requests,) float
        When, as a year and its fraction; NaN where it is not known. Never a feature: it orders and weighs requests
        while a model is fitted and evaluated.
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
    """Decided requests as predictors take them.

    Attributes
    ----------
    frame : DataFrame
        Feature frame.
    labels : Labels
    groups : (requests,) int
        Case of each request, joined with its near-duplicates and counted from 0: what must stay on one side of every
        split.
    """

    frame: pd.DataFrame
    labels: Labels
    groups: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        requests: pd.DataFrame,
        settings: NlpSettings | None = None,
        start: StartProgress = silent,
        groups: NDArray[np.int64] | None = None,
        jobs: int = 1,
    ) -> Dataset:
        """Read a completed requests table of which every row is decided.

        Parameters
        ----------
        requests : DataFrame
        settings : NlpSettings, optional
        start : callable, optional
            Starts a progress bar over the distinct texts.
        groups : (requests,) int, optional
            As `duplicate_groups` gives them, if they are known.
        jobs : int, default 1
            Processes that read many texts; -1 uses all cores.
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
        Families the model expects to be cited; never empty, and never ``none`` with another.
    """

    p_overturned: NDArray[np.float64]
    family_probability: NDArray[np.float64]
    family_set: NDArray[np.bool_]

    @property
    def primary_family(self) -> NDArray[np.int64]:
        """Column of the likeliest family of each request's set, shape (requests,)."""
        likeliest: NDArray[np.int64] = np.where(self.family_set, self.family_probability, -1.0).argmax(axis=1)
        return likeliest

    def __getitem__(self, rows: NDArray[np.int64]) -> Predictions:
        return Predictions(self.p_overturned[rows], self.family_probability[rows], self.family_set[rows])


def join_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of several parts, one after the other."""
    return Predictions(
        np.concatenate([part.p_overturned for part in parts]),
        np.concatenate([part.family_probability for part in parts]),
        np.concatenate([part.family_set for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What moved one request's predictions.

    Attributes
    ----------
    outcome : Explanation
        Of the probability that the denial is overturned; positive weights speak for it.
    family : Explanation or None
        Of the probability of the primary family; None of a source without families.
    """

    outcome: Explanation
    family: Explanation | None = None


class Predictor(Protocol):
    """Anything that learns from a feature frame and its labels and predicts for another."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:
        """Learn; requests of one group belong to one case.

        Parameters
        ----------
        frame : DataFrame
            Feature frame.
        labels : Labels
        groups : array of int
            Case of each request, joined with its near-duplicates.
        """

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Predict each row."""


def labels_of(requests: pd.DataFrame) -> Labels:
    """Labels of decided requests."""
    cited = [set(families_of(value)) for value in requests["families"]]
    return Labels(
        overturned=requests["outcome"].eq("overturned").to_numpy(dtype=bool),
        families=np.array([[family in row for family in FAMILIES] for row in cited], dtype=bool).reshape(
            -1, len(FAMILIES)
        ),
        decided_year=decided_years(requests),
    )
