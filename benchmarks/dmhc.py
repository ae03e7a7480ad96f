"""Measure predictions on the DMHC's determinations: train on earlier years, test on later ones.

    python -m benchmarks.dmhc determinations.csv

Two ways of use: a model that is left as it is (trained on cases up to 2013, tested on 2014 and 2015), and one retrained
every year (each year from all before it). Nothing is tuned on the years that are tested.
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

LAST_TRAINED, TESTED = 2013, (2014, 2015)
_RESAMPLES = 1000


class Predictions(NamedTuple):
    """Probabilities of the tested requests, and whether each counts as overturned."""

    probability: NDArray[np.float64]
    above_usual: NDArray[np.bool_]
    half_lives: list[float | None]


def measure(table: Path) -> Iterator[tuple[str, str]]:
    """Rows of (what, measured)."""
    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.classifiers.settings import ModelSettings
    from imr_ml.classifiers.types import Dataset, labels_of
    from imr_ml.features.frame import feature_frame
    from imr_ml.ingest.dmhc import read_determinations

    start_s = time.perf_counter()
    read = read_determinations(table)
    yield "reading", f"{len(read.requests)} rows, {len(read.rejects)} rejects, {time.perf_counter() - start_s:.1f} s"
    start_s = time.perf_counter()
    dataset = Dataset(feature_frame(read.requests), labels_of(read.requests), np.arange(len(read.requests)))
    yield "features", f"{time.perf_counter() - start_s:.1f} s"
    models: dict[str, Predictor] = {
        "plain TF-IDF + LR": _PlainCategories(),
        "model, half-life as it chooses": RequestModel(),
        **{
            f"model, half-life {half_life or 'none'}": RequestModel(
                replace(ModelSettings(), half_life_years=(half_life,))
            )
            for half_life in ModelSettings().half_life_years
        },
    }
    for way, retrain_every_year in (("left as it is", False), ("retrained every year", True)):
        for name, model in models.items():
            start_s = time.perf_counter()
            predictions = _predict(model, dataset, retrain_every_year=retrain_every_year)
            yield f"{way}: {name}", f"{_describe(predictions, dataset)}, {time.perf_counter() - start_s:.0f} s"


class _PlainCategories:
    """TF-IDF of the joined categories and logistic regression, all years alike: the line to beat."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> _PlainCategories:  # noqa: ARG002
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        regression = LogisticRegression(max_iter=3000)
        self.outcome_ = make_pipeline(TfidfVectorizer(), regression).fit(_joined(frame), labels.overturned)
        self.base_rate_ = float(labels.overturned.mean())
        return self

    def p_overturned(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(self.outcome_.predict_proba(_joined(frame))[:, 1])


def _joined(frame: pd.DataFrame) -> list[str]:
    from imr_ml.features.frame import CODE_COLUMNS

    columns = frame[[*CODE_COLUMNS, "sex"]].astype("object")
    return columns.where(columns.notna(), "").astype(str).agg(" ".join, axis=1).tolist()


def _predict(model: Predictor | _PlainCategories, dataset: Dataset, *, retrain_every_year: bool) -> Predictions:
    parts, years = [], _years(dataset)
    for year in TESTED:
        train = dataset[np.flatnonzero(years < (year if retrain_every_year else LAST_TRAINED + 1))]
        fitted = model.fit(train.frame, train.labels, train.groups)
        test = dataset.frame.iloc[np.flatnonzero(years == year)]
        if isinstance(fitted, _PlainCategories):
            probability, usual, half_life = fitted.p_overturned(test), fitted.base_rate_, None
        else:
            chosen = fitted.outcome_
            probability = fitted.predict(test).p_overturned
            usual, half_life = chosen.classifier.base_rate_, chosen.half_life_years
        parts.append((probability, probability > usual, half_life))
    probabilities, above, half_lives = zip(*parts, strict=True)
    return Predictions(np.concatenate(probabilities), np.concatenate(above), list(half_lives))


def _years(dataset: Dataset) -> NDArray[np.float64]:
    return np.floor(dataset.labels.decided_year)


def _describe(predictions: Predictions, dataset: Dataset) -> str:
    from imr_ml.evaluation import metrics
    from imr_ml.evaluation.intervals import Bootstrap

    years = _years(dataset)
    truth = np.concatenate([dataset.labels.overturned[years == year] for year in TESTED])
    computed = {
        "AUC": lambda _, w: metrics.roc_auc(truth, predictions.probability, w),
        "Matthews above the usual rate": lambda _, w: metrics.matthews(truth, predictions.above_usual, w),
        "above 0.5": lambda _, w: metrics.matthews(truth, predictions.probability > 0.5, w),
        "above the tested rate": lambda _, w: metrics.matthews(truth, predictions.probability > truth.mean(), w),
        "Brier": lambda _, w: metrics.brier(truth, predictions.probability, w),
    }
    bootstrap = Bootstrap.over_cases(computed, np.arange(len(truth)), 1, _RESAMPLES, seed=0)
    text = [f"{name} {bootstrap.estimate(name)}" for name in computed]
    return ", ".join([f"half-life {predictions.half_lives}", *text])


def main(arguments: list[str]) -> int:
    """Print what was measured; exit code 2 where there is nothing to measure on."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print("needs the DMHC's determinations: python -m benchmarks.dmhc determinations.csv", file=sys.stderr)
        return 2
    for what, measured in measure(Path(arguments[0])):
        print(f"{what}: {measured}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
