"""How far each rung of the ladder gets: `python -m benchmarks.ladder LETTERS`, an hour or so on two cores.

Measures on a folder of real letters and on a thousand sample letters. Prints figures only, never text.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from imr_ml.cli.app import progress
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.ladder.climbing import climb_requests, climb_table
from imr_ml.ladder.reading import TASKS, read_rungs
from imr_ml.sample.writing import write_samples

SAMPLE_LETTERS, SAMPLE_SEED = 1000, 7
# Families on folds that only keep a case together, as the other benchmark of them has it.
REAL = {
    "outcome and families, folds stratified by outcome": EvaluationSettings(repeats=3, jobs=2),
    "families, folds not stratified": EvaluationSettings(repeats=3, jobs=2, stratify=False),
}
SAMPLE = {"sample letters": EvaluationSettings(repeats=1, jobs=2)}


def tables(requests: pd.DataFrame, grids: dict[str, EvaluationSettings]) -> Iterator[Table]:
    """A table a grid of folds and task: every rung, the champion in bold."""
    for title, settings in grids.items():
        with progress() as start:
            climbed = climb_requests(requests, settings, read_rungs(), start)
        for task in TASKS:
            table = climb_table(climbed, task)
            table.title = f"{title}: {table.title}"
            yield table


def main(arguments: list[str]) -> int:
    """Climb on real letters, then on samples; exit code 2 where there are no letters."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("the ladder needs real letters: python -m benchmarks.ladder LETTERS", file=sys.stderr)
        return 2
    console = Console(width=240)
    for table in tables(ingest(letter_files([Path(arguments[0])])).requests, REAL):
        console.print(table)
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder), SAMPLE_LETTERS, SAMPLE_SEED)
        for table in tables(ingest(letter_files([Path(folder)])).requests, SAMPLE):
            console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
