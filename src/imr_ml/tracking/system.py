"""What a training asks of the machine: processor, memory and disk, sampled while it runs.

Knows psutil and the names under which the MLflow UI shows such metrics. Knows nothing of MLflow's functions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread

from imr_ml.tracking.records import Point

_EVERY_S = 5.0
_BYTES_OF_MEGABYTE = 1e6


@contextmanager
def system_metrics(every_s: float = _EVERY_S) -> Iterator[list[Point]]:
    """Sample the machine while the block runs.

    Yields
    ------
    list of Point
        Grows by one sample of each metric every `every_s` seconds and at the end.
    """
    points: list[Point] = []
    ended = Event()

    def sample() -> None:
        import psutil

        # It tells the time since it was asked before; what it tells first means nothing.
        psutil.cpu_percent()
        for step in count():
            ended.wait(every_s)
            points.extend(_sample(step))
            if ended.is_set():
                return

    sampler = Thread(target=sample, name="imr-ml system metrics", daemon=True)
    sampler.start()
    try:
        yield points
    finally:
        ended.set()
        sampler.join()


def _sample(step: int) -> list[Point]:
    import psutil

    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(Path.cwd()))
    values = {
        "cpu_utilization_percentage": psutil.cpu_percent(),
        "system_memory_usage_megabytes": memory.used / _BYTES_OF_MEGABYTE,
        "system_memory_usage_percentage": memory.percent,
        "disk_usage_percentage": disk.percent,
        "disk_available_megabytes": disk.free / _BYTES_OF_MEGABYTE,
    }
    at_ms = int(time.time() * 1000)
    return [
        Point(name=f"system/{name}", value=round(value, 1), step=step, at_ms=at_ms) for name, value in values.items()
    ]
