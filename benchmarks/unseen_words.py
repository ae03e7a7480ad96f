"""Whether memory grows with the words that are scored: `python -m benchmarks.unseen_words MODEL [ROWS]`.

Every row has sixty words that no other row has, so that whatever remembers words shows.
"""

from __future__ import annotations

import random
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

COMMAND = Path(sys.executable).with_name("imr-ml")
ROWS, WORDS_A_ROW, LETTERS_A_WORD = 200_000, 60, 9
SAMPLED_EVERY_S = 0.2


def measure(model_folder: Path, rows: int = ROWS) -> Iterator[tuple[str, str]]:
    """Rows of (what, measured)."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "in.csv"
        write_unseen_words(source, rows)
        start_s = time.perf_counter()
        sizes = resident_mb([source, "-o", Path(place) / "out.csv", "--model", model_folder, "--no-evidence"])
        elapsed_s = time.perf_counter() - start_s
    half = len(sizes) // 2
    first, second = max(sizes[:half]), max(sizes[half:])
    peaks = f"peak {first:,.0f} MB in the first half of the time and {second:,.0f} MB in the second"
    yield f"{rows:,} rows of {WORDS_A_ROW} unseen words", f"{peaks} ({second / first - 1:+.1%}), {elapsed_s:.0f} s"


def write_unseen_words(target: Path, rows: int) -> None:
    """Write a table whose summaries are random words."""
    rng = random.Random(0)
    with target.open("w", encoding="utf-8") as lines:
        lines.write("case_number,item,request,clinical_summary\n")
        for row in range(rows):
            words = ("".join(rng.choices(string.ascii_lowercase, k=LETTERS_A_WORD)) for _ in range(WORDS_A_ROW))
            lines.write(f"R{row},1,MRI of the left knee,{' '.join(words)}\n")


def resident_mb(arguments: list[str | Path]) -> list[float]:
    """Resident megabytes of a scoring and its children, from its start to its end."""
    sizes = []
    with subprocess.Popen([COMMAND, "score", *arguments, "--precedents", "0"], stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            sizes.append(_resident_mb(running.pid))
            time.sleep(SAMPLED_EVERY_S)
    if running.returncode:
        raise SystemExit(f"imr-ml score ended with {running.returncode}")
    return sizes


def _resident_mb(process_id: int) -> float:
    try:
        whole = psutil.Process(process_id)
        return sum(one.memory_info().rss for one in [whole, *whole.children(recursive=True)]) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


if __name__ == "__main__":
    for result in measure(Path(sys.argv[1]), *map(int, sys.argv[2:])):
        print(*result, sep=": ", flush=True)
