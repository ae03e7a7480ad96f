"""Settings of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imr_ml.features.settings import LARGE_TABLE

_SMALL_TABLE = 2000
_REPEATS_OF_SMALL_TABLE = 5


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes
    ----------
    folds : int
    repeats : int
        Cross-validations with different folds; 0 takes 5 for tables under 2,000 requests and 1 above.
    resamples : int
        Bootstrap resamples of the cases.
    seed : int
    jobs : int
        Processes; -1 for all cores.
    stratify : bool
        Whether folds are stratified by outcome besides being grouped by case.
    permutations : int
        How often outcomes are shuffled to see what chance gives; 0 leaves that test out.
    compare_masking : bool
        Whether the model is also evaluated with determination language masked where it is not, or the other way round;
        that reads every text and fits every held-out model twice.
    learning_curve : bool
        Whether the model and the baselines are also fitted on parts of the cases.
    tested_folds : int
        How many of the folds are held out in turn; 0 takes one for tables above `large_from` requests, else all.
    large_from : int
        Requests above which folds are not stratified either: they are so large that chance does it.
    """

    folds: int = 5
    repeats: int = 0
    resamples: int = 1000
    seed: int = 0
    jobs: int = -1
    stratify: bool = True
    permutations: int = 0
    compare_masking: bool = False
    learning_curve: bool = False
    tested_folds: int = 0
    large_from: int = LARGE_TABLE

    @property
    def tested_parts(self) -> str:
        """The folds that are held out, e.g. ``"5 folds"`` or ``"1 of 5 folds"``."""
        return (
            f"{self.tested_folds} of {self.folds} folds"
            if 0 < self.tested_folds < self.folds
            else f"{self.folds} folds"
        )

    def for_requests(self, requests: int) -> EvaluationSettings:
        """Fill in the numbers of repeats and tested folds for a table of that size."""
        repeats = self.repeats or (_REPEATS_OF_SMALL_TABLE if requests < _SMALL_TABLE else 1)
        is_large = requests > self.large_from
        tested = self.tested_folds or (1 if is_large and repeats == 1 else self.folds)
        return replace(self, repeats=repeats, tested_folds=tested, stratify=self.stratify and not is_large)
