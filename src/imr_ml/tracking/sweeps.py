"""Record a sweep as MLflow runs: one for the sweep and one for each trial."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.experiments.schema import flat_keys
from imr_ml.sweeps.results import FILE, SELECTED
from imr_ml.tracking.descriptions import describe_data, join_name, markdown_table
from imr_ml.tracking.records import Record, RunRecord, artifacts_folder, save_record
from imr_ml.tracking.run_facts import (
    code_tags,
    data_tags,
    dataset_record,
    flat_params,
    fold_points,
    format_param,
    points,
    with_intervals,
)
from imr_ml.tracking.sending import RecordedRun, send_record
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from imr_ml.sweeps.results import Sweep
    from imr_ml.sweeps.searching import TrialResult
    from imr_ml.tracking.git import GitState

SWEEPS = "imr_ml sweeps"
"""Name of the experiment of sweeps and their trials."""
KIND = "kind"
"""Tag with the kind of the run: sweep or trial."""
_SWEEP, _TRIAL = "sweep", "trial"
_COMMAND = "imr-ml sweep"


def record_sweep(sweep: Sweep, files: Mapping[str, str], git: GitState | None = None) -> RecordedRun:
    """Record a sweep and its trials in the experiment `SWEEPS`.

    Parameters
    ----------
    sweep : Sweep
    files : dict of str
        Name -> content of the experiment files to record with it.
    git : GitState, optional
        State of the code.
    """
    now = int(time.time() * 1000)
    record = Record(
        experiment=SWEEPS,
        started_ms=now - int(sweep.elapsed_s * 1000),
        ended_ms=now,
        runs=(_sweep_run(sweep, git), *(_trial_run(trial, sweep, git) for trial in sweep.trials)),
        dataset=dataset_record(sweep.data),
    )

    def write_files(folder: Path) -> None:
        artifacts = artifacts_folder(folder, _SWEEP)
        artifacts.mkdir(parents=True)
        for name, content in files.items():
            (artifacts / name).write_text(content, encoding="utf-8")

    return send_record(save_record(record, write_files))


def _sweep_run(sweep: Sweep, git: GitState | None) -> RunRecord:
    plan, complete = sweep.plan, sum(trial.state == "complete" for trial in sweep.trials)
    keys = flat_keys(plan.base.experiment.values())
    settings = {
        "objective": plan.objective,
        "outer_folds": plan.outer_folds,
        "inner_folds": plan.inner_folds,
        "varied": {parameter.key: str(parameter) for parameter in plan.parameters},
        "winner": _params(sweep.winner),
    }
    counts = {name: getattr(sweep.data, name) for name in ("source", "requests", "cases", "overturned")}
    metrics = {
        **with_intervals(sweep.estimates[SELECTED]),
        **with_intervals(sweep.estimates[FILE], ".file"),
        **with_intervals(sweep.differences, ".over_file"),
        "trials": len(sweep.trials),
        "trials.complete": complete,
    }
    return RunRecord(
        key=_SWEEP,
        name=join_name(f"{plan.base.name}: {len(sweep.trials)} trials", sweep.data, git),
        tags=_tags(_SWEEP, sweep, git) | {NOTE: _describe(sweep)},
        params=flat_params({**keys, "sweep": settings, "data": counts}),
        metrics=tuple(points(metrics)),
    )


def _trial_run(trial: TrialResult, sweep: Sweep, git: GitState | None) -> RunRecord:
    finite = {name: [value for value in values if np.isfinite(value)] for name, values in trial.metrics.items()}
    means = {f"inner.{name}": float(np.mean(values)) for name, values in finite.items() if values}
    folds = len(trial.metrics.get(sweep.plan.objective, ()))
    by_fold = fold_points({f"inner.{name}": values for name, values in trial.metrics.items()})
    return RunRecord(
        key=f"{trial.search} {trial.number}",
        name=join_name(f"{trial.search}: trial {trial.number}", sweep.data, git),
        tags=_tags(_TRIAL, sweep, git) | {"search": trial.search, "state": trial.state},
        params=_params(trial),
        metrics=(*points(means | {"inner.folds": folds}), *by_fold),
    )


def _params(trial: TrialResult) -> dict[str, str]:
    """Format the trial's values like the params of a training."""
    return {key: format_param(tomllib.loads(f"value = {value}")["value"]) for key, value in trial.values.items()}


def _tags(kind: str, sweep: Sweep, git: GitState | None) -> dict[str, str]:
    tags = {KIND: kind, "experiment": sweep.plan.base.name, "objective": sweep.plan.objective}
    return tags | data_tags(sweep.data) | code_tags(git, _COMMAND)


def _describe(sweep: Sweep) -> str:
    """Describe the sweep's run in Markdown."""
    selected, file = sweep.estimates[SELECTED], sweep.estimates[FILE]
    rows = [[name, str(selected[name]), str(file[name]), str(sweep.differences[name])] for name in selected]
    keys = [parameter.key for parameter in sweep.plan.parameters]
    winners = [[search, *(trial.values.get(key, "-") for key in keys)] for search, trial in sweep.selected.items()]
    lines = [
        *describe_data(sweep.data),
        f"Selected by {sweep.plan.objective}: **{sweep.verdict}**.",
        "",
        *markdown_table(["metric", "selected (nested)", "file", "difference, paired by case"], rows),
        "",
        "Selected on the training part of each outer fold, and on all the data:",
        "",
        *markdown_table(["search", *keys], winners),
    ]
    return "\n".join(lines)
