"""Measure predictions for the DMHC's determinations: train on earlier years, test on later ones.

    python -m benchmarks.dmhc determinations.csv

Compares a frozen model (trained on cases up to 2013, tested on 2014 and 2015) with one that is retrained every year on
all earlier years. Nothing is tuned on the tested years.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.classifiers.types import Dataset, Labels, Predictor

LAST_TRAINING_YEAR, TEST_YEARS = 2013, (2014, 2015)
_RESAMPLES = 1000


class Predictions(NamedTuple):
    """Probabilities of the test requests, whether each is above the training rate, and the half-life of each fit."""

    probability: NDArray[np.float64]
    above_training_rate: NDArray[np.bool_]
    half_lives: list[float | None]


def measure(table: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.classifiers.settings import ModelSettings
    from imr_ml.classifiers.types import Dataset, labels_of
    from imr_ml.features.frame import feature_frame
    from imr_ml.ingest.dmhc import read_determinations

    start_s = time.perf_counter()
    determinations = read_determinations(table)
    counts = f"{len(determinations.requests)} rows, {len(determinations.rejects)} rejects"
    yield "reading", f"{counts}, {time.perf_counter() - start_s:.1f} s"
    requests = determinations.requests
    start_s = time.perf_counter()
    dataset = Dataset(feature_frame(requests), labels_of(requests), np.arange(len(requests)))
    yield "features", f"{time.perf_counter() - start_s:.1f} s"
    models: dict[str, Predictor] = {
        "plain TF-IDF + LR": _PlainCategories(),
        "model, selected half-life": RequestModel(),
        **{
            f"model, half-life {half_life or 'none'}": RequestModel(
                replace(ModelSettings(), half_life_years=(half_life,))
            )
            for half_life in ModelSettings().half_life_years
        },
    }
    for schedule, retrain_every_year in (("frozen", False), ("retrained every year", True)):
        for name, model in models.items():
            start_s = time.perf_counter()
            predictions = _predict(model, dataset, retrain_every_year=retrain_every_year)
            yield f"{schedule}: {name}", f"{_describe(predictions, dataset)}, {time.perf_counter() - start_s:.0f} s"


class _PlainCategories:
    """Baseline: TF-IDF of the joined categories and logistic regression, with equal weights for all years."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> _PlainCategories:  # noqa: ARG002
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        regression = LogisticRegression(max_iter=3000)
        self.outcome_ = make_pipeline(TfidfVectorizer(), regression).fit(_join_categories(frame), labels.overturned)
        self.base_rate_ = float(labels.overturned.mean())
        return self

    def p_overturned(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(self.outcome_.predict_proba(_join_categories(frame))[:, 1])


def _join_categories(frame: pd.DataFrame) -> list[str]:
    from imr_ml.features.frame import CODE_COLUMNS

    columns = frame[[*CODE_COLUMNS, "sex"]].astype("object")
    return columns.where(columns.notna(), "").astype(str).agg(" ".join, axis=1).tolist()


def _predict(model: Predictor | _PlainCategories, dataset: Dataset, *, retrain_every_year: bool) -> Predictions:
    parts, years = [], _years(dataset)
    for year in TEST_YEARS:
        train = dataset[np.flatnonzero(years < (year if retrain_every_year else LAST_TRAINING_YEAR + 1))]
        fitted = model.fit(train.frame, train.labels, train.groups)
        test = dataset.frame.iloc[np.flatnonzero(years == year)]
        if isinstance(fitted, _PlainCategories):
            probability, training_rate, half_life = fitted.p_overturned(test), fitted.base_rate_, None
        else:
            outcome = fitted.outcome_
            probability = fitted.predict(test).p_overturned
            training_rate, half_life = outcome.classifier.base_rate_, outcome.half_life_years
        parts.append((probability, probability > training_rate, half_life))
    probabilities, above, half_lives = zip(*parts, strict=True)
    return Predictions(np.concatenate(probabilities), np.concatenate(above), list(half_lives))


def _years(dataset: Dataset) -> NDArray[np.float64]:
    return np.floor(dataset.labels.decided_year)


def _describe(predictions: Predictions, dataset: Dataset) -> str:
    from imr_ml.evaluation import metrics
    from imr_ml.evaluation.intervals import Bootstrap

    years = _years(dataset)
    truth = np.concatenate([dataset.labels.overturned[years == year] for year in TEST_YEARS])
    computed = {
        "AUC": lambda _, w: metrics.roc_auc(truth, predictions.probability, w),
        "Matthews above the training rate": lambda _, w: metrics.matthews(truth, predictions.above_training_rate, w),
        "above 0.5": lambda _, w: metrics.matthews(truth, predictions.probability > 0.5, w),
        "above the test rate": lambda _, w: metrics.matthews(truth, predictions.probability > truth.mean(), w),
        "Brier": lambda _, w: metrics.brier(truth, predictions.probability, w),
    }
    bootstrap = Bootstrap.over_cases(computed, np.arange(len(truth)), 1, _RESAMPLES, seed=0)
    text = [f"{name} {bootstrap.estimate(name)}" for name in computed]
    return ", ".join([f"half-life {predictions.half_lives}", *text])


def main(arguments: list[str]) -> int:
    """Print the results; exit with 2 without a table."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print("needs the DMHC's determinations: python -m benchmarks.dmhc determinations.csv", file=sys.stderr)
        return 2
    for label, value in measure(Path(arguments[0])):
        print(f"{label}: {value}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
