"""Measure reading, prediction and speed on a folder of real letters, and print the results.

The folder contains determination letters (PDF) and `outcomes.jsonl`, an independent reading of them: one line per
letter with `case_number`, `outcomes` and `families`, the last two in the order of the items.
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import extractors, fuzzing, precedents, predicting, reading, speed, tracking


def main(arguments: list[str]) -> int:
    """Run all benchmarks; exit with 2 if there are no letters."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "outcomes.jsonl").is_file():
        print("benchmarks need real letters: make bench LETTERS=folder (PDFs and outcomes.jsonl)", file=sys.stderr)
        return 2
    letters = Path(arguments[0])
    for title, measure in (
        ("reading", reading.measure),
        ("extractors", extractors.measure),
        ("damage", fuzzing.measure),
        ("prediction", predicting.measure),
        ("precedents", precedents.measure),
        ("speed", speed.measure),
        ("tracking", tracking.measure),
    ):
        table = Table("measure", "value", title=f"{title} ({letters.name})", title_justify="left")
        for row in measure(letters):
            table.add_row(*row)
        Console(width=120).print(table)
    return 0


sys.exit(main(sys.argv[1:]))
