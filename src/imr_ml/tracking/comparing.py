"""Compare recorded runs: metrics, settings and paired differences."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import METRICS, metric_of, metrics_of
from imr_ml.evaluation.intervals import Bootstrap, Estimate
from imr_ml.tracking.predictions import FILE, HeldOut, read_held_out
from imr_ml.tracking.registry import MODELS, NOT_FOUND, version_of
from imr_ml.tracking.store import connected, first_line, or_none
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RESAMPLES = 2000
_SHORT_ID = 8
_RUNS = "runs:/"
_MOST_RUNS = 1_000_000


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A recorded run.

    Attributes
    ----------
    run_id, name : str
    metrics : dict of float
        As recorded.
    params, tags : dict of str
    held_out : HeldOut or None
        Its out-of-fold predictions; None where it has none.
    """

    run_id: str
    name: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    held_out: HeldOut | None

    def estimate(self, metric: str) -> Estimate | None:
        """A metric with its interval; None where the run has none of that name."""
        ends = [self.metrics.get(f"{metric}{end}") for end in ("", ".low", ".high")]
        value, low, high = (np.nan if one is None else one for one in ends)
        return None if ends[0] is None else Estimate(value, low, high)


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Runs beside the first of them.

    Attributes
    ----------
    runs : tuple of RunFacts
    differences : tuple of (dict of Estimate or str)
        One for each run but the first: metric -> run minus first, paired by case; or why there is none.
    params : dict of tuple
        Param -> its value in each run, where they differ; None for a run without it.
    """

    runs: tuple[RunFacts, ...]
    differences: tuple[dict[str, Estimate] | str, ...]
    params: dict[str, tuple[str | None, ...]]


def compare_runs(named: Sequence[str]) -> RunComparison:
    """Compare runs.

    Parameters
    ----------
    named : sequence of str
        Each a run's identifier or its beginning, a run's name, or a model such as ``models:/imr-ml@champion``.

    Raises
    ------
    TrackingError
        For a name that no run or several have.
    """
    with connected() as client:
        runs = tuple(run_facts(client, find_run(client, one)) for one in named)
    return RunComparison(
        runs=runs,
        differences=tuple(differences_or_why(runs[0], other) for other in runs[1:]),
        params=differing_params(runs),
    )


def differences_or_why(first: RunFacts, other: RunFacts) -> dict[str, Estimate] | str:
    """Each metric of `other` minus that of `first`, paired by case; or why they can't be paired."""
    if first.held_out is None or other.held_out is None:
        lacking = first if first.held_out is None else other
        return f"{lacking.name} ({lacking.run_id[:_SHORT_ID]}) has no out-of-fold predictions"
    ours, theirs = first.held_out.folds, other.held_out.folds
    if ours.data != theirs.data:
        return f"they were evaluated on other data ({ours.data[:_SHORT_ID]}, {theirs.data[:_SHORT_ID]})"
    if ours != theirs:
        return f"they were evaluated on other folds ({_describe_run(first)}, {_describe_run(other)})"
    found = paired_differences(first.held_out, other.held_out)
    # Who predicts no outcome has a probability all the same: one that says nothing.
    return {metric: one for metric, one in found.items() if metric in first.metrics and metric in other.metrics}


def paired_differences(first: HeldOut, other: HeldOut) -> dict[str, Estimate]:
    """Each metric of `other` minus that of `first`, both on the same folds, with a bootstrap over cases."""
    labels, repeats = first.labels, len(first.predicted.repeats)
    names = metrics_of(labels)
    computed = {
        (side, name): metric_of(held_out.predicted, labels, name)
        for side, held_out in (("first", first), ("other", other))
        for name in names
    }
    bootstrap = Bootstrap.over_cases(computed, first.groups, repeats, RESAMPLES, first.folds.seed)
    return {name: bootstrap.difference(("other", name), ("first", name)) for name in names}


def differing_params(runs: Sequence[RunFacts]) -> dict[str, tuple[str | None, ...]]:
    """Params that are not the same in all runs."""
    names = sorted({name for run in runs for name in run.params})
    values = {name: tuple(run.params.get(name) for run in runs) for name in names}
    return {name: each for name, each in values.items() if len(set(each)) > 1}


def shared_metrics(runs: Sequence[RunFacts]) -> list[str]:
    """Metrics that any of the runs has, in the order in which they are told everywhere."""
    return [metric for metric in METRICS if any(metric in run.metrics for run in runs)]


def find_run(client: MlflowClient, named: str) -> Run:
    """The one run that is meant; see `compare_runs`."""
    if named.startswith(MODELS):
        return client.get_run(_run_of_model(client, named))
    if named.startswith(_RUNS):
        named = named.removeprefix(_RUNS).partition("/")[0]
    if not named.strip():
        raise TrackingError("name a run by its identifier, its beginning, its name or a model: imr-ml compare RUN RUN")
    if whole := or_none(lambda: client.get_run(named), absent=NOT_FOUND):
        return whole
    runs = _all_runs()
    found = [run for run in runs if run.info.run_id.startswith(named.lower())] or [
        run for run in runs if run.info.run_name == named
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        newest = "; ".join(f"{run.info.run_id[:_SHORT_ID]} {run.info.run_name}" for run in runs[:3]) or "none"
        raise TrackingError(f"no run is called {named!r}, and none's identifier begins so; the newest are: {newest}")
    ids = ", ".join(run.info.run_id[:_SHORT_ID] for run in found[:5])
    raise TrackingError(f"{len(found)} runs are meant by {named!r}: name one by its identifier, newest first: {ids}")


def run_facts(client: MlflowClient, run: Run) -> RunFacts:
    """What is recorded of a run, its out-of-fold predictions among it."""
    return RunFacts(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id[:_SHORT_ID],
        metrics=run.data.metrics,
        params=run.data.params,
        tags=run.data.tags,
        held_out=_held_out(client, run.info.run_id),
    )


def _held_out(client: MlflowClient, run_id: str) -> HeldOut | None:
    folder, _, name = FILE.rpartition("/")
    if not any(one.path == FILE for one in client.list_artifacts(run_id, folder)):
        return None
    with tempfile.TemporaryDirectory() as scratch:
        client.download_artifacts(run_id, FILE, scratch)
        return read_held_out(next(Path(scratch).rglob(name)))


def _all_runs() -> list[Run]:
    """Runs of all experiments, newest first."""
    import mlflow

    order = ["attributes.start_time DESC"]
    found = mlflow.search_runs(
        search_all_experiments=True, output_format="list", order_by=order, max_results=_MOST_RUNS
    )
    return list(found)


def _run_of_model(client: MlflowClient, uri: str) -> str:
    import mlflow

    try:
        found = version_of(client, uri)
    except mlflow.MlflowException as error:
        raise TrackingError(f"{uri}: {first_line(error)}; see the registered models in 'make ui'") from error
    if not found.run_id:
        raise TrackingError(f"{uri}: was registered without a run, so there is nothing to compare")
    return str(found.run_id)


def _describe_run(run: RunFacts) -> str:
    if run.held_out is None:
        return "none"
    folds = run.held_out.folds
    stratified = "stratified" if folds.stratify else "not stratified"
    return f"{folds.folds} folds x {folds.repeats}, seed {folds.seed}, {stratified}"
