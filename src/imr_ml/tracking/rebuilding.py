"""Rebuild a recorded run's table and model with the code of its commit, and compare every metric."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from imr_ml.model_files import MANIFEST
from imr_ml.progress import StartProgress
from imr_ml.tracking.comparing import find_run
from imr_ml.tracking.git import git, has_object, runs_from
from imr_ml.tracking.registry import fetch_model
from imr_ml.tracking.run_facts import collect_metrics
from imr_ml.tracking.store import connected, require_store
from imr_ml.tracking.training_inputs import read_facts, read_requests, read_table_manifest, settings_from_facts
from imr_ml.tracking.uris import TrackingError

REBUILT = "rebuilt.json"
# Processors round differently.
_TOLERANCE = 1e-9
_SYSTEM_METRICS = "system/"
_SHORT = 7


class Rebuilt(BaseModel):
    """A rebuilt model: checksums of its table's file and of its features and labels, and its metrics by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    table_sha256: str
    data_sha256: str
    requests: int
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Metrics of a recorded run and of its rebuilt model.

    Attributes
    ----------
    notes : tuple of str
        Reasons why the metrics may differ.
    code : str
        The code that rebuilt the run.
    table_equal : bool or None
        Whether the table's file is the same, byte for byte; None if its checksum was not recorded.
    data_equal : bool
        Whether the features and labels are the same.
    """

    run_id: str
    name: str
    notes: tuple[str, ...]
    code: str
    table_equal: bool | None
    data_equal: bool
    recorded: Mapping[str, float]
    rebuilt: Mapping[str, float]

    def is_equal(self, metric: str) -> bool:
        """Return whether a metric is the same in both, within rounding."""
        if metric not in self.recorded or metric not in self.rebuilt:
            return False
        return math.isclose(self.recorded[metric], self.rebuilt[metric], rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of either."""
        return tuple(sorted(self.recorded.keys() | self.rebuilt.keys()))

    @property
    def unequal(self) -> tuple[str, ...]:
        """Names of the metrics that differ."""
        return tuple(metric for metric in self.metrics if not self.is_equal(metric))


def reproduce(reference: str, start: StartProgress, *, here: bool = False, from_table: bool = False) -> Reproduction:
    """Rebuild a run's table and model, and compare its metrics.

    Parameters
    ----------
    reference : str
        The run, as in `compare_runs`.
    start : callable
        Starts the progress bar of a long step.
    here : bool
        Use the installed code, whatever the run's commit.
    from_table : bool
        Train on the existing table instead of rebuilding it from its sources.
    """
    require_store()
    with connected() as client:
        run = find_run(client, reference)
    run_id, tags = run.info.run_id, run.data.tags
    if parent := tags.get("mlflow.parentRunId"):
        raise TrackingError(f"run {run_id[:8]} belongs to a baseline; name its parent run instead, {parent[:8]}")
    model, commit = fetch_model(f"runs:/{run_id}/model"), tags.get("git.commit")
    facts = read_facts(model)
    is_installed = commit is not None and runs_from(commit)
    with tempfile.TemporaryDirectory() as scratch:
        if here or commit is None or is_installed:
            code = f"the installed code, imr-ml {version('imr-ml')}"
            rebuilt = rebuild(model, Path(scratch), start, from_table=from_table)
        else:
            code = f"commit {commit[:_SHORT]}, in a temporary checkout"
            rebuilt = _rebuild_at(commit, model, Path(scratch), from_table=from_table)
    table_sha256 = json.loads((model / MANIFEST).read_text("utf-8"))["sha256"]
    return Reproduction(
        run_id=run_id,
        name=run.info.run_name or run_id[:8],
        notes=tuple(_explain_differences(tags, facts["libraries"], is_other_code=here and not is_installed)),
        code=code,
        table_equal=rebuilt.table_sha256 == table_sha256 if table_sha256 else None,
        data_equal=rebuilt.data_sha256 == facts["data"]["sha256"],
        recorded={name: value for name, value in run.data.metrics.items() if not name.startswith(_SYSTEM_METRICS)},
        rebuilt=rebuilt.metrics,
    )


