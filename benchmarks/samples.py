"""Measure what a model learns from sample letters, and how similar they are to real ones.

`python -m benchmarks.samples [LETTERS] [SAMPLES]` trains on sample letters, tests on other samples, and compares the
results with the best that is reachable, because the truth about samples is known. With a folder of real letters, it
also tests the model on these, and measures how well samples and real letters can be separated (`benchmarks.likeness`).
Some rates of the samples were measured on 114 real letters, so on these the figures only show similarity. Prints
figures and single words, never text.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.likeness import likeness
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.corpus.near_duplicates import duplicate_groups
from imr_ml.corpus.store import read_requests
from imr_ml.evaluation.comparison import MODEL, Comparison, baselines_for, best_reachable, compare, predictors
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, repeated_folds
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.sample.writing import write_output

SAMPLES, HELD_OUT, SEED, HELD_OUT_SEED = 1500, 1000, 7, 8
SHOWN = ("outcome.roc_auc", "outcome.brier", "outcome.brier_skill", "family.f1_micro", "family.f1_macro")
SETTINGS = EvaluationSettings(folds=5, repeats=3, jobs=2)


def draw_samples(letters: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the requests of sample letters and their truth."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "requests.parquet"
        truth = write_output(table, letters, seed, jobs=SETTINGS.jobs)
        return read_requests(table), pd.read_parquet(truth)


def evaluate_on_test(train: pd.DataFrame, test: pd.DataFrame) -> Comparison:
    """Train the model and the baselines on one table and test them on another."""
    both = pd.concat([train, test], ignore_index=True)
    split = np.arange(len(train)), np.arange(len(train), len(both))
    dataset = Dataset.from_table(both)
    test_labels = dataset.labels[split[1]]
    predicted = out_of_fold(dataset, predictors(RequestModel, test_labels), [[split]], SETTINGS.jobs)
    return compare(predicted, test_labels, duplicate_groups(test), SETTINGS)


def cross_validate(requests: pd.DataFrame) -> Comparison:
    """Cross-validate the model and the baselines by case."""
    dataset = Dataset.from_table(requests)
    labels, groups = dataset.labels, dataset.groups
    folds = repeated_folds(labels.overturned, groups, SETTINGS)
    predicted = out_of_fold(dataset, predictors(RequestModel, labels), folds, SETTINGS.jobs)
    return compare(predicted, labels, groups, SETTINGS)


def measure(letters: Path | None, samples: int) -> Iterator[Table]:
    """Yield tables of metrics on samples and, if there are real letters, of metrics on these and of similarity."""
    train, _ = draw_samples(samples, SEED)
    held_out, truth = draw_samples(HELD_OUT, HELD_OUT_SEED)
    yield sample_table(evaluate_on_test(train, held_out), best_reachable(truth), samples)
    if letters is None:
        return
    real = ingest(letter_files([letters])).requests
    yield rates_table({"samples": train, "real": real})
    yield real_table({"samples -> real": evaluate_on_test(train, real), "real -> real": cross_validate(real)})
    yield from likeness(train, real)


def sample_table(comparison: Comparison, best: dict[str, Estimate], samples: int) -> Table:
    """Return a table of metrics on held-out samples: model, baselines and the best that is reachable."""
    title = f"SAMPLE letters, synthetic: trained on {samples:,}, tested on {HELD_OUT:,} others; 95 % over cases"
    table = Table("metric", "model", "plain_tfidf", "base_rate", "best reachable", title=title)
    for metric in SHOWN:
        text = (str(comparison.estimates[name][metric]) for name in (MODEL, "plain_tfidf", "base_rate"))
        table.add_row(metric, *text, str(best[metric]))
    return table


def rates_table(requests: dict[str, pd.DataFrame]) -> Table:
    """Return a table of counts and rates of each source."""
    table = Table("measure", *requests, title="rates")
    for label, describe in (
        ("letters", lambda frame: f"{frame['case_number'].nunique():,}"),
        ("requests", lambda frame: f"{len(frame):,}"),
        ("overturned", lambda frame: f"{frame['outcome'].eq('overturned').mean():.3f}"),
    ):
        table.add_row(label, *(describe(frame) for frame in requests.values()))
    return table


def real_table(comparisons: dict[str, Comparison]) -> Table:
    """Return a table of metrics on real letters, by training data."""
    table = Table("metric", *comparisons, title="trained on -> tested on; 95 % intervals over cases")
    for metric in SHOWN:
        table.add_row(metric, *(str(comparison.estimates[MODEL][metric]) for comparison in comparisons.values()))
        for name in baselines_for(metric):
            values = (str(comparison.estimates[name][metric]) for comparison in comparisons.values())
            table.add_row(f"    {name}", *values, style="dim")
    return table


def main(arguments: list[str]) -> int:
    """Print the tables; exit with 2 if the arguments are not a folder of letters and a number of samples."""
    numbers = [int(argument) for argument in arguments if argument.isdecimal()]
    folders = [Path(argument) for argument in arguments if not argument.isdecimal()]
    if len(numbers) > 1 or len(folders) > 1 or not all(folder.is_dir() for folder in folders):
        print("python -m benchmarks.samples [LETTERS] [SAMPLES]: a folder of real letters, a number", file=sys.stderr)
        return 2
    for table in measure(folders[0] if folders else None, numbers[0] if numbers else SAMPLES):
        Console(width=150).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
