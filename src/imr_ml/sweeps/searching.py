"""Search settings with Optuna: seeded, pruned, and stored after every step, so that a killed search goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from imr_ml.experiments.reading import ExperimentError
from imr_ml.files import locked
from imr_ml.sweeps.results import LESS, SweepError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

    from imr_ml.experiments.schema import Experiment
    from imr_ml.sweeps.space import Plan

State = Literal["complete", "pruned", "impossible"]
_RANDOM_TRIALS = 5
_DRAWS = 10
# Folds are few and noisy: only what is among the worst quarter so far is not worth the rest.
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
        From 0, in the search.
    values : dict of str
        Varied key -> its value as TOML.
    state : str
        ``pruned`` if three of four trials were better so far, ``impossible`` if the values exclude each other.
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
    """A trial under way: its values, the experiment with them, and what was measured so far."""

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
        What must be the same for a stored search to go on, and its digest.
    """

    def __init__(self, name: str, plan: Plan, storage: RDBStorage, facts: Mapping[str, str]) -> None:
        self.name, self.plan = name, plan
        self._study = _open_study(name, plan, storage, facts)
        trials = self._study.get_trials(deepcopy=False)
        ended = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
        self.results = [_read_result(name, number, trial) for number, trial in enumerate(ended)]

    def ask(self) -> OpenTrial:
        """Suggest the next trial: the file's own values first, then by the results so far.

        One that needs no fit has ended already: its values exclude each other, or all that was drawn was tried before.
        """
        trial, before = self._draw_new()
        if before:
            trial.metrics = before.metrics
            self._end(trial, before.state)
            return trial
        try:
            trial.experiment = self.plan.experiment(trial.values)
        except ExperimentError:
            self._end(trial, "impossible")
        return trial

    def _draw_new(self) -> tuple[OpenTrial, TrialResult | None]:
        """A draw that was not tried before; if there is none, the last of several with the result that it had."""
        from optuna.trial import TrialState

        for draw in range(_DRAWS):
            trial = self._draw(draw)
            before = next((result for result in self.results if result.values == trial.values), None)
            if before is None:
                break
            if draw < _DRAWS - 1:
                self._study.tell(trial.handle, state=TrialState.FAIL)
        return trial, before

    def _draw(self, draw: int) -> OpenTrial:
        from optuna.samplers import TPESampler

        number, base = len(self.results), self.plan.base.experiment
        if not number and (start := self.plan.start):
            self._study.enqueue_trial(start)
        # By the number of results, so that a search that was killed goes on as if it had not been.
        seed = np.random.SeedSequence([base.training.seed, number, draw]).generate_state(1)[0]
        self._study.sampler = TPESampler(seed=int(seed), n_startup_trials=_RANDOM_TRIALS)
        trial = self._study.ask()
        return OpenTrial(trial, self.plan.suggest(trial), base)

    def report(self, trial: OpenTrial, metrics: Mapping[str, float]) -> None:
        """Add the metrics of an inner fold; end the trial after its last, or if three of four were better so far."""
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
        """The complete trial with the best mean, the first of equals; None if there is none."""
        sign = -1.0 if self.plan.objective in LESS else 1.0
        complete = [result for result in self.results if result.value is not None]
        return max(complete, key=lambda result: sign * (result.value or 0.0), default=None)

    def _end(self, trial: OpenTrial, state: State) -> None:
        from optuna.trial import TrialState

        is_complete = state == "complete"
        value = float(np.nanmean(trial.metrics[self.plan.objective])) if is_complete else None
        for name, fact in ((_VALUES, trial.values), (_METRICS, trial.metrics), (_STATE, state)):
            trial.handle.set_user_attr(name, fact)
        self._study.tell(trial.handle, value, TrialState.COMPLETE if is_complete else TrialState.PRUNED)
        trial.is_open = False
        self.results.append(TrialResult(self.name, len(self.results), trial.values, state, trial.metrics, value))


@contextmanager
def open_storage(path: Path) -> Iterator[RDBStorage]:
    """Open or create the SQLite file of a sweep, for this process alone.

    Raises
    ------
    SweepError
        If another sweep is using it, or it is something else.
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
            raise SweepError(f"{path}: can't be read as the store of a sweep; move it away to start anew") from None
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
        direction="minimize" if plan.objective in LESS else "maximize",
        pruner=optuna.pruners.PercentilePruner(_CONTINUED_PERCENT, n_startup_trials=_RANDOM_TRIALS),
        load_if_exists=True,
    )
    if _FACTS not in study.user_attrs:
        study.set_user_attr(_FACTS, dict(facts))
    stored = study.user_attrs[_FACTS]
    if differing := [fact for fact in facts if stored.get(fact) != facts[fact]]:
        raise SweepError(
            f"{storage.engine.url.database}: is of a sweep of other {' and '.join(differing)}; "
            "move it away to start anew, or name another with --store"
        )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Of a sweep that was killed.
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _read_result(search: str, number: int, trial: FrozenTrial) -> TrialResult:
    values, metrics, state = (trial.user_attrs[name] for name in (_VALUES, _METRICS, _STATE))
    return TrialResult(search, number, values, state, metrics, trial.value if state == "complete" else None)
