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
from imr_ml.tracking.records import Record, RunRecord, artifacts_folder, save_record
from imr_ml.tracking.run_facts import (
    code_tags,
    data_tags,
    describe_data,
    flat_params,
    fold_points,
    format_param,
    join_name,
    markdown_table,
    points,
    with_intervals,
)
from imr_ml.tracking.runs import dataset_record
from imr_ml.tracking.sending import RecordedRun, send_record
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from imr_ml.sweeps.results import Sweep
    from imr_ml.sweeps.searching import TrialResult
    from imr_ml.tracking.git import GitState

SWEEPS = "imr_ml sweeps"
"""Name of the experiment of sweeps and their trials."""
KIND = "kind"
"""Tag that tells a sweep from a trial."""
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
        Of the code.
    """
    now = int(time.time() * 1000)
    record = Record(
        experiment=SWEEPS,
        started_ms=now - int(sweep.elapsed_s * 1000),
        ended_ms=now,
        runs=(_sweep_run(sweep, git), *(_trial_run(one, sweep, git) for one in sweep.trials)),
        dataset=dataset_record(sweep.data),
    )

    def write_files(folder: Path) -> None:
        artifacts = artifacts_folder(folder, _SWEEP)
        artifacts.mkdir(parents=True)
        for name, content in files.items():
            (artifacts / name).write_text(content, encoding="utf-8")

    return send_record(save_record(record, write_files))


def _sweep_run(sweep: Sweep, git: GitState | None) -> RunRecord:
    plan, complete = sweep.plan, sum(one.state == "complete" for one in sweep.trials)
    keys = flat_keys(plan.base.experiment.values())
    settings = {
        "objective": plan.objective,
        "outer_folds": plan.outer_folds,
        "inner_folds": plan.inner_folds,
        "varied": {one.key: str(one) for one in plan.parameters},
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


def _trial_run(one: TrialResult, sweep: Sweep, git: GitState | None) -> RunRecord:
    finite = {name: [value for value in values if np.isfinite(value)] for name, values in one.metrics.items()}
    means = {f"inner.{name}": float(np.mean(values)) for name, values in finite.items() if values}
    folds = len(one.metrics.get(sweep.plan.objective, ()))
    by_fold = fold_points({f"inner.{name}": values for name, values in one.metrics.items()})
    return RunRecord(
        key=f"{one.search} {one.number}",
        name=join_name(f"{one.search}: trial {one.number}", sweep.data, git),
        tags=_tags(_TRIAL, sweep, git) | {"search": one.search, "state": one.state},
        params=_params(one),
        metrics=(*points(means | {"inner.folds": folds}), *by_fold),
    )


def _params(one: TrialResult) -> dict[str, str]:
    """Values as the params of a training show them."""
    return {key: format_param(tomllib.loads(f"value = {value}")["value"]) for key, value in one.values.items()}


def _tags(kind: str, sweep: Sweep, git: GitState | None) -> dict[str, str]:
    tags = {KIND: kind, "experiment": sweep.plan.base.name, "objective": sweep.plan.objective}
    return tags | data_tags(sweep.data) | code_tags(git, _COMMAND)


def _describe(sweep: Sweep) -> str:
    """Description of the sweep's run in Markdown."""
    selected, file = sweep.estimates[SELECTED], sweep.estimates[FILE]
    rows = [[name, str(selected[name]), str(file[name]), str(sweep.differences[name])] for name in selected]
    keys = [one.key for one in sweep.plan.parameters]
    chosen = [[name, *(one.values.get(key, "-") for key in keys)] for name, one in sweep.selected.items()]
    lines = [
        *describe_data(sweep.data),
        f"Selected by {sweep.plan.objective}: **{sweep.verdict}**.",
        "",
        *markdown_table(["metric", "selected (nested)", "file", "difference, paired by case"], rows),
        "",
        "Selected on the training part of each outer fold, and on all the data:",
        "",
        *markdown_table(["search", *keys], chosen),
    ]
    return "\n".join(lines)
