"""What a model learns from sample letters, and how like real ones they are: `python -m benchmarks.samples [LETTERS]`.

Trains on sample letters and tests on others beside the best that anything could reach, as their truth is known.
With a folder of real letters it also tests the sample-trained model on these, and separates samples from real ones
(`benchmarks.likeness`). Some rates that samples are drawn with were measured on 114 real letters, so on these the
figures are proof of likeness and of nothing else. Prints figures and single words, never text.
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
from imr_ml.evaluation.comparison import MODEL, Comparison, baselines_of, best_reachable, compare, predictors
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, repeated_folds
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.sample.writing import write_output

SAMPLES, HELD_OUT, SEED, HELD_OUT_SEED = 1500, 1000, 7, 8
SHOWN = ("outcome.roc_auc", "outcome.brier", "outcome.brier_skill", "family.f1_micro", "family.f1_macro")
SETTINGS = EvaluationSettings(folds=5, repeats=3, jobs=2)


def drawn(letters: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Requests of sample letters, and what is true of them."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "requests.parquet"
        truth = write_output(table, letters, seed, jobs=SETTINGS.jobs)
        return read_requests(table), pd.read_parquet(truth)


def evaluate_elsewhere(known: pd.DataFrame, test: pd.DataFrame) -> Comparison:
    """The model and the baselines trained on some requests and tested on others."""
    both = pd.concat([known, test], ignore_index=True)
    split = np.arange(len(known)), np.arange(len(known), len(both))
    dataset = Dataset.from_table(both)
    test_labels = dataset.labels[split[1]]
    predicted = out_of_fold(dataset, predictors(RequestModel, test_labels), [[split]], SETTINGS.jobs)
    return compare(predicted, test_labels, duplicate_groups(test), SETTINGS)


def evaluate_at_home(requests: pd.DataFrame) -> Comparison:
    """The model and the baselines trained on the letters' other cases."""
    dataset = Dataset.from_table(requests)
    labels, groups = dataset.labels, dataset.groups
    folds = repeated_folds(labels.overturned, groups, SETTINGS)
    predicted = out_of_fold(dataset, predictors(RequestModel, labels), folds, SETTINGS.jobs)
    return compare(predicted, labels, groups, SETTINGS)


def measure(letters: Path | None, samples: int) -> Iterator[Table]:
    """Tables of what was reached on samples and, where there are real letters, on those, and of likeness."""
    known, _ = drawn(samples, SEED)
    held_out, truth = drawn(HELD_OUT, HELD_OUT_SEED)
    yield reached_table(evaluate_elsewhere(known, held_out), best_reachable(truth), samples)
    if letters is None:
        return
    real = ingest(letter_files([letters])).requests
    yield rates_table({"samples": known, "real": real})
    yield real_table({"samples -> real": evaluate_elsewhere(known, real), "real -> real": evaluate_at_home(real)})
    yield from likeness(known, real)


def reached_table(comparison: Comparison, best: dict[str, Estimate], samples: int) -> Table:
    """Metrics of the model and of the baselines on held-out samples, beside the best that can be reached."""
    title = f"SAMPLE letters, synthetic: trained on {samples:,}, tested on {HELD_OUT:,} others; 95 % over cases"
    table = Table("metric", "model", "plain_tfidf", "base_rate", "best reachable", title=title)
    for metric in SHOWN:
        text = (str(comparison.estimates[name][metric]) for name in (MODEL, "plain_tfidf", "base_rate"))
        table.add_row(metric, *text, str(best[metric]))
    return table


def rates_table(requests: dict[str, pd.DataFrame]) -> Table:
    """Counts and rates that samples were drawn to have."""
    table = Table("what", *requests, title="rates")
    for what, rate in (
        ("letters", lambda one: f"{one['case_number'].nunique():,}"),
        ("requests", lambda one: f"{len(one):,}"),
        ("overturned", lambda one: f"{one['outcome'].eq('overturned').mean():.3f}"),
    ):
        table.add_row(what, *(rate(one) for one in requests.values()))
    return table


def real_table(comparisons: dict[str, Comparison]) -> Table:
    """Metrics on real letters, by training data."""
    table = Table("metric", *comparisons, title="trained on -> tested on; 95 % intervals over cases")
    for metric in SHOWN:
        table.add_row(metric, *(str(one.estimates[MODEL][metric]) for one in comparisons.values()))
        for name in baselines_of(metric):
            table.add_row(
                f"    {name}", *(str(one.estimates[name][metric]) for one in comparisons.values()), style="dim"
            )
    return table


def main(arguments: list[str]) -> int:
    """Print what was measured; exit code 2 for arguments that are neither letters nor a number of samples."""
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
