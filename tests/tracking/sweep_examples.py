"""An invented sweep, to record and inspect without fitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.evaluation.intervals import Estimate
from imr_ml.sweeps.reading import read_plan
from imr_ml.sweeps.results import FILE, SELECTED, Sweep
from imr_ml.sweeps.searching import TrialResult
from imr_ml.training_data import DataFacts

if TYPE_CHECKING:
    from pathlib import Path

FILE_TEXT = """\
description = "quembolic harrowgate sprondle"
[sweep]
outer_folds = 2
inner_folds = 2
"outcome.C" = {low = 0.1, high = 10.0, log = true}
"outcome.weights.facts" = {low = 0.0, high = 1.0}
"features.request.ngrams" = [1, 2, 3]
"""
_SHA = "0123456789abcdef" * 4


def make_sweep(folder: Path, trials: int = 6) -> Sweep:
    """A sweep of three keys whose last trial of each search was pruned."""
    path = folder / "mine.toml"
    path.write_text(FILE_TEXT, encoding="utf-8")
    plan = read_plan(str(path))
    results = {search: [_trial(search, number, trials) for number in range(trials)] for search in plan.searches}
    estimates = {"outcome.roc_auc": Estimate(0.7, 0.6, 0.8), "family.f1_micro": Estimate(0.8, 0.7, 0.9)}
    return Sweep(
        plan=plan,
        trials=tuple(trial for trials_of_search in results.values() for trial in trials_of_search),
        selected={search: trials_of_search[trials - 2] for search, trials_of_search in results.items()},
        estimates={SELECTED: estimates, FILE: estimates},
        differences={name: Estimate(0.01, -0.01, 0.03) for name in estimates},
        data=DataFacts("sample", _SHA, 60, 30, 30, 12, 0),
        elapsed_s=12.0,
    )


def _trial(search: str, number: int, trials: int) -> TrialResult:
    values = {
        "outcome.C": str(round(0.2 * (number + 1), 4)),
        "outcome.weights.facts": str(round(number * 0.37 % 1, 4)),
        "features.request.ngrams": str(number % 3 + 1),
    }
    value, shift = 0.6 + number / 50, len(search) / 1000
    if number == trials - 1:
        return TrialResult(search, number, values, "pruned", {"outcome.roc_auc": [0.5]}, None)
    metrics = {"outcome.roc_auc": [value, value + shift], "family.f1_micro": [0.8, float("nan")]}
    return TrialResult(search, number, values, "complete", metrics, value + shift / 2)
