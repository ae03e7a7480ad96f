"""Evaluate each rung of the ladder: `python -m benchmarks.ladder LETTERS`, about an hour on two cores.

Uses a folder of real letters and a thousand sample letters. Prints only figures, never text.
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
# Families on grouped folds without stratification, as in benchmarks.predicting.
REAL = {
    "outcome and families, folds stratified by outcome": EvaluationSettings(repeats=3, jobs=2),
    "families, folds not stratified": EvaluationSettings(repeats=3, jobs=2, stratify=False),
}
SAMPLE = {"sample letters": EvaluationSettings(repeats=1, jobs=2)}


def evaluate_ladder(requests: pd.DataFrame, grids: dict[str, EvaluationSettings]) -> Iterator[Table]:
    """Yield a table of all rungs for each grid of folds and each task, with the champion in bold."""
    for title, settings in grids.items():
        with progress() as start:
            results = climb_requests(requests, settings, read_rungs(), start)
        for task in TASKS:
            table = climb_table(results, task)
            table.title = f"{title}: {table.title}"
            yield table


def main(arguments: list[str]) -> int:
    """Evaluate the ladder on real letters, then on samples; exit with 2 without letters."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("the ladder needs real letters: python -m benchmarks.ladder LETTERS", file=sys.stderr)
        return 2
    console = Console(width=240)
    for table in evaluate_ladder(ingest(letter_files([Path(arguments[0])])).requests, REAL):
        console.print(table)
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder), SAMPLE_LETTERS, SAMPLE_SEED)
        for table in evaluate_ladder(ingest(letter_files([Path(folder)])).requests, SAMPLE):
            console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
