"""How much faster scoring on Spark is on two cores than on one, and what Spark costs against the local engine.

`python -m benchmarks.spark requests.parquet models/latest`: each measurement is a process of its own, which scores once
to start its workers and then once by the clock; the kinds take turns, so that a busy machine troubles all alike. The
processor time that a thousand requests take tells what a busy machine's clock does not.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

KINDS = ("spark 1", "spark 2", "local 1", "local 2")
ROUNDS = 3


def main(table: str, model: str) -> None:
    """Print each measurement, and the medians."""
    seen: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind in KINDS:
            command = [sys.executable, "-m", "benchmarks.spark", *kind.split(), table, model]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rate, cpu_s = map(float, text.split()[-2:])
            seen[kind].append((rate, cpu_s))
            print(f"{kind}: {rate:.0f} requests/s, {cpu_s:.2f} s of processor per 1000, load {os.getloadavg()[0]:.1f}")
    for kind, each in seen.items():
        rate, cpu_s = (median(values) for values in zip(*each, strict=True))
        print(f"{kind} core(s), median: {rate:.0f} requests/s, {cpu_s:.2f} s of processor per 1000")
    for engine in ("spark", "local"):
        pairs = zip(seen[f"{engine} 1"], seen[f"{engine} 2"], strict=True)
        print(f"{engine}, 2 cores to 1 by rounds: {', '.join(f'{two[0] / one[0]:.2f}' for one, two in pairs)}")


def measured(engine: str, cores: int, table: Path, folder: Path) -> tuple[float, float]:
    """Requests a second, and seconds of processor time per 1000 requests, warm."""
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
    """Of this process and those it started."""
    import psutil

    own = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (own, *own.children(recursive=True)))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        main(*sys.argv[1:])
    else:
        print(*measured(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
