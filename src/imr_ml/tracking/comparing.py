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
_MAX_RUNS = 1_000_000


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A recorded run with its out-of-fold predictions, if it has any."""

    run_id: str
    name: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    held_out: HeldOut | None

    def estimate(self, metric: str) -> Estimate | None:
        """Return a metric with its interval; None if the run does not have the metric."""
        if metric not in self.metrics:
            return None
        low, high = (self.metrics.get(f"{metric}{end}", np.nan) for end in (".low", ".high"))
        return Estimate(self.metrics[metric], low, high)


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Comparison of runs with the first of them.

    Attributes
    ----------
    differences : tuple of dict of Estimate or str
        For each run but the first: metric -> run minus first, paired by case; or why they can't be paired.
    params : dict of tuple
        Param whose values differ -> its value in each run; None for a run without it.
    """

    runs: tuple[RunFacts, ...]
    differences: tuple[dict[str, Estimate] | str, ...]
    params: dict[str, tuple[str | None, ...]]


def compare_runs(references: Sequence[str]) -> RunComparison:
    """Compare runs.

    A reference is a run's identifier or the beginning of it, a run's name, or a version of the registered model, e.g.
    ``3``, ``champion`` or ``models:/imr-ml@champion``. Raises `TrackingError` if it matches no run or several.
    """
    require_store()
    with connected() as client:
        runs = tuple(read_run(client, find_run(client, reference)) for reference in references)
    names = sorted({name for run in runs for name in run.params})
    params = {name: tuple(run.params.get(name) for run in runs) for name in names}
    return RunComparison(
        runs=runs,
        differences=tuple(differences_or_reason(runs[0], other) for other in runs[1:]),
        params={name: values for name, values in params.items() if len(set(values)) > 1},
    )


def differences_or_reason(first: RunFacts, other: RunFacts) -> dict[str, Estimate] | str:
    """Return each metric of `other` minus that of `first`, paired by case; or why they can't be paired."""
    if first.held_out is None or other.held_out is None:
        run = first if first.held_out is None else other
        return f"{run.name} ({run.run_id[:_SHORT_ID]}) has no out-of-fold predictions"
    folds = (first.held_out.folds, other.held_out.folds)
    if folds[0].data != folds[1].data:
        return f"they were evaluated on different data ({', '.join(run_folds.data[:_SHORT_ID] for run_folds in folds)})"
    if folds[0] != folds[1]:
        return f"they were evaluated on different folds ({', '.join(map(str, folds))})"
    differences = paired_differences(first.held_out, other.held_out)
    # A model that does not predict outcomes still has probabilities, which are meaningless.
    return {
        name: difference for name, difference in differences.items() if name in first.metrics and name in other.metrics
    }


def paired_differences(first: HeldOut, other: HeldOut) -> dict[str, Estimate]:
    """Compute each metric of `other` minus that of `first`, both on the same folds, with a bootstrap over cases."""
    bootstrap = _bootstrap(first=first, other=other)
    return {name: bootstrap.difference(("other", name), ("first", name)) for name in available_metrics(first.labels)}


def estimate_metrics(held_out: HeldOut) -> dict[str, Estimate]:
    """Compute each metric of out-of-fold predictions, with a bootstrap over cases."""
    bootstrap = _bootstrap(first=held_out)
    return {name: bootstrap.estimate(("first", name)) for name in available_metrics(held_out.labels)}


def _bootstrap(first: HeldOut, **others: HeldOut) -> Bootstrap[tuple[str, str]]:
    """Resample the cases and compute every metric of each side; all must have the same folds."""
    computed = {
        (side, name): metric_function(held_out.predicted, first.labels, name)
        for side, held_out in {"first": first, **others}.items()
        for name in available_metrics(first.labels)
    }
    repeats = len(first.predicted.repeats)
    return Bootstrap.over_cases(computed, first.groups, repeats, RESAMPLES, first.folds.seed)


def metrics_in_runs(runs: Sequence[RunFacts]) -> list[str]:
    """Return the metrics of the runs, in the usual display order."""
    return [metric for metric in METRICS if any(metric in run.metrics for run in runs)]


def find_version(client: MlflowClient, reference: str) -> ModelVersion:
    """Find a registered version by its number, alias, ``models:/`` URI, or a run reference as in `compare_runs`."""
    if version := _registered_version(client, reference):
        return version
    run = find_run(client, reference)
    versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    if not versions:
        raise TrackingError(f"{reference}: this run registered no model; name a version, such as 3, or its run")
    return versions[0]


def find_run(client: MlflowClient, reference: str) -> Run:
    """Find the only run that matches a reference; see `compare_runs`."""
    import mlflow

    if not reference.strip():
        raise TrackingError(
            "name a run by its identifier (or the beginning), its name, or its model's version: imr-ml compare RUN RUN"
        )
    if version := _registered_version(client, reference):
        if not version.run_id:
            raise TrackingError(f"{reference}: was registered without a run, so it has no metrics to compare")
        return client.get_run(str(version.run_id))
    if reference.startswith(_RUNS):
        reference = reference.removeprefix(_RUNS).partition("/")[0]
    if run := or_none(lambda: client.get_run(reference), absent=NOT_FOUND):
        return run
    newest_first = ["attributes.start_time DESC"]
    runs = mlflow.search_runs(
        search_all_experiments=True, output_format="list", order_by=newest_first, max_results=_MAX_RUNS
    )
    matching = [run for run in runs if run.info.run_id.startswith(reference.lower())] or [
        run for run in runs if run.info.run_name == reference
    ]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        newest = "; ".join(f"{run.info.run_id[:_SHORT_ID]} {run.info.run_name}" for run in runs[:3]) or "none"
        raise TrackingError(f"no run has the name or identifier {reference!r}; the newest are: {newest}")
    ids = ", ".join(run.info.run_id[:_SHORT_ID] for run in matching[:5])
    raise TrackingError(f"{len(matching)} runs match {reference!r}; name one by its identifier, newest first: {ids}")


def read_run(client: MlflowClient, run: Run) -> RunFacts:
    """Read a run's metrics, params, tags and out-of-fold predictions."""
    return RunFacts(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id[:_SHORT_ID],
        metrics=run.data.metrics,
        params=run.data.params,
        tags=run.data.tags,
        held_out=_download_held_out(client, run.info.run_id),
    )


def _download_held_out(client: MlflowClient, run_id: str) -> HeldOut | None:
    if not any(artifact.path == FILE for artifact in client.list_artifacts(run_id, FILE.rpartition("/")[0])):
        return None
    with tempfile.TemporaryDirectory() as scratch:
        return read_held_out(Path(client.download_artifacts(run_id, FILE, scratch)))


def _registered_version(client: MlflowClient, reference: str) -> ModelVersion | None:
    """Return the version with this URI, number or alias; None for any other reference."""
    import mlflow

    if reference.startswith(MODELS):
        try:
            return version_by_uri(client, reference)
        except mlflow.MlflowException as error:
            hint = "see the registered models in the UI: imr-ml ui"
            raise TrackingError(f"{reference}: {first_line(error)}; {hint}") from error
    if reference.isdecimal():
        return or_none(lambda: client.get_model_version(MODEL_NAME, reference), absent=NOT_FOUND)
    return version_by_alias(client, reference.removeprefix("@")) if reference.removeprefix("@") in ALIASES else None
