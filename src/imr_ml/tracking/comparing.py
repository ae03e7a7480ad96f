"""Compare recorded runs: metrics, settings and paired differences."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import METRICS, available_metrics, metric_function
from imr_ml.evaluation.intervals import Bootstrap, Estimate
from imr_ml.tracking.predictions import FILE, HeldOut, read_held_out
from imr_ml.tracking.registry import ALIASES, MODEL_NAME, MODELS, NOT_FOUND, version_by_alias, version_by_uri
from imr_ml.tracking.store import connected, first_line, or_none, require_store
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

RESAMPLES = 2000
_SHORT_ID = 8
_RUNS = "runs:/"
_MOST_RUNS = 1_000_000


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A recorded run; `held_out` are its out-of-fold predictions, if it has any."""

    run_id: str
    name: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    held_out: HeldOut | None

    def estimate(self, metric: str) -> Estimate | None:
        """A metric with its interval; None if the run has none of that name."""
        if metric not in self.metrics:
            return None
        low, high = (self.metrics.get(f"{metric}{end}", np.nan) for end in (".low", ".high"))
        return Estimate(self.metrics[metric], low, high)


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Runs beside the first of them.

    `differences` holds for each run but the first metric -> run minus first, paired by case, or why there is none;
    `params` each param whose values differ -> its value in each run, None for a run without it.
    """

    runs: tuple[RunFacts, ...]
    differences: tuple[dict[str, Estimate] | str, ...]
    params: dict[str, tuple[str | None, ...]]


def compare_runs(named: Sequence[str]) -> RunComparison:
    """Compare runs.

    Each is named by its identifier or the beginning of that, by its name, or by a version of the registered model, as
    ``3``, ``champion`` or ``models:/imr-ml@champion``. Raises `TrackingError` for a name that no run or several have.
    """
    require_store()
    with connected() as client:
        runs = tuple(read_run(client, find_run(client, one)) for one in named)
    params = {name: tuple(run.params.get(name) for run in runs) for name in sorted({p for r in runs for p in r.params})}
    return RunComparison(
        runs=runs,
        differences=tuple(differences_or_reason(runs[0], other) for other in runs[1:]),
        params={name: values for name, values in params.items() if len(set(values)) > 1},
    )


def differences_or_reason(first: RunFacts, other: RunFacts) -> dict[str, Estimate] | str:
    """Each metric of `other` minus that of `first`, paired by case; or why they can't be paired."""
    if first.held_out is None or other.held_out is None:
        lacking = first if first.held_out is None else other
        return f"{lacking.name} ({lacking.run_id[:_SHORT_ID]}) has no out-of-fold predictions"
    folds = (first.held_out.folds, other.held_out.folds)
    if folds[0].data != folds[1].data:
        return f"they were evaluated on other data ({', '.join(one.data[:_SHORT_ID] for one in folds)})"
    if folds[0] != folds[1]:
        return f"they were evaluated on other folds ({', '.join(map(str, folds))})"
    differences = paired_differences(first.held_out, other.held_out)
    # A model that predicts no outcome has a probability all the same: one that says nothing.
    return {name: one for name, one in differences.items() if name in first.metrics and name in other.metrics}


def paired_differences(first: HeldOut, other: HeldOut) -> dict[str, Estimate]:
    """Each metric of `other` minus that of `first`, both on the same folds, with a bootstrap over cases."""
    bootstrap = _bootstrap(first=first, other=other)
    return {name: bootstrap.difference(("other", name), ("first", name)) for name in available_metrics(first.labels)}


def estimate_metrics(held_out: HeldOut) -> dict[str, Estimate]:
    """Each metric of out-of-fold predictions, with a bootstrap over cases."""
    bootstrap = _bootstrap(first=held_out)
    return {name: bootstrap.estimate(("first", name)) for name in available_metrics(held_out.labels)}


