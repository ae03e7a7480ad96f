"""Objectives and results of a sweep, and the winner as a new experiment file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.types import Labels, Predictions
from imr_ml.errors import ImrError
from imr_ml.evaluation.comparison import LESS_IS_BETTER, METRICS, Computed
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
_LEAST_PROBABILITY = 1e-15
LESS = LESS_IS_BETTER | {_LOG_LOSS}
"""Objectives of which less is better."""
FILE, SELECTED = "file", "selected"


def _log_loss(labels: Labels, predictions: Predictions, weights: Weights) -> Values:
    right = np.where(labels.overturned, predictions.p_overturned, 1 - predictions.p_overturned)
    loss: Values = weights @ -np.log(np.maximum(right, _LEAST_PROBABILITY)) / weights.sum(axis=1)
    return loss


OBJECTIVES: dict[str, Computed] = {**METRICS, _LOG_LOSS: _log_loss}
"""Name -> metric."""


def objectives_of(labels: Labels) -> tuple[str, ...]:
    """Objectives that the labels allow: none of families if the source does not report them."""
    return tuple(name for name in OBJECTIVES if labels.families_known or not name.startswith("family."))


class SweepError(ImrError):
    """A sweep that can't be run or resumed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The results of a sweep.

    Attributes
    ----------
    trials : tuple of TrialResult
        Of all searches.
    selected : dict of TrialResult
        Search -> its best trial.
    estimates : dict
        ``"selected"`` (nested: in each outer fold, what was selected on the other folds) and ``"file"`` -> metric ->
        `Estimate`, both on the same outer folds.
    differences : dict of Estimate
        Metric -> selected minus file, over the same resamples.
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
        """The best trial on all the data."""
        return self.selected[ALL]

    @property
    def verdict(self) -> str:
        """Whether what was selected is better than the file's settings beyond chance: one sentence."""
        gain = self.differences[self.plan.objective]
        better, worse = (gain.high < 0, gain.low > 0) if self.plan.objective in LESS else (gain.low > 0, gain.high < 0)
        if better:
            return "the gain is proven: its interval excludes 0"
        if worse:
            return "the selected settings are worse than the file's: keep the file's"
        return "the gain is not proven: its interval includes 0"


def winner_toml(sweep: Sweep) -> str:
    """Experiment file with every setting of the winner."""
    winner, plan = sweep.winner, sweep.plan
    changes = ", ".join(f"{key}={value}" for key, value in winner.values.items())
    tried = sum(trial.search == winner.search for trial in sweep.trials)
    values = plan.experiment(winner.values).values()
    return to_toml(values | {"description": f"Best of {tried} trials of {plan.base.name}: {changes}"})


def check_is_new(path: Path) -> None:
    """Refuse a file that exists.

    Raises
    ------
    SweepError
    """
    if path.exists():
        raise SweepError(f"{path}: exists and is not replaced; move it away, or name another with -o")


def write_new(path: Path, text: str) -> None:
    """Write a new file.

    Raises
    ------
    SweepError
        If it exists.
    """
    with explain_storage_errors(path.parent):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            check_is_new(path)
            raise
