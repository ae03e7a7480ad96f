"""How metrics and cost grow with the number of requests: `python -m benchmarks.learning_curve [--costs] [REQUESTS...]`.

Measures on sample letters, whose truth is known: beside what a model reaches stands the best that anything could reach
which reads every fact of a letter. Each size runs in a process of its own, one at a time, so that its peak memory is
its own; its processor time is what it would take on one idle core. Default sizes are 200, 2,000 and 20,000 requests.
With ``--costs`` nothing is evaluated, which takes most of the time.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.reachable import best_reachable
from imr_ml.evaluation.report import evaluate
from imr_ml.evaluation.settings import EvaluationSettings
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.paths import letter_files
from imr_ml.sample.writing import write_output, write_samples

Done = TypeVar("Done")

SIZES, SEED = (200, 2_000, 20_000), 7
SHOWN = ("outcome.roc_auc", "outcome.brier_skill", "outcome.matthews", "family.f1_micro", "family.top_cited")
SETTINGS = EvaluationSettings(folds=5, repeats=1, jobs=1)
_COSTS = {
    "read_s": "read letters, s",
    "features_s": "read sections, s",
    "fit_s": "fit, s",
    "evaluate_s": "evaluate, s",
    "fit_mb": "peak after the fit, MB",
    "evaluate_mb": "peak after the evaluation, MB",
}
_REACHABLE_LETTERS = 4000


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size gave.

    Attributes
    ----------
    requests, cases, overturned : int
    costs : dict of float
        By the names of `_COSTS`.
    model, plain : dict of Estimate
        By metric, of the model and of plain TF-IDF, out of fold; empty where not evaluated.
    """

    requests: int
    cases: int
    overturned: int
    costs: dict[str, float]
    model: dict[str, Estimate] = field(default_factory=dict)
    plain: dict[str, Estimate] = field(default_factory=dict)


def measured(requests: int, *, evaluated: bool = True) -> Measured:
    """Read so many sample requests, fit both classifiers on all of them, and evaluate."""
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        # A letter holds 2.2 requests on average.
        write_samples(Path(folder), max(requests // 2, 50), SEED)
        # The last case may be cut short.
        table = _timed(costs, "read_s", lambda: ingest(letter_files([Path(folder)]), jobs=1).requests.head(requests))
    dataset = _timed(costs, "features_s", lambda: Dataset.of(table))
    _timed(costs, "fit_s", lambda: RequestModel().fit(dataset.frame, dataset.labels, dataset.groups))
    costs["fit_mb"] = _peak_mb()
    overturned, cases = int(dataset.labels.overturned.sum()), int(dataset.groups.max()) + 1
    if not evaluated:
        return Measured(len(table), cases, overturned, costs)
    estimates = _timed(costs, "evaluate_s", lambda: evaluate(dataset, RequestModel, SETTINGS)).estimates
    costs["evaluate_mb"] = _peak_mb()
    return Measured(len(table), cases, overturned, costs, estimates[MODEL], estimates["plain_tfidf"])


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


def cost_table(points: Sequence[Measured]) -> Table:
    """Costs by size, and how they grow."""
    costs = Table("cost", title="processor time of one process")
    for point in points:
        costs.add_column(f"{point.requests:,}", justify="right")
    for heading in ("exponent, all sizes", "last step", "ten times the last, extrapolated"):
        costs.add_column(heading, justify="right")
    for name, what in _COSTS.items():
        if name not in points[0].costs:
            continue
        text = [f"{point.costs[name]:,.1f}" for point in points]
        costs.add_row(what, *text, *_growth([point.requests for point in points], [p.costs[name] for p in points]))
    return costs


def _growth(requests: Sequence[int], costs: Sequence[float]) -> Iterator[str]:
    """Exponent over all sizes, that of the last step, and the cost of ten times the last size by the latter."""
    if len(requests) < 2:
        yield from "---"
        return
    sizes, spent = np.log(requests), np.log(costs)
    last = (spent[-1] - spent[-2]) / (sizes[-1] - sizes[-2])
    yield f"{np.polyfit(sizes, spent, 1)[0]:.2f}"
    yield f"{last:.2f}"
    yield f"{costs[-1] * 10**last:,.0f}"


def _timed(costs: dict[str, float], name: str, work: Callable[[], Done]) -> Done:
    start_s = time.process_time()
    done = work()
    costs[name] = time.process_time() - start_s
    return done


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    """Measure each size and print; exit code 2 for sizes that are no numbers."""
    sizes = [argument for argument in arguments if argument != "--costs"]
    evaluated = len(sizes) == len(arguments)
    if not all(size.isdecimal() for size in sizes):
        print("give numbers of requests: python -m benchmarks.learning_curve 200 2000", file=sys.stderr)
        return 2
    points: list[Measured] = []
    for requests in sorted(map(int, sizes)) or SIZES:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            points.append(pool.submit(measured, requests, evaluated=evaluated).result())
        costs = ", ".join(f"{name} {value:.1f}" for name, value in points[-1].costs.items())
        print(f"{points[-1].requests} requests: {costs}", file=sys.stderr, flush=True)
    console = Console(width=160)
    if evaluated:
        console.print(metric_table(points, reachable()))
    console.print(cost_table(points))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
