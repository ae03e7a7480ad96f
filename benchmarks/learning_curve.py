"""How metrics grow with the number of requests: `python -m benchmarks.learning_curve [REQUESTS...]`.

Measures on sample letters, whose truth is known: beside what a model reaches stands the best that anything could reach
which reads every fact of a letter. Default sizes are 200, 2,000 and 20,000 requests; `benchmarks.scale` measures what
larger ones cost.
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
class Measured:
    """What one size gave.

    Attributes
    ----------
    requests, overturned : int
    model, plain : dict of Estimate
        By metric, of the model and of plain TF-IDF, out of fold.
    """

    requests: int
    overturned: int
    model: dict[str, Estimate]
    plain: dict[str, Estimate]


def measured(requests: int) -> Measured:
    """Evaluate on so many sample requests."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "requests.parquet"
        # A letter holds 2.2 requests on average; the last case may be cut short.
        write_output(table, max(requests // 2, 50), SEED, jobs=SETTINGS.jobs)
        dataset = Dataset.from_table(read_requests(table).head(requests))
    estimates = evaluate(dataset, RequestModel, SETTINGS).estimates
    return Measured(len(dataset), int(dataset.labels.overturned.sum()), estimates[MODEL], estimates["plain_tfidf"])


def reachable(letters: int = _REACHABLE_LETTERS) -> dict[str, Estimate]:
    """Metrics of the probabilities that so many letters were drawn with."""
    with tempfile.TemporaryDirectory() as folder:
        return best_reachable(pd.read_parquet(write_output(Path(folder) / "letters.jsonl", letters, SEED)))


def metric_table(points: Sequence[Measured], best: dict[str, Estimate]) -> Table:
    """Metrics by size beside the best that can be reached."""
    metrics = Table("metric", title="SAMPLE letters, synthetic: out of fold, 95 % intervals over cases")
    for point in points:
        metrics.add_column(f"{point.requests:,} requests\n{point.overturned:,} overturned", justify="right")
    metrics.add_column("best reachable", justify="right")
    for name in SHOWN:
        metrics.add_row(name, *(str(point.model[name]) for point in points), str(best[name]))
        metrics.add_row("    plain TF-IDF", *(str(point.plain[name]) for point in points), "", style="dim")
    return metrics


def main(arguments: list[str]) -> int:
    """Measure each size and print; exit code 2 for sizes that are no numbers."""
    if not all(size.isdecimal() for size in arguments):
        print("give numbers of requests: python -m benchmarks.learning_curve 200 2000", file=sys.stderr)
        return 2
    points = [measured(requests) for requests in sorted(map(int, arguments)) or SIZES]
    Console(width=160).print(metric_table(points, reachable()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
