"""Measure whether memory grows with the words scored: `python -m benchmarks.unseen_words MODEL [ROWS]`.

Every row has sixty words that occur in no other row, so that any cache of words shows in memory.
"""

from __future__ import annotations

import random
import string
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import COMMAND, watch

ROWS, WORDS_PER_ROW, LETTERS_PER_WORD = 200_000, 60, 9


def measure(model_folder: Path, rows: int = ROWS) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "in.csv"
        write_unseen_words(source, rows)
        target = [source, "-o", Path(place) / "out.csv", "--model", model_folder]
        usage = watch([COMMAND, "score", *target, "--no-evidence", "--precedents", "0"])
    sizes = [mb for _, mb in usage.samples]
    half = len(sizes) // 2
    first, second = max(sizes[:half]), max(sizes[half:])
    peaks = f"peak {first:,.0f} MB in the first half of the time and {second:,.0f} MB in the second"
    yield (
        f"{rows:,} rows of {WORDS_PER_ROW} unseen words",
        f"{peaks} ({second / first - 1:+.1%}), {usage.elapsed_s:.0f} s",
    )


def write_unseen_words(target: Path, rows: int) -> None:
    """Write a table whose summaries are random words."""
    rng = random.Random(0)
    with target.open("w", encoding="utf-8") as lines:
        lines.write("case_number,item,request,clinical_summary\n")
        for row in range(rows):
            words = ("".join(rng.choices(string.ascii_lowercase, k=LETTERS_PER_WORD)) for _ in range(WORDS_PER_ROW))
            lines.write(f"R{row},1,MRI of the left knee,{' '.join(words)}\n")


if __name__ == "__main__":
    for result in measure(Path(sys.argv[1]), *map(int, sys.argv[2:])):
        print(*result, sep=": ", flush=True)
