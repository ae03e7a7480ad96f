"""Measure probabilities and evidence of truncated requests: `python -m benchmarks.truncation LETTERS`.

Evaluates out of fold on real letters, and compares the model with the same model without shrinkage to the base rate.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.special import logit

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset, Labels, Predictions
from imr_ml.evaluation.comparison import metric_function
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Bootstrap
from imr_ml.evaluation.splits import grouped_folds
from imr_ml.features.frame import feature_frame
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.training_data import decided_requests

LENGTHS = (None, 1200, 700, 300, 100)
REPEATS, FOLDS, RESAMPLES, TERMS_SHOWN = 5, 5, 1000, 5
METRICS = ("outcome.roc_auc", "outcome.brier", "family.f1_micro")
_SIDES = ("model", "without")


def variants(requests: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the requests with less and less text, and with no word that the model knows."""
    for length in LENGTHS:
        name = "full summary" if length is None else f"{length:,} characters"
        yield name, requests.assign(clinical_summary=requests["clinical_summary"].str[:length])
    yield "“See attached records.”", requests.assign(clinical_summary="See attached records.")
    nonsense = {"request": "asdf qwer", "clinical_summary": "lorem ipsum"}
    yield "nonsense, other columns unchanged", requests.assign(**nonsense)
    yield "only nonsense", requests[["case_number", "item"]].assign(**nonsense)


def measure(folder: Path) -> Iterator[Table]:
    """Yield tables of mean probabilities by length, paired metrics, and terms that contradict the prediction."""
    requests = decided_requests(ingest(letter_files([folder])).requests)
    dataset = Dataset.from_table(requests)
    frames = {name: feature_frame(table) for name, table in variants(requests)}
    full = next(iter(frames))
    p = {(side, name): np.zeros((REPEATS, len(requests))) for side in _SIDES for name in frames}
    repeats: dict[str, list[Predictions]] = {side: [] for side in _SIDES}
    shown, log_odds = np.zeros((REPEATS, len(requests))), np.zeros((REPEATS, len(requests)))
    for repeat in range(REPEATS):
        parts: dict[str, list[Predictions]] = {side: [] for side in _SIDES}
        folds = list(grouped_folds(dataset.labels.overturned, dataset.groups, FOLDS, repeat))
        for train, test in folds:
            training = dataset[train]
            fitted = RequestModel().fit(training.frame, training.labels, training.groups)
            models = {"model": fitted, "without": _without_shrinkage(fitted)}
            for side, model in models.items():
                for name, frame in frames.items():
                    predicted = model.predict(frame.iloc[test])
                    p[side, name][repeat, test] = predicted.p_overturned
                    if name == full:
                        parts[side].append(predicted)
            shown[repeat, test], log_odds[repeat, test] = _evidence_sums(fitted, frames[full].iloc[test])
        for side in _SIDES:
            repeats[side].append(_in_order(parts[side], folds))
    yield _probability_table(p, list(frames), dataset.labels)
    yield _metric_table({side: OutOfFold(tuple(predictions)) for side, predictions in repeats.items()}, dataset)
    yield _contradiction_table(shown, log_odds)


def _without_shrinkage(model: RequestModel) -> RequestModel:
    copy = RequestModel(model.settings)
    copy.features_, copy.outcome_, copy.families_ = model.features_, model.outcome_, model.families_
    return copy


def _evidence_sums(model: RequestModel, frame: pd.DataFrame) -> tuple[list[float], list[float]]:
    """Return the sum of the terms shown and the distance of the prediction from the base rate, in log-odds."""
    matrix = model.matrix(frame)
    outcomes = [evidence.outcome for evidence in model.explain(matrix, model.predict_matrix(matrix), TERMS_SHOWN)]
    shown = [sum(term.weight for term in outcome.terms) for outcome in outcomes]
    return shown, [outcome.log_odds - outcome.base_rate for outcome in outcomes]


def _in_order(parts: list[Predictions], folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Predictions:
    order = np.argsort(np.concatenate([test for _, test in folds]))
    names = ("p_overturned", "family_probability", "family_set")
    return Predictions(*(np.concatenate([getattr(part, name) for part in parts])[order] for name in names))


def _probability_table(p: dict[tuple[str, str], NDArray[np.float64]], names: list[str], labels: Labels) -> Table:
    base_rate = float(labels.overturned.mean())
    table = Table("text", title=f"mean p_overturned, and mean distance in log-odds from the base rate {base_rate:.3f}")
    for side in _SIDES:
        table.add_column(side if side == "model" else "without shrinkage", justify="right")
    for name in names:
        cells = [p[side, name] for side in _SIDES]
        values = (f"{cell.mean():.3f} ({np.abs(logit(cell) - logit(base_rate)).mean():.2f})" for cell in cells)
        table.add_row(name, *values)
    return table


def _metric_table(sides: dict[str, OutOfFold], dataset: Dataset) -> Table:
    computed = {
        (side, metric): metric_function(predicted, dataset.labels, metric)
        for side, predicted in sides.items()
        for metric in METRICS
    }
    bootstrap = Bootstrap.over_cases(computed, dataset.groups, REPEATS, RESAMPLES, 0)
    table = Table("full texts", "model", "without shrinkage", "difference")
    for metric in METRICS:
        estimates = [bootstrap.estimate((side, metric)) for side in _SIDES]
        difference = bootstrap.difference(("model", metric), ("without", metric))
        table.add_row(metric, *map(str, estimates), str(difference))
    return table


def _contradiction_table(shown: NDArray[np.float64], log_odds: NDArray[np.float64]) -> Table:
    table = Table("evidence of full texts", f"{TERMS_SHOWN} terms shown contradict the prediction", "of", "all terms")
    for name, rows in (("above the base rate", log_odds > 0), ("below the base rate", log_odds < 0)):
        against = int((np.sign(shown[rows]) != np.sign(log_odds[rows])).sum())
        table.add_row(name, f"{against / REPEATS:.1f}", f"{rows.sum() / REPEATS:.1f}", "0, because they add up to it")
    return table


def main(arguments: list[str]) -> int:
    """Print the tables; exit with 2 without a folder of letters."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("give a folder of real letters: python -m benchmarks.truncation LETTERS", file=sys.stderr)
        return 2
    for table in measure(Path(arguments[0])):
        Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
