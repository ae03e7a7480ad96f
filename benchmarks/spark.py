"""Compare scoring on Spark with one and two cores, and with the local engine.

`python -m benchmarks.spark requests.parquet models/latest` runs each measurement in its own process, which scores once
to start its workers and then once with timing. The engines take turns, so that a busy machine slows all of them.
Processor time per thousand requests is reported because elapsed time is unreliable on a busy machine.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ENGINES = ("spark 1", "spark 2", "local 1", "local 2")
ROUNDS = 3


def main(table: str, model: str) -> None:
    """Print each measurement and the medians."""
    results: dict[str, list[tuple[float, float]]] = {engine: [] for engine in ENGINES}
    for _ in range(ROUNDS):
        for engine in ENGINES:
            command = [sys.executable, "-m", "benchmarks.spark", *engine.split(), table, model]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rate, cpu_s = map(float, text.split()[-2:])
            results[engine].append((rate, cpu_s))
            load = os.getloadavg()[0]
            print(f"{engine}: {rate:.0f} requests/s, {cpu_s:.2f} s of processor time per 1000, load {load:.1f}")
    for engine, measurements in results.items():
        rate, cpu_s = (median(values) for values in zip(*measurements, strict=True))
        print(f"{engine} core(s), median: {rate:.0f} requests/s, {cpu_s:.2f} s of processor time per 1000")
    for engine in ("spark", "local"):
        pairs = zip(results[f"{engine} 1"], results[f"{engine} 2"], strict=True)
        print(f"{engine}, 2 cores to 1 by round: {', '.join(f'{two[0] / single[0]:.2f}' for single, two in pairs)}")


def measure(engine: str, cores: int, table: Path, folder: Path) -> tuple[float, float]:
    """Return requests per second and seconds of processor time per 1000 requests, with workers already started."""
    from imr_ml.model_files import read_model
    from imr_ml.scoring.batch import BatchSettings, score_file
    from imr_ml.spark.rows import score_with_spark
    from imr_ml.spark.session import spark_session

    model = read_model(folder)
    session = spark_session(f"local[{cores}]") if engine == "spark" else None
    with tempfile.TemporaryDirectory() as place:
        for turn in range(2):
            output = Path(place) / f"{turn}.parquet"
            start_s, start_cpu_s = time.perf_counter(), _processor_s()
            if session:
                summary = score_with_spark(table, output, model, session=session)
            else:
                summary = score_file(table, output, model, settings=BatchSettings(jobs=cores))
            elapsed_s, cpu_s = time.perf_counter() - start_s, _processor_s() - start_cpu_s
    return summary.rows / elapsed_s, 1000 * cpu_s / summary.rows


def _processor_s() -> float:
    """Return the processor time of this process and its children."""
    import psutil

    parent = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (parent, *parent.children(recursive=True)))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        main(*sys.argv[1:])
    else:
        print(*measure(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
