"""Read the git state of the code, and system metrics during a training."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

from imr_ml.tracking.records import Point
from imr_ml.tracking.store import quiet_environment

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class GitState:
    """State of a checkout.

    Attributes
    ----------
    commit : str
        Full hash of HEAD.
    dirty : bool
        Whether a tracked file differs from it.
    """

    commit: str
    dirty: bool

    @property
    def short(self) -> str:
        """First seven digits, with a star if dirty."""
        return self.commit[:7] + ("*" if self.dirty else "")


def git_state(folder: Path | None = None) -> GitState | None:
    """State of the checkout that holds `folder`, by default the working directory.

    None outside of a checkout, before its first commit and without git.
    """
    commit = git(folder, "rev-parse", "--verify", "HEAD")
    changes = git(folder, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    return GitState(commit.strip(), dirty=bool(changes.strip()))


def git(folder: Path | None, *arguments: str) -> str | None:
    """Output of a git command; None if it fails, as outside of a checkout."""
    command = shutil.which("git")
    if command is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [command, *arguments], cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return done.stdout


def has_object(name: str) -> bool:
    """Whether the checkout of the working directory has a git object, such as a commit or a file of one."""
    return git(None, "cat-file", "-e", name) is not None


def runs_from(commit: str) -> bool:
    """Whether the installed code is that of a commit, unchanged, or the commit is of another project."""
    if not has_object(f"{commit}^{{commit}}"):
        return False
    if not has_object(f"{commit}:src/imr_ml/__init__.py"):
        return True
    state = git_state()
    if state is None or state.commit != commit or state.dirty:
        return False
    top_folder = Path((git(None, "rev-parse", "--show-toplevel") or ".").strip())
    return Path(__file__).resolve().is_relative_to(top_folder.resolve())


@contextmanager
def system_metrics(every_s: float = 5.0) -> Iterator[list[Point]]:
    """Sample the machine while the block runs.

    MLflow is imported by the sampling thread: while models are fitted in other processes that costs no time.

    Yields
    ------
    list of Point
        Grows by one sample of each metric every `every_s` seconds and at the end.
    """
    points: list[Point] = []
    ended = Event()
    sampler = Thread(target=_sample, args=(points, ended, every_s), name="imr-ml system metrics", daemon=True)
    sampler.start()
    try:
        yield points
    finally:
        ended.set()
        sampler.join()


def _sample(points: list[Point], ended: Event, every_s: float) -> None:
    with quiet_environment():
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]  # type: ignore[no-untyped-call]
    # Processor use is measured since the previous reading; the first one means nothing.
    _read(monitors)
    for step in count():
        ended.wait(every_s)
        at_ms = int(time.time() * 1000)
        for name, value in _read(monitors).items():
            points.append(Point(name=f"system/{name}", value=value, step=step, at_ms=at_ms))
        if ended.is_set():
            return


def _read(monitors: list[Any]) -> dict[str, float]:
    values: dict[str, float] = {}
    for monitor in monitors:
        monitor.collect_metrics()
        values |= monitor.aggregate_metrics()
        monitor.clear_metrics()
    return values
