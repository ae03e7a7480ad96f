"""Reproduce a recorded run with its commit's code and compare every metric.

`rebuilding` rebuilds the model itself.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import imr_ml
from imr_ml.model_files import FACTS, MANIFEST
from imr_ml.progress import StartProgress
from imr_ml.tracking.comparing import find_run
from imr_ml.tracking.git import git, git_state
from imr_ml.tracking.rebuilding import REBUILT, Rebuilt, rebuild
from imr_ml.tracking.registry import fetch_model
from imr_ml.tracking.store import connected
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow.entities import Run

_SAME = 1e-9
"""Two values that differ by less are equal: another processor may round otherwise."""
_OF_THE_MACHINE = "system/"
_SHORT = 7


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run beside what was made anew of it.

    Attributes
    ----------
    run_id, name : str
    notes : tuple of str
        What keeps the two from being alike in all.
    code : str
        Which code made it anew, for people.
    table_equal : bool or None
        Whether the file of the table is the same, byte for byte; None where no checksum of it was recorded.
    data_equal : bool
        Whether the features and labels are.
    recorded, rebuilt : mapping of str to float
        Metrics.
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
        """Whether a metric is the same in both."""
        both = (self.recorded.get(metric), self.rebuilt.get(metric))
        return None not in both and math.isclose(both[0], both[1], rel_tol=_SAME, abs_tol=_SAME)  # type: ignore[arg-type]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of both."""
        return tuple(sorted(self.recorded.keys() | self.rebuilt.keys()))

    @property
    def unequal(self) -> tuple[str, ...]:
        """Metrics that are not the same."""
        return tuple(metric for metric in self.metrics if not self.is_equal(metric))


@dataclass(frozen=True, slots=True)
class _Recorded:
    run_id: str
    name: str
    metrics: Mapping[str, float]
    commit: str | None
    dirty: bool
    model: Path


def reproduce(named: str, start: StartProgress, *, here: bool = False, from_table: bool = False) -> Reproduction:
    """Make a run's table and model anew, and compare its metrics.

    Parameters
    ----------
    named : str
        The run; as in `compare_runs`.
    start : callable
        Starts the progress bar of a long step.
    here : bool
        Use the code that runs, whatever the run's commit.
    from_table : bool
        Train on the table as it is in place of making it anew from its sources.

    Raises
    ------
    TrackingError
        For a run that is not found or of a baseline, and for a commit that this checkout does not have.
    ModelError, SchemaError
        As `rebuild`.
    """
    recorded = _recorded(named)
    facts = json.loads((recorded.model / FACTS).read_text("utf-8"))
    is_own = recorded.commit is not None and _runs_from(recorded.commit)
    notes = [*_code_notes(recorded, is_foreign=here and not is_own), *_library_notes(facts["libraries"])]
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        if here or recorded.commit is None or is_own:
            code = f"the code in use, imr-ml {version('imr-ml')}"
            rebuilt = rebuild(recorded.model, made, start, from_table=from_table)
        else:
            code = f"commit {recorded.commit[:_SHORT]}, checked out for it"
            with _checked_out(recorded.commit, Path(scratch) / "code") as source:
                rebuilt = _rebuilt_by(source, recorded.model, made, from_table=from_table)
    table_sha256 = json.loads((recorded.model / MANIFEST).read_text("utf-8"))["sha256"]
    return Reproduction(
        run_id=recorded.run_id,
        name=recorded.name,
        notes=tuple(notes),
        code=code,
        table_equal=rebuilt.table_sha256 == table_sha256 if table_sha256 else None,
        data_equal=rebuilt.data_sha256 == facts["data"]["sha256"],
        recorded=recorded.metrics,
        rebuilt=rebuilt.metrics,
    )


def _recorded(named: str) -> _Recorded:
    with connected() as client:
        run: Run = find_run(client, named)
    run_id, tags = run.info.run_id, run.data.tags
    if "mlflow.parentRunId" in tags:
        raise TrackingError(
            f"run {run_id[:8]} is a baseline's: name the run that it stands under, {tags['mlflow.parentRunId'][:8]}"
        )
    return _Recorded(
        run_id=run_id,
        name=run.info.run_name or run_id[:8],
        metrics={name: value for name, value in run.data.metrics.items() if not name.startswith(_OF_THE_MACHINE)},
        commit=tags.get("git.commit"),
        dirty=tags.get("git.dirty") == "true",
        model=fetch_model(f"runs:/{run_id}/model"),
    )


def _code_notes(recorded: _Recorded, *, is_foreign: bool) -> Iterator[str]:
    if recorded.commit is None:
        yield "the run does not tell its commit, so the code in use is taken; figures may differ"
        return
    short = recorded.commit[:_SHORT]
    if recorded.dirty:
        yield f"files differed from commit {short} when it was trained, and how is not recorded; figures may differ"
    if is_foreign:
        yield f"the code in use is not that of commit {short}; figures may differ"


def _library_notes(libraries: Mapping[str, str]) -> Iterator[str]:
    differing = []
    for name, then in libraries.items():
        try:
            now = version(name)
        except PackageNotFoundError:
            now = "none"
        if now != then:
            differing.append(f"{name} {then} then, {now} now")
    if differing:
        yield f"libraries differ ({'; '.join(differing)}); figures may differ"


def _runs_from(commit: str) -> bool:
    """Whether the code in use is that of a commit, unchanged; so is an installed one that the commit has no part in."""
    if not _has(f"{commit}^{{commit}}"):
        return False
    if not _has(f"{commit}:src/imr_ml/__init__.py"):
        return True
    state = git_state()
    if state is None or state.commit != commit or state.dirty:
        return False
    return Path(imr_ml.__file__).resolve().is_relative_to(_top_folder().resolve())


def _has(named: str) -> bool:
    """Whether the checkout of the working directory holds an object of git's."""
    return git(None, "cat-file", "-e", named) is not None


def _top_folder() -> Path:
    return Path((git(None, "rev-parse", "--show-toplevel") or ".").strip())


@contextmanager
def _checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """Folder of the package's source at a commit, in a worktree of its own."""
    short = commit[:_SHORT]
    if not _has(f"{commit}^{{commit}}"):
        raise TrackingError(
            f"commit {short} is not in the checkout of this folder: go where it is, or fetch it (git fetch); "
            f"to use the code in use: --here"
        )
    if git(None, "worktree", "add", "--detach", str(folder), commit) is None:
        raise TrackingError(f"git can't check out commit {short}; to use the code in use: --here")
    try:
        if not (folder / "src" / "imr_ml" / "tracking" / "rebuilding.py").is_file():
            raise TrackingError(f"the code of commit {short} can't make a run anew; to use the code in use: --here")
        yield folder / "src"
    finally:
        git(None, "worktree", "remove", "--force", str(folder))


def _rebuilt_by(source: Path, model: Path, made: Path, *, from_table: bool) -> Rebuilt:
    command = [sys.executable, "-c", "from imr_ml.cli import app; app()", "rebuild", str(model), str(made)]
    done = subprocess.run(  # noqa: S603
        [*command, *(["--from-table"] if from_table else [])],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
        raise TrackingError(f"making it anew failed: {reason.removeprefix('imr-ml: ')}")
    return Rebuilt.model_validate_json((made / REBUILT).read_bytes())