def rebuild(model: Path, scratch: Path, start: StartProgress, *, from_table: bool = False) -> Rebuilt:
    """Rebuild a model's table and the model, with the settings and seed in its folder.

    Parameters
    ----------
    model : Path
        Folder of a model, or of its facts and manifest only.
    scratch : Path
        An empty folder; ``rebuilt.json`` is written to it.
    start : callable
        Starts the progress bar of a long step.
    from_table : bool
        Train on the existing table instead of rebuilding it from its sources.

    Raises
    ------
    ModelError
        If the model has no manifest of its table.
    SchemaError
        If sources are missing or have changed.
    """
    from imr_ml.files import sha256_of
    from imr_ml.ingest.rebuild import rebuild_table, unchanged_table
    from imr_ml.training import train

    manifest, folder = read_table_manifest(model), Path.cwd()
    table = unchanged_table(manifest, folder) if from_table else rebuild_table(manifest, folder, scratch, start)
    facts = read_facts(model)
    trained = train(read_requests(manifest, table, facts), settings_from_facts(facts["settings"]))
    points = sorted(collect_metrics(trained), key=lambda point: point.step)
    rebuilt = Rebuilt(
        table_sha256=sha256_of(table),
        data_sha256=trained.data.sha256,
        requests=trained.data.requests,
        metrics={point.name: point.value for point in points},
    )
    (scratch / REBUILT).write_text(rebuilt.model_dump_json(), encoding="utf-8")
    return rebuilt


def _explain_differences(
    tags: Mapping[str, str], libraries: Mapping[str, str], *, is_other_code: bool
) -> Iterator[str]:
    commit = tags.get("git.commit", "")[:_SHORT]
    if not commit:
        yield "the run has no commit, so the installed code is used; metrics may differ"
    elif tags.get("git.dirty") == "true":
        yield f"the run was trained with unrecorded changes to commit {commit}; metrics may differ"
    if commit and is_other_code:
        yield f"the installed code is not that of commit {commit}; metrics may differ"
    installed = {name: _installed_version(name) for name in libraries}
    differing = [
        f"{name} {old} then, {installed[name]} now" for name, old in libraries.items() if installed[name] != old
    ]
    if differing:
        yield f"libraries differ ({'; '.join(differing)}); metrics may differ"


def _installed_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _rebuild_at(commit: str, model: Path, scratch: Path, *, from_table: bool) -> Rebuilt:
    """Rebuild a model with the code of a commit, in a temporary worktree."""
    short, hint = commit[:_SHORT], "to use the installed code: --here"
    if not has_object(f"{commit}^{{commit}}"):
        raise TrackingError(
            f"commit {short} is not in this folder's checkout: change to its checkout, or run git fetch; {hint}"
        )
    with tempfile.TemporaryDirectory() as name:
        checkout = Path(name) / "code"
        if git(None, "worktree", "add", "--detach", str(checkout), commit) is None:
            raise TrackingError(f"git can't check out commit {short}; {hint}")
        try:
            if not (checkout / "src" / "imr_ml" / "tracking" / "rebuilding.py").is_file():
                raise TrackingError(f"the code of commit {short} can't rebuild a run; {hint}")
            command = [sys.executable, "-c", "from imr_ml.cli import app; app()", "rebuild", str(model), str(scratch)]
            completed = subprocess.run(  # noqa: S603
                [*command, *(["--from-table"] if from_table else [])],
                env={**os.environ, "PYTHONPATH": str(checkout / "src")},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            git(None, "worktree", "remove", "--force", str(checkout))
    if completed.returncode:
        reason = (completed.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TrackingError(f"rebuilding it failed: {reason.removeprefix('imr-ml: ')}")
    return Rebuilt.model_validate_json((scratch / REBUILT).read_bytes())
