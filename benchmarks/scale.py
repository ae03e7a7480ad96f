"""Measure time and memory of a full training run by corpus size: `python -m benchmarks.scale 10000 100000 1000000`.

Runs `imr-ml train` on sample letters with distinct texts, one size at a time, each in its own process. Memory is the
sum of all processes; shared pages count once per process. Metrics are compared with the best that is reachable from
all facts of a letter.

`python -m benchmarks.scale --approximation TABLE` fits a model on four fifths of the cases of a table, once with the
method for large tables and once exactly, and compares the predictions for the other cases.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.processes import watch
from imr_ml.classifiers.large_scale import held_out_part
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Dataset
from imr_ml.evaluation.comparison import best_reachable, metric_function
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Bootstrap, Estimate
from imr_ml.ingest.sources import table_at
from imr_ml.sample.writing import write_output
from imr_ml.training_data import decided_requests

SEED, JOBS = 11, 2
SHOWN = ("outcome.roc_auc", "outcome.brier_skill", "family.f1_micro", "family.top_cited")
_ITEMS_IN_LETTER = 2.25
_MARGIN_S = 0.2
_PYTHON_PATHS = filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH")))
_ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(_PYTHON_PATHS), "MLFLOW_TRACKING_URI": ""}
_STAGES = "stages.jsonl"
_TRAIN, _APPROXIMATION = "--train", "--approximation"


@dataclass(frozen=True, slots=True)
class Training:
    """Cost and metrics of one training run.

    Attributes
    ----------
    requests : int
    stages : list of (str, float, float)
        Name, seconds and peak memory in MB.
    metrics : dict
        As in `model.json`.
    """

    requests: int
    stages: list[tuple[str, float, float]]
    metrics: dict[str, dict[str, dict[str, float]]]

    @property
    def elapsed_s(self) -> float:
        """Seconds of the whole command."""
        return sum(seconds for _, seconds, _ in self.stages)

    @property
    def peak_mb(self) -> float:
        """Peak memory of all processes, in MB."""
        return max(peak for *_, peak in self.stages)


def measure(requests: int, table: Path | None = None) -> Training:
    """Train on a number of sample requests, or on a table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if table is None:
            table = folder / "requests.parquet"
            write_output(table, round(requests / _ITEMS_IN_LETTER), SEED, jobs=JOBS)
        command = [sys.executable, "-m", "benchmarks.scale", _TRAIN, str(table.resolve())]
        memory = watch(command, folder, _ENVIRONMENT).samples
        metrics = json.loads((folder / "models/latest/model.json").read_text("utf-8"))["metrics"]
        rows = pq.ParquetFile(table).metadata.num_rows
        return Training(rows, _by_stage(folder / _STAGES, memory), metrics)


def _by_stage(path: Path, memory: Sequence[tuple[float, float]]) -> list[tuple[str, float, float]]:
    events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    starts = [(memory[0][0], "start"), *((event["at_s"], event["stage"]) for event in events)]
    ends = [*(at_s for at_s, _ in starts[1:]), memory[-1][0]]
    stages: dict[str, tuple[float, float]] = {}
    for (start_s, name), end_s in zip(starts, ends, strict=True):
        peak = max((mb for at_s, mb in memory if start_s - _MARGIN_S <= at_s <= end_s), default=0.0)
        seconds, earlier_peak = stages.get(name, (0.0, 0.0))
        stages[name] = seconds + end_s - start_s, max(earlier_peak, peak)
    return [(name, seconds, peak) for name, (seconds, peak) in stages.items()]


def train(table: Path) -> None:
    """Run `imr-ml train`, and write the start time of each stage to a file in the working directory."""
    from imr_ml.cli import train as command
    from imr_ml.cli.app import app

    @contextmanager
    def record_stages() -> Iterator[Callable[[str, int], Callable[[int], None]]]:
        with Path(_STAGES).open("a", encoding="utf-8") as lines:

            def start(stage: str, _steps: int) -> Callable[[int], None]:
                lines.write(json.dumps({"stage": stage, "at_s": time.time()}) + "\n")
                lines.flush()
                return lambda _: None

            yield start

    command.progress = record_stages
    app(["train", "--data", str(table)])