def _bootstrap(first: HeldOut, **others: HeldOut) -> Bootstrap[tuple[str, str]]:
    """Every metric of each side; all were evaluated on the same folds."""
    computed = {
        (side, name): metric_function(held_out.predicted, first.labels, name)
        for side, held_out in {"first": first, **others}.items()
        for name in available_metrics(first.labels)
    }
    repeats = len(first.predicted.repeats)
    return Bootstrap.over_cases(computed, first.groups, repeats, RESAMPLES, first.folds.seed)


def metrics_in_runs(runs: Sequence[RunFacts]) -> list[str]:
    """Metrics that any of the runs has, in the order in which they are shown everywhere."""
    return [metric for metric in METRICS if any(metric in run.metrics for run in runs)]


def find_version(client: MlflowClient, named: str) -> ModelVersion:
    """Find a registered version by its number, alias, ``models:/`` address, or run as in `compare_runs`."""
    if version := _registered_version(client, named):
        return version
    run = find_run(client, named)
    versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    if not versions:
        raise TrackingError(f"{named}: this run registered no model; name a version, as 3, or its run")
    return versions[0]


def find_run(client: MlflowClient, named: str) -> Run:
    """Find the one run that is meant; see `compare_runs`."""
    import mlflow

    if not named.strip():
        raise TrackingError(
            "name a run by its identifier, its beginning, its name, or its model's version: imr-ml compare RUN RUN"
        )
    if version := _registered_version(client, named):
        if not version.run_id:
            raise TrackingError(f"{named}: was registered without a run, so there is nothing to compare")
        return client.get_run(str(version.run_id))
    if named.startswith(_RUNS):
        named = named.removeprefix(_RUNS).partition("/")[0]
    if run := or_none(lambda: client.get_run(named), absent=NOT_FOUND):
        return run
    newest_first = ["attributes.start_time DESC"]
    runs = mlflow.search_runs(
        search_all_experiments=True, output_format="list", order_by=newest_first, max_results=_MOST_RUNS
    )
    matching = [run for run in runs if run.info.run_id.startswith(named.lower())] or [
        run for run in runs if run.info.run_name == named
    ]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        newest = "; ".join(f"{run.info.run_id[:_SHORT_ID]} {run.info.run_name}" for run in runs[:3]) or "none"
        raise TrackingError(f"no run has the name or identifier {named!r}; the newest are: {newest}")
    ids = ", ".join(run.info.run_id[:_SHORT_ID] for run in matching[:5])
    raise TrackingError(f"{len(matching)} runs are meant by {named!r}: name one by its identifier, newest first: {ids}")


def read_run(client: MlflowClient, run: Run) -> RunFacts:
    """Read what is recorded of a run, with its out-of-fold predictions."""
    return RunFacts(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id[:_SHORT_ID],
        metrics=run.data.metrics,
        params=run.data.params,
        tags=run.data.tags,
        held_out=_download_held_out(client, run.info.run_id),
    )


def _download_held_out(client: MlflowClient, run_id: str) -> HeldOut | None:
    if not any(one.path == FILE for one in client.list_artifacts(run_id, FILE.rpartition("/")[0])):
        return None
    with tempfile.TemporaryDirectory() as scratch:
        return read_held_out(Path(client.download_artifacts(run_id, FILE, scratch)))


def _registered_version(client: MlflowClient, named: str) -> ModelVersion | None:
    """Version by its address, number or alias; None for a name that is none of these."""
    import mlflow

    if named.startswith(MODELS):
        try:
            return version_by_uri(client, named)
        except mlflow.MlflowException as error:
            hint = "see the registered models in the UI: imr-ml ui"
            raise TrackingError(f"{named}: {first_line(error)}; {hint}") from error
    if named.isdecimal():
        return or_none(lambda: client.get_model_version(MODEL_NAME, named), absent=NOT_FOUND)
    return version_by_alias(client, named.removeprefix("@")) if named.removeprefix("@") in ALIASES else None
