"""Run a sweep: inner folds select settings, outer folds compare them with the experiment file's settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset, Labels, Predictions
from imr_ml.evaluation.cross_validation import fit_predict, join_folds, run_parallel
from imr_ml.evaluation.intervals import Bootstrap, Estimate, Metric
from imr_ml.evaluation.splits import Split, grouped_folds
from imr_ml.progress import StartProgress, no_progress
from imr_ml.sweeps.results import FILE, OBJECTIVES, SELECTED, Sweep, SweepError, available_objectives
from imr_ml.sweeps.searching import Search, TrialResult, open_storage
from imr_ml.training_data import data_facts, decided_requests

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from imr_ml.experiments.schema import Experiment
    from imr_ml.sweeps.space import Plan

    Datasets = Callable[[Experiment], Dataset]


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a sweep.

    Attributes
    ----------
    trials : int
        Total number of trials, divided equally among the searches.
    timeout_s : float, optional
        No trial starts after this many seconds.
    jobs : int
        Number of processes; -1 for all cores.
    """

    trials: int = 40
    timeout_s: float | None = None
    jobs: int = -1


def describe_cost(plan: Plan, budget: Budget) -> str:
    """Describe the cost of a sweep in one sentence.

    Raises
    ------
    SweepError
        For fewer trials than searches.
    """
    searches, trials_each = len(plan.searches), _trials_each(plan, budget)
    fits = searches * trials_each * plan.inner_folds
    return (
        f"{searches} searches ({plan.outer_folds} outer folds, then all the data) of {trials_each} trials, "
        f"{plan.inner_folds} inner folds each: at most {fits} fits to select and {2 * plan.outer_folds} to evaluate"
    )


def run_sweep(
    requests: pd.DataFrame, plan: Plan, store: Path, budget: Budget | None = None, start: StartProgress = no_progress
) -> Sweep:
    """Search on each outer training part and on all data, and evaluate the selected settings on the outer folds.

    The searches run in rounds of one trial each, so that all have the same budget when the time is up.

    Parameters
    ----------
    requests : DataFrame
        Validated and completed requests table of one source.
    plan : Plan
    store : Path
        SQLite file of the trials; the sweep resumes if it exists.
    budget : Budget, optional
    start : callable, optional
        Starts the progress bar of each long step.

    Raises
    ------
    SweepError
        If the store belongs to another sweep or other data, or no trial could be measured on every fold.
    TrainingError, SplitError
        As in training.
    """
    started, budget = time.monotonic(), budget or Budget()
    trials_each = _trials_each(plan, budget)
    decided = decided_requests(requests)
    build_dataset = cache(lambda nlp: Dataset.from_table(decided, nlp, start))

    def datasets(experiment: Experiment) -> Dataset:
        return build_dataset(experiment.training_settings().nlp)

    base = datasets(plan.base.experiment)
    if plan.objective not in available_objectives(base.labels):
        raise SweepError(f"{plan.objective} can't be measured: this source reports no families")
    data = data_facts(requests, decided, base.groups)
    all_rows = np.arange(len(base))
    outer = _folds(base, all_rows, plan.outer_folds, plan)
    parts = dict(zip(plan.searches, [*(train for train, _ in outer), all_rows], strict=True))
    folds = {name: _folds(base, rows, plan.inner_folds, plan) for name, rows in parts.items()}
    facts = {"settings": plan.digest, "data": data.sha256}
    with open_storage(store) as storage:
        searches = [Search(name, plan, storage, facts) for name in parts]
        end_at = None if budget.timeout_s is None else started + budget.timeout_s
        _run_trials(searches, folds, datasets, trials_each, end_at, budget.jobs, start)
        selected = {search.name: best for search in searches if (best := search.best())}
        trials = tuple(result for search in searches for result in search.results)
    if len(selected) < len(searches):
        raise SweepError("no trial could be measured on every fold: allow more trials, or narrow the ranges")
    estimates, differences = _evaluate(plan, selected, outer, datasets, budget.jobs, start)
    return Sweep(plan, trials, selected, estimates, differences, data, time.monotonic() - started)


def _trials_each(plan: Plan, budget: Budget) -> int:
    searches = len(plan.searches)
    if budget.trials < searches:
        raise SweepError(
            f"{budget.trials} trials are too few for {searches} searches ({plan.outer_folds} outer folds and all the "
            f"data): allow {searches} or more"
        )
    return budget.trials // searches


