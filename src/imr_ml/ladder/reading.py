"""Read the ladder: reference rates, then experiment files from simple to complex.

A later rung is more complex than an earlier one: it costs more to fit, to run or to explain, and must be better to be
worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import TargetEncoder

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Labels, Predictions, Predictor
from imr_ml.evaluation.baselines import BaseRate, PlainText, UrFamilies
from imr_ml.experiments.reading import ExperimentError, NamedExperiment, ladder_names, read_experiment
from imr_ml.experiments.schema import TrainingSettings
from imr_ml.features.frame import feature_frame
from imr_ml.nlp.types import NlpSettings
from imr_ml.progress import StartProgress, silent

_AS_MANY_AS = 20.0
_THRESHOLD = 0.4
TASKS = ("outcome", "family")


class CategoryRate:
    """The rate of the request's category, smoothed: the overall rate counts as much as twenty requests."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Learn the rates."""
        columns = np.column_stack([labels.overturned, labels.families])
        self.rates_ = [
            TargetEncoder(target_type="continuous", smooth=_AS_MANY_AS).fit(frame[["category"]], column.astype(float))
            for column in columns.T
        ]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """The rates of each row's category; the overall ones for a category not met before."""
        rates = np.column_stack([rate.transform(frame[["category"]])[:, 0] for rate in self.rates_])
        return Predictions(rates[:, 0], rates[:, 1:], family_sets(rates[:, 1:], _THRESHOLD))


@dataclass(frozen=True, slots=True)
class Rung:
    """One predictor of the ladder.

    Attributes
    ----------
    description : str
        One line for people.
    build : callable
        Makes an unfitted predictor.
    tasks : tuple of {"outcome", "family"}
        What it predicts otherwise than the rungs before it; elsewhere it is not compared.
    nlp : NlpSettings or None
        How its texts are read; None where it reads none or takes them as they are.
    """

    name: str
    description: str
    build: Callable[[], Predictor]
    tasks: tuple[str, ...] = TASKS
    nlp: NlpSettings | None = None


REFERENCES = (
    Rung("ur_families", "The families that the claims administrator cited", UrFamilies, tasks=("family",)),
    Rung("category_rate", "Smoothed rates of the request's category", CategoryRate),
    Rung("plain_tfidf", "TF-IDF of the texts as they are, logistic regression", PlainText),
)
"""Rungs of every ladder, above the base rate."""


def base_rung(labels: Labels) -> Rung:
    """The lowest rung: the rates of the evaluated requests, the best that any constant could do."""
    return Rung("base_rate", "The same rates for every request", partial(BaseRate, labels))


def read_rungs(files: Sequence[str] = ()) -> tuple[Rung, ...]:
    """The references, then experiments by name or path; those of the package's ladder where none is named.

    Raises
    ------
    ExperimentError
        For a file that is no experiment, or two of one name.
    """
    rungs = (*REFERENCES, *_rungs([read_experiment(file) for file in files or ladder_names()]))
    names = [rung.name for rung in rungs]
    for name in names:
        if names.count(name) > 1:
            raise ExperimentError(f"two experiments are called {name!r}; rename a file")
    return rungs


def read_frames(
    requests: pd.DataFrame,
    rungs: Sequence[Rung],
    known: Mapping[NlpSettings, pd.DataFrame],
    start: StartProgress = silent,
) -> dict[NlpSettings, pd.DataFrame]:
    """Feature frames of the requests for every rung: the known ones, and those that are read another way.

    Parameters
    ----------
    requests : DataFrame
        Decided requests, in the order of the data set.
    rungs : sequence of Rung
    known : dict of DataFrame
    start : callable, optional
        Starts a progress bar over the distinct texts.
    """
    needed = dict.fromkeys(rung.nlp for rung in rungs if rung.nlp is not None)
    return {**known, **{nlp: feature_frame(requests, nlp, start) for nlp in needed if nlp not in known}}


def _rungs(experiments: Sequence[NamedExperiment]) -> Iterator[Rung]:
    met: set[tuple[object, ...]] = set()
    for named in experiments:
        settings = named.experiment.training_settings()
        keys = _task_keys(settings)
        # An experiment that is the same as another is judged beside it.
        tasks = tuple(task for task, key in keys.items() if key not in met) or TASKS
        met.update(keys.values())
        build = partial(RequestModel, settings.model)
        yield Rung(named.name, named.experiment.description, build, tasks, settings.nlp)


def _task_keys(settings: TrainingSettings) -> dict[str, tuple[object, ...]]:
    """What each task's predictions depend on."""
    model = settings.model
    shared = settings.nlp, model.terms, model.seed
    return {"outcome": (*shared, model.outcome, model.half_life_years), "family": (*shared, model.family)}
