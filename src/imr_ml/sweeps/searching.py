"""Search settings with Optuna: seeded, pruned, and stored after every step, so that a killed search can resume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from imr_ml.experiments.reading import ExperimentError
from imr_ml.files import locked
from imr_ml.sweeps.results import MINIMIZED, SweepError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

    from imr_ml.experiments.schema import Experiment
    from imr_ml.sweeps.space import Plan

State = Literal["complete", "pruned", "impossible"]
_RANDOM_TRIALS = 5
_DRAWS = 10
# Folds are few and noisy: prune only trials in the worst quarter so far.
_CONTINUED_PERCENT = 75.0
_VALUES, _METRICS, _STATE, _FACTS = "values", "metrics", "state", "facts"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A finished trial.

    Attributes
    ----------
    search : str
        Data that it was measured on: ``fold 1`` and so on, or ``all``.
    number : int
        Number in the search, from 0.
    values : dict of str
        Varied key -> its value as TOML.
    state : str
        ``pruned`` if three of four trials were better so far, ``impossible`` if the values contradict each other.
    metrics : dict of list of float
        Objective -> its value in each inner fold.
    value : float or None
        Mean of the sweep's objective; None unless complete.
    """

    search: str
    number: int
    values: dict[str, str]
    state: State
    metrics: dict[str, list[float]]
    value: float | None


@dataclass
class OpenTrial:
    """A running trial: its values, the experiment with them, and the metrics so far."""

    handle: Trial
    values: dict[str, str]
    experiment: Experiment
    metrics: dict[str, list[float]] = field(default_factory=dict)
    is_open: bool = True


class Search:
    """A search on one set of cases.

    Parameters
    ----------
    name : str
    plan : Plan
    storage : RDBStorage
    facts : dict of str
        Name -> digest of what must be unchanged to resume a stored search.
    """

    def __init__(self, name: str, plan: Plan, storage: RDBStorage, facts: Mapping[str, str]) -> None:
        self.name, self.plan = name, plan
        self._study = _open_study(name, plan, storage, facts)
        trials = self._study.get_trials(deepcopy=False)
        finished = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
        self.results = [_read_result(name, number, trial) for number, trial in enumerate(finished)]

    def ask(self) -> OpenTrial:
        """Suggest the next trial: first the file's values, then values based on the results so far.

        The trial is already finished if its values contradict each other or every draw repeats an earlier trial.
        """
        trial, duplicate = self._draw_new()
        if duplicate:
            trial.metrics = duplicate.metrics
            self._end(trial, duplicate.state)
            return trial
        try:
            trial.experiment = self.plan.experiment(trial.values)
        except ExperimentError:
            self._end(trial, "impossible")
        return trial

    def _draw_new(self) -> tuple[OpenTrial, TrialResult | None]:
        """Draw a trial with new values; after several failed draws, return the last one with its earlier result."""
        from optuna.trial import TrialState

        for draw in range(_DRAWS):
            trial = self._draw(draw)
            duplicate = next((result for result in self.results if result.values == trial.values), None)
            if duplicate is None:
                break
            if draw < _DRAWS - 1:
                self._study.tell(trial.handle, state=TrialState.FAIL)
        return trial, duplicate

    def _draw(self, draw: int) -> OpenTrial:
        from optuna.samplers import TPESampler

        number, base = len(self.results), self.plan.base.experiment
        if not number and (start := self.plan.start):
            self._study.enqueue_trial(start)
        # The seed depends on the number of results, so that a killed search resumes with the same draws.
        seed = np.random.SeedSequence([base.training.seed, number, draw]).generate_state(1)[0]
        self._study.sampler = TPESampler(seed=int(seed), n_startup_trials=_RANDOM_TRIALS)
        trial = self._study.ask()
        return OpenTrial(trial, self.plan.suggest(trial), base)

    def report(self, trial: OpenTrial, metrics: Mapping[str, float]) -> None:
        """Add the metrics of an inner fold; end the trial after the last fold, or prune it."""
        for name, value in metrics.items():
            trial.metrics.setdefault(name, []).append(value)
        values = trial.metrics[self.plan.objective]
        is_measured = bool(np.isfinite(values).any())
        if is_measured:
            trial.handle.report(float(np.nanmean(values)), len(values) - 1)
        if len(values) == self.plan.inner_folds:
            self._end(trial, "complete" if is_measured else "pruned")
        elif is_measured and trial.handle.should_prune():
            self._end(trial, "pruned")

    def best(self) -> TrialResult | None:
        """Return the complete trial with the best mean, the first in case of a tie; None without complete trials."""
        sign = -1.0 if self.plan.objective in MINIMIZED else 1.0
        complete = [result for result in self.results if result.value is not None]
        return max(complete, key=lambda result: sign * (result.value or 0.0), default=None)

    def _end(self, trial: OpenTrial, state: State) -> None:
        from optuna.trial import TrialState

        is_complete = state == "complete"
        value = float(np.nanmean(trial.metrics[self.plan.objective])) if is_complete else None
        for name, attribute in ((_VALUES, trial.values), (_METRICS, trial.metrics), (_STATE, state)):
            trial.handle.set_user_attr(name, attribute)
        self._study.tell(trial.handle, value, TrialState.COMPLETE if is_complete else TrialState.PRUNED)
        trial.is_open = False
        self.results.append(TrialResult(self.name, len(self.results), trial.values, state, trial.metrics, value))


@contextmanager
def open_storage(path: Path) -> Iterator[RDBStorage]:
    """Open or create the SQLite file of a sweep, for this process only.

    Raises
    ------
    SweepError
        If another sweep is using the file, or it is not the file of a sweep.
    """
    import optuna
    from sqlalchemy.exc import DatabaseError

    path.parent.mkdir(parents=True, exist_ok=True)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with locked(path.with_suffix(".lock"), SweepError(f"{path}: another sweep is using it")):
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
        except (DatabaseError, RuntimeError):
            raise SweepError(f"{path}: is not the store of a sweep; move it away to start a new one") from None
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()
            optuna.logging.set_verbosity(verbosity)


def _open_study(name: str, plan: Plan, storage: RDBStorage, facts: Mapping[str, str]) -> Study:
    import optuna
    from optuna.trial import TrialState

    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="minimize" if plan.objective in MINIMIZED else "maximize",
        pruner=optuna.pruners.PercentilePruner(_CONTINUED_PERCENT, n_startup_trials=_RANDOM_TRIALS),
        load_if_exists=True,
    )
    if _FACTS not in study.user_attrs:
        study.set_user_attr(_FACTS, dict(facts))
    stored = study.user_attrs[_FACTS]
    if differing := [fact for fact in facts if stored.get(fact) != facts[fact]]:
        raise SweepError(
            f"{storage.engine.url.database}: belongs to a sweep with other {' and '.join(differing)}; "
            "move it away to start a new one, or choose another with --store"
        )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Left by a sweep that was killed.
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _read_result(search: str, number: int, trial: FrozenTrial) -> TrialResult:
    values, metrics, state = (trial.user_attrs[name] for name in (_VALUES, _METRICS, _STATE))
    return TrialResult(search, number, values, state, metrics, trial.value if state == "complete" else None)
