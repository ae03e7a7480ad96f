"""Objectives and results of a sweep, and the winner as a new experiment file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.types import Labels, Predictions
from imr_ml.errors import ImrError
from imr_ml.evaluation.comparison import LOWER_IS_BETTER, METRICS, Computed
from imr_ml.evaluation.metrics import Values, Weights
from imr_ml.experiments.schema import to_toml
from imr_ml.files import explain_storage_errors
from imr_ml.sweeps.space import ALL

if TYPE_CHECKING:
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.sweeps.searching import TrialResult
    from imr_ml.sweeps.space import Plan
    from imr_ml.training_data import DataFacts


_LOG_LOSS = "outcome.log_loss"
_MIN_PROBABILITY = 1e-15
MINIMIZED = LOWER_IS_BETTER | {_LOG_LOSS}
"""Objectives to minimize; the others are maximized."""
FILE, SELECTED = "file", "selected"


def _log_loss(labels: Labels, predictions: Predictions, weights: Weights) -> Values:
    p_outcome = np.where(labels.overturned, predictions.p_overturned, 1 - predictions.p_overturned)
    loss: Values = weights @ -np.log(np.maximum(p_outcome, _MIN_PROBABILITY)) / weights.sum(axis=1)
    return loss


OBJECTIVES: dict[str, Computed] = {**METRICS, _LOG_LOSS: _log_loss}
"""Name -> metric."""


def available_objectives(labels: Labels) -> tuple[str, ...]:
    """Return the objectives that the labels allow; without families, only those of the outcome."""
    return tuple(name for name in OBJECTIVES if labels.families_known or not name.startswith("family."))


class SweepError(ImrError):
    """A sweep can't run or resume; the message states the reason and what to do."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Results of a sweep.

    Attributes
    ----------
    trials : tuple of TrialResult
        Trials of all searches.
    selected : dict of TrialResult
        Search -> its best trial.
    estimates : dict
        ``"selected"`` and ``"file"`` -> metric -> `Estimate`, both on the same outer folds. The selected settings are
        nested: each outer fold is predicted with the settings selected on the other folds.
    differences : dict of Estimate
        Metric -> selected minus file, on the same resamples.
    """

    plan: Plan
    trials: tuple[TrialResult, ...]
    selected: dict[str, TrialResult]
    estimates: dict[str, dict[str, Estimate]]
    differences: dict[str, Estimate]
    data: DataFacts
    elapsed_s: float

    @property
    def winner(self) -> TrialResult:
        """Best trial on all the data."""
        return self.selected[ALL]

    @property
    def verdict(self) -> str:
        """Sentence on whether the selected settings are better than the file's beyond chance."""
        gain = self.differences[self.plan.objective]
        is_below, is_above = gain.high < 0, gain.low > 0
        is_better, is_worse = (is_below, is_above) if self.plan.objective in MINIMIZED else (is_above, is_below)
        if is_better:
            return "the gain is proven: its interval excludes 0"
        if is_worse:
            return "the selected settings are worse than the file's: keep the file's"
        return "the gain is not proven: its interval includes 0"


def winner_toml(sweep: Sweep) -> str:
    """Format an experiment file with every setting of the winner."""
    winner, plan = sweep.winner, sweep.plan
    changes = ", ".join(f"{key}={value}" for key, value in winner.values.items())
    trials = sum(trial.search == winner.search for trial in sweep.trials)
    values = plan.experiment(winner.values).values()
    return to_toml(values | {"description": f"Best of {trials} trials of {plan.base.name}: {changes}"})


def check_is_new(path: Path) -> None:
    """Raise a `SweepError` if a file exists."""
    if path.exists():
        raise SweepError(f"{path}: already exists; move it away, or choose another file with -o")


def write_new(path: Path, text: str) -> None:
    """Write a new file; raise a `SweepError` if it exists."""
    with explain_storage_errors(path.parent):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            check_is_new(path)
            raise