def cost_tables(trainings: Sequence[Training]) -> Iterator[Table]:
    """Yield tables of seconds and memory by stage and size."""
    names = dict.fromkeys(name for training in trainings for name, *_ in training.stages)
    for title, place in (("seconds", 1), ("peak memory of all processes, MB", 2)):
        table = Table("stage", title=f"imr-ml train on SAMPLE requests: {title}")
        for training in trainings:
            table.add_column(f"{training.requests:,}", justify="right")
        table.add_column("exponent", justify="right")
        values_of = [{stage[0]: stage[place] for stage in training.stages} for training in trainings]
        rows = {name: [values.get(name, 0.0) for values in values_of] for name in names}
        total = [training.elapsed_s if place == 1 else training.peak_mb for training in trainings]
        for name, values in {**rows, "total": total}.items():
            table.add_row(name, *(f"{value:,.0f}" for value in values), _exponent(trainings, values))
        yield table


def _exponent(trainings: Sequence[Training], values: Sequence[float]) -> str:
    if len(trainings) < 2 or min(values) <= 0:
        return ""
    return f"{np.polyfit(np.log([training.requests for training in trainings]), np.log(values), 1)[0]:.2f}"


def metric_table(trainings: Sequence[Training], truth: pd.DataFrame) -> Table:
    """Return a table of metrics on held-out cases: model, plain TF-IDF and the best that is reachable."""
    table = Table("metric", title="SAMPLE letters, synthetic: held-out cases, 95 % intervals over cases")
    for training in trainings:
        table.add_column(f"{training.requests:,} requests", justify="right")
    table.add_column("best reachable", justify="right")
    best = best_reachable(truth)
    for metric in SHOWN:
        for predictor in ("model", "plain_tfidf"):
            cells = [_format(training.metrics[predictor][metric]) for training in trainings]
            table.add_row(*((metric, *cells, str(best[metric])) if predictor == "model" else ("    plain", *cells, "")))
    return table


def _format(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def compare_approximation(table: Path) -> Table:
    """Compare the fit for large tables with the exact one, on the same held-out cases."""
    requests = decided_requests(table_at(table).requests)
    dataset = Dataset.from_table(requests, jobs=JOBS)
    train_rows, test_rows = held_out_part(dataset.groups, 5, SEED)
    training, frame, labels = dataset[train_rows], dataset.frame.iloc[test_rows], dataset.labels[test_rows]
    groups = np.unique(dataset.groups[test_rows], return_inverse=True)[1]
    predicted, elapsed_s = {}, {}
    for name, large_from in (("large", 0), ("exact", len(dataset))):
        start_s = time.perf_counter()
        model = RequestModel(ModelSettings(large_from=large_from)).fit(training.frame, training.labels, training.groups)
        elapsed_s[name] = time.perf_counter() - start_s
        predicted[name] = OutOfFold((model.predict(frame),))
    computed = {
        (name, metric): metric_function(predicted[name], labels, metric) for name in predicted for metric in SHOWN
    }
    bootstrap = Bootstrap.over_cases(computed, groups, 1, 1000, SEED)
    title = (
        f"SAMPLE requests: {len(train_rows):,} for training, {len(test_rows):,} for testing; 95 % intervals over cases"
    )
    result = Table("metric", "exact", "large", "large minus exact, paired", title=title)
    for metric in SHOWN:
        estimates = [bootstrap.estimate((name, metric)) for name in ("exact", "large")]
        difference = bootstrap.difference(("large", metric), ("exact", metric))
        result.add_row(metric, *map(str, estimates), _signed(difference))
    result.add_row("fit, s", *(f"{elapsed_s[name]:.0f}" for name in ("exact", "large")), "")
    return result


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def main(arguments: list[str]) -> int:
    """Print the results; exit with 2 if an argument is neither a number nor a table."""
    if arguments[:1] == [_TRAIN]:
        train(Path(arguments[1]))
        return 0
    if len(arguments) == 2 and arguments[0] == _APPROXIMATION:
        Console(width=150).print(compare_approximation(Path(arguments[1])))
        return 0
    if not arguments or not all(size.isdecimal() or Path(size).is_file() for size in arguments):
        print("python -m benchmarks.scale 10000 100000: numbers of requests, or sample tables", file=sys.stderr)
        return 2
    trainings = []
    for size in arguments:
        trainings.append(measure(int(size)) if size.isdecimal() else measure(0, Path(size)))
        print(f"{trainings[-1].requests:,}: {trainings[-1].elapsed_s:,.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as place:
        truth = pd.read_parquet(write_output(Path(place) / "letters.jsonl", 4000, SEED + 1, jobs=JOBS))
    for table in (*cost_tables(trainings), metric_table(trainings, truth)):
        Console(width=150).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
