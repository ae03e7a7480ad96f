"""What a training asks of the machine: processor, memory, disk and network, sampled while it runs.

Knows MLflow's monitors. Knows nothing of runs: when a training begins there is none yet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from typing import Protocol

from imr_ml.tracking.records import Point
from imr_ml.tracking.store import quiet_environment

_EVERY_S = 5.0


class _Monitor(Protocol):
    """One of MLflow's, which tell no types."""

    def collect_metrics(self) -> None: ...

    def aggregate_metrics(self) -> dict[str, float]: ...

    def clear_metrics(self) -> None: ...


@contextmanager
def system_metrics(every_s: float = _EVERY_S) -> Iterator[list[Point]]:
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
    monitors = _monitors()
    for step in count():
        ended.wait(every_s)
        at_ms = int(time.time() * 1000)
        for name, value in _read(monitors).items():
            points.append(Point(name=f"system/{name}", value=value, step=step, at_ms=at_ms))
        if ended.is_set():
            return


def _monitors() -> list[_Monitor]:
    with quiet_environment():
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitors: list[_Monitor] = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]  # type: ignore[no-untyped-call]
    # The processor's use is that since the question before; the first answer means nothing.
    _read(monitors)
    return monitors


def _read(monitors: list[_Monitor]) -> dict[str, float]:
    values: dict[str, float] = {}
    for monitor in monitors:
        monitor.collect_metrics()
        values |= monitor.aggregate_metrics()
        monitor.clear_metrics()
    return values
