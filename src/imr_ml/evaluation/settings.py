"""Settings of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    def for_requests(self, requests: int) -> EvaluationSettings:
        """Fill in the number of repeats for a table of that size."""
        automatic = _REPEATS_OF_SMALL_TABLE if requests < _SMALL_TABLE else 1
        return replace(self, repeats=self.repeats or automatic)
