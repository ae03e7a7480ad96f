"""Measure the memory and processor time of a command and all processes that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

COMMAND = Path(sys.executable).with_name("imr-ml")
_SAMPLED_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources that a command used.

    Attributes
    ----------
    elapsed_s : float
    processor_s : float
        Processor time of all processes.
    samples : list of (float, float)
        Time, in seconds since 1970, and resident megabytes of all processes; shared pages count once per process.
    """

    elapsed_s: float
    processor_s: float
    samples: list[tuple[float, float]]

    @property
    def peak_mb(self) -> float:
        """Maximum of resident megabytes."""
        return max(mb for _, mb in self.samples)


def watch(
    command: Sequence[str | Path], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Usage:
    """Run a command and measure what it uses.

    Parameters
    ----------
    command : sequence of str or Path
        Program and arguments.
    folder : Path, optional
        Working directory.
    environment : mapping of str to str, optional
        Variables to add to those of this process.
    """
    start_s, processor_s, samples = time.perf_counter(), 0.0, []
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            used = _used(running.pid)
            samples.append((time.time(), sum(mb for mb, _ in used)))
            processor_s = max(processor_s, sum(seconds for _, seconds in used))
            time.sleep(_SAMPLED_EVERY_S)
    if running.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:3]))} exited with {running.returncode}")
    return Usage(time.perf_counter() - start_s, processor_s, samples)


def _used(process_id: int) -> list[tuple[float, float]]:
    """Return resident megabytes and processor seconds of a process and of each of its children."""
    used: list[tuple[float, float]] = []
    try:
        parent = psutil.Process(process_id)
        processes = [parent, *parent.children(recursive=True)]
        used.extend((process.memory_info().rss / 1e6, sum(process.cpu_times()[:2])) for process in processes)
    except psutil.NoSuchProcess:
        pass
    return used
