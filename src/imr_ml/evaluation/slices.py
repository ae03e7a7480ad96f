"""Compute metrics of slices, such as category, family cited, number of items, age, sex and year.

Slices are described, never compared: by chance, two of forty slices are outside a 95 % interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset
from imr_ml.evaluation.comparison import MODEL, bootstrap_metrics
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.guidelines.types import FAMILIES

FEWEST_REQUESTS = 20
SLICE_METRICS = ("outcome.roc_auc", "outcome.brier", "family.f1_micro", "family.top_cited")
"""Metrics of a slice; the others need a base rate or families that are missing in some slices."""

_ABSENT, _UNKNOWN = "_absent", "unknown"
ITEM_BANDS = {"1": 1, "2": 2, "3 to 4": 4, "5 or more": np.inf}
AGE_BANDS = {"29 or less": 29, "30 to 39": 39, "40 to 49": 49, "50 to 59": 59, "60 or more": np.inf}


@dataclass(frozen=True, slots=True)
class Slice:
    """Counts and metrics of the model on a subset of the requests.

    Attributes
    ----------
    kind : str
        Property that defines the slices, e.g. ``"category"``.
    value : str
        Its value in this slice, e.g. ``"Surgery"``; ``"unknown"`` if missing.
    estimates : dict
        Metric -> `Estimate`; empty for fewer than `FEWEST_REQUESTS` requests, and without the ROC AUC if all requests
        have the same outcome.
    """

    kind: str
    value: str
    requests: int
    cases: int
    overturned: int
    estimates: dict[str, Estimate]


def slices(dataset: Dataset, predicted: OutOfFold, settings: EvaluationSettings) -> tuple[Slice, ...]:
    """Compute metrics of every slice; slices by cited family overlap, as a reviewer can cite several.

    Parameters
    ----------
    dataset : Dataset
    predicted : OutOfFold
        Predictions of the model.
    settings : EvaluationSettings
    """
    return tuple(
        _measure_slice(kind, value, np.flatnonzero(in_slice), dataset, predicted, settings)
        for kind, value, in_slice in _slice_masks(dataset)
        if in_slice.any()
    )


def slice_table(measured: tuple[Slice, ...]) -> pd.DataFrame:
    """Build a table with one row per slice and metric; a slice without metrics has one row with its counts.

    Returns
    -------
    DataFrame
        ``kind, slice, requests, cases, overturned, metric, value, low, high``.
    """
    no_metric = {None: Estimate(np.nan, np.nan, np.nan)}
    rows = [
        (row.kind, row.value, row.requests, row.cases, row.overturned, metric, *astuple(estimate))
        for row in measured
        for metric, estimate in (row.estimates or no_metric).items()
    ]
    columns = ["kind", "slice", "requests", "cases", "overturned", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"metric": "string"})


def _measure_slice(
    kind: str,
    value: str,
    rows: NDArray[np.int64],
    dataset: Dataset,
    predicted: OutOfFold,
    settings: EvaluationSettings,
) -> Slice:
    labels, cases = dataset.labels[rows], np.unique(dataset.groups[rows], return_inverse=True)[1]
    overturned = int(labels.overturned.sum())
    metrics = [
        metric
        for metric in SLICE_METRICS
        if len(rows) >= FEWEST_REQUESTS
        and (dataset.labels.families_known or not metric.startswith("family."))
        and (0 < overturned < len(rows) or metric != "outcome.roc_auc")
    ]
    predictions = {MODEL: OutOfFold(tuple(repeat[rows] for repeat in predicted.repeats))}
    bootstrap = bootstrap_metrics(predictions, [(MODEL, metric) for metric in metrics], labels, cases, settings)
    estimates = {metric: bootstrap.estimate((MODEL, metric)) for metric in metrics}
    return Slice(kind, value, len(rows), int(cases.max()) + 1, overturned, estimates)


def _slice_masks(dataset: Dataset) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield kind, value and mask of each slice; kinds without a column in the frame are skipped."""
    frame, labels = dataset.frame, dataset.labels
    yield from _by_value("category", frame, "category", lambda values: values.str.replace("_", " "))
    yield from (("cited family", family, cited) for family, cited in zip(FAMILIES, labels.families.T, strict=True))
    yield from _by_value("items in case", frame, "items_in_case", lambda values: band_names(values, ITEM_BANDS))
    answers = {True: "yes", False: "no"}
    yield from _by_value("UR cites nothing", frame, "ur_families", lambda values: values.eq("none").map(answers))
    yield from _by_value("age", frame, "age", lambda values: band_names(values, AGE_BANDS))
    yield from _by_value("sex", frame, "sex", lambda values: values)
    years = np.array([_UNKNOWN if np.isnan(year) else str(int(year)) for year in labels.decided_year], dtype=object)
    yield from (("year of decision", year, years == year) for year in sorted(set(years)))


def _by_value(
    kind: str, frame: pd.DataFrame, column: str, read: Callable[[pd.Series], pd.Series]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    if column in frame:
        cells = frame[column].replace(_ABSENT, np.nan)
        values = np.asarray(read(cells).astype("object").where(cells.notna(), _UNKNOWN), dtype=object)
        yield from ((kind, str(value), values == value) for value in sorted(set(values)))


def band_names(numbers: pd.Series, bands: dict[str, float]) -> pd.Series:
    """Return the band of each number; missing for a missing number."""
    return pd.cut(numbers.astype("float64"), [-np.inf, *bands.values()], labels=list(bands))
