"""System metrics of a training."""

import time

import pytest

from imr_ml.tracking.system import system_metrics


def test_the_machine_is_sampled_from_the_beginning_to_the_end_of_the_block():
    with system_metrics(every_s=0.05) as points:
        while len({point.step for point in points}) < 2:
            time.sleep(0.01)
    cpu = [point for point in points if point.name == "system/cpu_utilization_percentage"]
    assert [point.step for point in cpu] == list(range(len(cpu)))
    assert len(cpu) > 2, "one more sample at the end"
    assert all(point.at_ms and point.value >= 0 for point in points)
    assert {"system/system_memory_usage_megabytes", "system/network_transmit_megabytes"} < {
        point.name for point in points
    }


def test_sampling_ends_if_the_block_raises():
    with pytest.raises(ZeroDivisionError), system_metrics(every_s=0.01) as points:
        _ = 1 / 0
    seen = len(points)
    time.sleep(0.05)
    assert len(points) == seen
