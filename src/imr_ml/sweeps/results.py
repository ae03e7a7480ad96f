"""The results of a sweep: its trials, what was selected, and what that gains on the outer folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.sweeps.objectives import LESS
from imr_ml.sweeps.space import ALL

if TYPE_CHECKING:
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.sweeps.searching import TrialResult
    from imr_ml.sweeps.space import Plan
    from imr_ml.training import DataFacts

FILE, SELECTED = "file", "selected"


@dataclass(frozen=True, slots=True)
class Sweep:
    """The results of a sweep.

    Attributes
    ----------
    plan : Plan
    trials : tuple of TrialResult
        Of all searches.
    selected : dict of TrialResult
        Search -> its best trial.
    estimates : dict
        ``"selected"`` (nested: in each outer fold, what was selected on the other folds) and ``"file"`` -> metric ->
        `Estimate`, both on the same outer folds.
    differences : dict of Estimate
        Metric -> selected minus file, over the same resamples.
    data : DataFacts
    elapsed_s : float
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
