"""Sample system metrics during a training."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from typing import Any

from imr_ml.tracking.records import Point
from imr_ml.tracking.store import quiet_environment


@contextmanager
def system_metrics(every_s: float = 5.0) -> Iterator[list[Point]]:
    """Sample the machine while the block runs.

    The sampling thread imports MLflow, so that the import runs while other processes fit models. It adds one sample of
    each metric to the list every `every_s` seconds and at the end.
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
    # CPU use is measured since the previous call, so the first value is meaningless.
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
