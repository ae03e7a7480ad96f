"""Read the ladder: reference predictors, then experiment files from simple to complex.

A later rung is more complex than an earlier one: it costs more to fit, to run or to explain, so it must be better to
be worthwhile.
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
from imr_ml.progress import StartProgress, no_progress

_SMOOTHING = 20.0
_THRESHOLD = 0.4
TASKS = ("outcome", "family")


class CategoryRate:
    """Predict the rates of the request's category, smoothed: the overall rate counts as much as twenty requests."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Compute the rates by category."""
        columns = np.column_stack([labels.overturned, labels.families])
        self.rates_ = [
            TargetEncoder(target_type="continuous", smooth=_SMOOTHING).fit(frame[["category"]], column.astype(float))
            for column in columns.T
        ]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Return the rates of each row's category; the overall rates for a category without training requests."""
        rates = np.column_stack([rate.transform(frame[["category"]])[:, 0] for rate in self.rates_])
        return Predictions(rates[:, 0], rates[:, 1:], family_sets(rates[:, 1:], _THRESHOLD))


@dataclass(frozen=True, slots=True)
class Rung:
    """One predictor of the ladder.

    Attributes
    ----------
    description : str
        One line to display.
    build : callable
        Builds an unfitted predictor.
    tasks : tuple of {"outcome", "family"}
        Tasks in which it differs from the rungs before it; it is compared only in these.
    nlp : NlpSettings or None
        How texts are processed; None if it uses no text or the raw text.
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
    """Return the lowest rung: the rates of the evaluated requests, the best constant prediction."""
    return Rung("base_rate", "The same rates for every request", partial(BaseRate, labels))


def read_rungs(files: Sequence[str] = ()) -> tuple[Rung, ...]:
    """Return the reference rungs, then the experiments (names or paths); by default those of the built-in ladder.

    Raises
    ------
    ExperimentError
        For an invalid experiment file, or for two rungs with the same name.
    """
    rungs = (*REFERENCES, *_experiment_rungs([read_experiment(file) for file in files or ladder_names()]))
    names = [rung.name for rung in rungs]
    for name in names:
        if names.count(name) > 1:
            raise ExperimentError(f"two experiments are called {name!r}; rename one of the files")
    return rungs


def read_frames(
    requests: pd.DataFrame,
    rungs: Sequence[Rung],
    frames: Mapping[NlpSettings, pd.DataFrame],
    start: StartProgress = no_progress,
) -> dict[NlpSettings, pd.DataFrame]:
    """Return the feature frames of the requests for every rung: the existing ones and the missing ones.

    Parameters
    ----------
    requests : DataFrame
        Decided requests, in the order of the data set.
    rungs : sequence of Rung
    frames : dict of DataFrame
        Existing feature frames.
    start : callable, optional
        Starts a progress bar over the distinct texts.
    """
    needed = dict.fromkeys(rung.nlp for rung in rungs if rung.nlp is not None)
    return {**frames, **{nlp: feature_frame(requests, nlp, start) for nlp in needed if nlp not in frames}}


def _experiment_rungs(experiments: Sequence[NamedExperiment]) -> Iterator[Rung]:
    earlier_keys: set[tuple[object, ...]] = set()
    for entry in experiments:
        settings = entry.experiment.training_settings()
        keys = _task_keys(settings)
        # An experiment that is identical to an earlier one is compared in all tasks.
        tasks = tuple(task for task, key in keys.items() if key not in earlier_keys) or TASKS
        earlier_keys.update(keys.values())
        build = partial(RequestModel, settings.model)
        yield Rung(entry.name, entry.experiment.description, build, tasks, settings.nlp)


def _task_keys(settings: TrainingSettings) -> dict[str, tuple[object, ...]]:
    """Return the settings that determine each task's predictions."""
    model = settings.model
    shared = settings.nlp, model.terms, model.seed
    return {"outcome": (*shared, model.outcome, model.half_life_years), "family": (*shared, model.family)}