def _build(experiment: Experiment) -> RequestModel:
    return RequestModel(experiment.training_settings().model)


def _folds(dataset: Dataset, rows: NDArray[np.int64], folds: int, plan: Plan) -> list[Split]:
    """Split some rows of a data set into folds."""
    evaluation, seed = plan.base.experiment.evaluation, plan.base.experiment.training.seed
    overturned, groups = dataset.labels.overturned[rows], dataset.groups[rows]
    splits = grouped_folds(overturned, groups, folds, seed, stratify=evaluation.stratify)
    return [(rows[train], rows[test]) for train, test in splits]


def _run_trials(
    searches: Sequence[Search],
    folds: Mapping[str, Sequence[Split]],
    datasets: Datasets,
    trials_each: int,
    end_at: float | None,
    jobs: int,
    start: StartProgress,
) -> None:
    """Run trials of all searches in rounds, until each has `trials_each` results or the time is up."""
    inner = searches[0].plan.inner_folds
    progress = start("searching", len(searches) * trials_each * inner)
    progress(sum(min(len(search.results), trials_each) for search in searches) * inner)
    while (fewest := min(len(search.results) for search in searches)) < trials_each:
        if end_at is not None and time.monotonic() > end_at and all(search.results for search in searches):
            return
        behind = [(search, search.ask()) for search in searches if len(search.results) == fewest]
        for fold in range(inner):
            running = [(search, trial) for search, trial in behind if trial.is_open]
            tasks = (
                (trial.experiment, datasets(trial.experiment), folds[search.name][fold]) for search, trial in running
            )
            # A report can end a trial, so all are measured first.
            measured = list(run_parallel(_measure, tasks, jobs, lambda _: None))
            for (search, trial), metrics in zip(running, measured, strict=True):
                search.report(trial, metrics)
            progress(len(behind))


def _measure(experiment: Experiment, dataset: Dataset, split: Split) -> dict[str, float]:
    """Compute each objective in the test part of a split, by a model of the training part."""
    predictions, labels = _predict(experiment, dataset, split), dataset.labels[split[1]]
    ones = np.ones((1, len(split[1])))
    return {
        name: float(OBJECTIVES[name](labels, predictions, ones)[0]) for name in available_objectives(dataset.labels)
    }


def _predict(experiment: Experiment, dataset: Dataset, split: Split) -> Predictions:
    return fit_predict(partial(_build, experiment), dataset, split)


def _evaluate(
    plan: Plan,
    selected: Mapping[str, TrialResult],
    outer: list[Split],
    datasets: Datasets,
    jobs: int,
    start: StartProgress,
) -> tuple[dict[str, dict[str, Estimate]], dict[str, Estimate]]:
    """Compute metrics of the selected settings and of the file on the outer folds, and their paired differences."""
    selected_experiments = [plan.experiment(selected[name].values) for name in plan.searches[:-1]]
    experiments = {SELECTED: selected_experiments, FILE: [plan.base.experiment] * len(outer)}
    predicted = _predict_outer(experiments, outer, datasets, jobs, start)
    base, evaluation = datasets(plan.base.experiment), plan.base.experiment.evaluation
    names = available_objectives(base.labels)
    computed = {
        (side, name): _metric(base.labels, predictions, name)
        for side, predictions in predicted.items()
        for name in names
    }
    seed = plan.base.experiment.training.seed
    bootstrap = Bootstrap.over_cases(computed, base.groups, 1, evaluation.resamples, seed)
    estimates = {side: {name: bootstrap.estimate((side, name)) for name in names} for side in predicted}
    return estimates, {name: bootstrap.difference((SELECTED, name), (FILE, name)) for name in names}


def _predict_outer(
    experiments: Mapping[str, Sequence[Experiment]],
    outer: list[Split],
    datasets: Datasets,
    jobs: int,
    start: StartProgress,
) -> dict[str, Predictions]:
    tasks = [
        (experiment, datasets(experiment), split)
        for by_fold in experiments.values()
        for experiment, split in zip(by_fold, outer, strict=True)
    ]
    parts = list(run_parallel(_predict, tasks, jobs, start("evaluating", len(tasks))))
    count = len(outer)
    return {side: join_folds(parts[at * count : (at + 1) * count], outer) for at, side in enumerate(experiments)}


def _metric(labels: Labels, predictions: Predictions, name: str) -> Metric:
    return lambda _, weights: OBJECTIVES[name](labels, predictions, weights)
