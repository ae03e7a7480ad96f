"""Measure metrics by number of requests: `python -m benchmarks.learning_curve [REQUESTS...]`.

Uses sample letters, whose truth is known, and compares each model with the best that is reachable from all facts of a
letter. The default sizes are 200, 2,000 and 20,000 requests; `benchmarks.scale` measures the cost of larger ones.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.corpus.store import read_requests
from imr_ml.evaluation.comparison import MODEL, best_reachable
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.report import evaluate
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.sample.writing import write_output

SIZES, SEED = (200, 2_000, 20_000), 7
SHOWN = ("outcome.roc_auc", "outcome.brier_skill", "outcome.matthews", "family.f1_micro", "family.top_cited")
SETTINGS = EvaluationSettings(folds=5, repeats=1, jobs=2)
_REACHABLE_LETTERS = 4000


@dataclass(frozen=True, slots=True)
class Point:
    """Metrics at one size.

    Attributes
    ----------
    requests, overturned : int
    model, plain : dict of Estimate
        Out-of-fold metrics of the model and of plain TF-IDF, by name.
    """

    requests: int
    overturned: int
    model: dict[str, Estimate]
    plain: dict[str, Estimate]


def measure(requests: int) -> Point:
    """Evaluate on a number of sample requests."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "requests.parquet"
        # A letter has 2.2 requests on average; the last case may be incomplete.
        write_output(table, max(requests // 2, 50), SEED, jobs=SETTINGS.jobs)
        dataset = Dataset.from_table(read_requests(table).head(requests))
    estimates = evaluate(dataset, RequestModel, SETTINGS).estimates
    return Point(len(dataset), int(dataset.labels.overturned.sum()), estimates[MODEL], estimates["plain_tfidf"])


def measure_best(letters: int = _REACHABLE_LETTERS) -> dict[str, Estimate]:
    """Return the metrics of the true probabilities of a number of letters."""
    with tempfile.TemporaryDirectory() as folder:
        return best_reachable(pd.read_parquet(write_output(Path(folder) / "letters.jsonl", letters, SEED)))


def metric_table(points: Sequence[Point], best: dict[str, Estimate]) -> Table:
    """Return a table of metrics by size, with the best that is reachable."""
    metrics = Table("metric", title="SAMPLE letters, synthetic: out of fold, 95 % intervals over cases")
    for point in points:
        metrics.add_column(f"{point.requests:,} requests\n{point.overturned:,} overturned", justify="right")
    metrics.add_column("best reachable", justify="right")
    for name in SHOWN:
        metrics.add_row(name, *(str(point.model[name]) for point in points), str(best[name]))
        metrics.add_row("    plain TF-IDF", *(str(point.plain[name]) for point in points), "", style="dim")
    return metrics


def main(arguments: list[str]) -> int:
    """Print the metrics of each size; exit with 2 if a size is not a number."""
    if not all(size.isdecimal() for size in arguments):
        print("give numbers of requests: python -m benchmarks.learning_curve 200 2000", file=sys.stderr)
        return 2
    points = [measure(requests) for requests in sorted(map(int, arguments)) or SIZES]
    Console(width=160).print(metric_table(points, measure_best()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
