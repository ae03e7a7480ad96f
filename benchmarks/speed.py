"""Measure the elapsed time of whole commands."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import COMMAND


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    help_s = [_elapsed_s(["--help"], Path.cwd()) for _ in range(5)]
    yield "imr-ml --help", f"{statistics.median(help_s):.2f} s (median of 5)"
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        yield (
            "imr-ml train on the letters, first run",
            f"{_elapsed_s(['train', '--data', str(folder.resolve())], here):.0f} s",
        )
        yield (
            "imr-ml train on the letters, second run",
            f"{_elapsed_s(['train', '--data', str(folder.resolve())], here):.0f} s",
        )
        score = ["score", "data/processed/requests.parquet", "--output", "scored.parquet"]
        yield "imr-ml score of their requests", f"{_elapsed_s(score, here):.1f} s"


def _elapsed_s(arguments: list[str], folder: Path) -> float:
    start_s = time.perf_counter()
    subprocess.run([COMMAND, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start_s
