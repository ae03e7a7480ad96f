"""Split by decision date: train on earlier decisions, test on later ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Dataset, Labels, Predictor
from imr_ml.errors import ImrError
from imr_ml.evaluation.comparison import Comparison, compare, predictors
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.evaluation.splits import EvaluationSettings, Split
from imr_ml.progress import StartProgress, no_progress

SHORTEST_SPAN_YEARS = 0.25
_EARLIER_SHARE = 0.7
_FEWEST_CASES = 5


class NoTemporalSplit(ImrError):  # noqa: N818
    """The dates do not allow a temporal split; the message states the reason."""


@dataclass(frozen=True, slots=True)
class TemporalEvaluation:
    """Comparison of the model and the baselines, trained on earlier decisions and tested on later ones.

    Attributes
    ----------
    tested_from : float
        First tested decision, as a year with a fraction.
    left_out : int
        Requests without a date, and earlier ones whose case (or a near-duplicate) was also decided later.
    """

    tested_from: float
    train_requests: int
    train_cases: int
    train_overturned: int
    test_requests: int
    test_cases: int
    test_overturned: int
    left_out: int
    comparison: Comparison

    @property
    def cutoff_date(self) -> str:
        """`tested_from` as text."""
        return format_year(self.tested_from)


def format_year(year: float) -> str:
    """Format a year with a fraction as a date; the exact middle of a year means that only the year is known."""
    whole, part = divmod(year, 1)
    return str(int(whole)) if part == 0.5 else str(date(int(whole), 1, 1) + timedelta(days=round(part * 365.25)))


def temporal_split(labels: Labels, groups: NDArray[np.int64]) -> Split:
    """Split into the earliest 70 % of the cases and the requests decided later.

    Parameters
    ----------
    labels : Labels
    groups : (requests,) int
        Case of each request, joined with its near-duplicates; a group also decided later is not used for training.

    Returns
    -------
    train, test : (requests,) int
        Row indices. Every decision of `train` is earlier than every decision of `test`.

    Raises
    ------
    NoTemporalSplit
        If the decisions span less than three months, or a side has too few cases of an outcome.
    """
    years = labels.decided_year
    dated = ~np.isnan(years)
    span = float(np.ptp(years[dated])) if dated.any() else 0.0
    if span < SHORTEST_SPAN_YEARS:
        reason = f"the dated decisions span {12 * span:.1f} months" if dated.any() else "no decision has a date"
        raise NoTemporalSplit(f"no temporal split: {reason}; it needs at least three months")
    last = np.full(int(groups.max()) + 1, -np.inf)
    np.maximum.at(last, groups[dated], years[dated])
    first_tested = float(np.quantile(last[np.isfinite(last)], _EARLIER_SHARE, method="higher"))
    test = np.flatnonzero(dated & (years >= first_tested))
    train = np.flatnonzero(dated & (last[groups] < first_tested))
    for side, rows in (("earlier", train), ("later", test)):
        for outcome in (True, False):
            cases = len(np.unique(groups[rows][labels.overturned[rows] == outcome]))
            if cases < _FEWEST_CASES:
                kind = "overturned" if outcome else "upheld"
                raise NoTemporalSplit(f"no temporal split: only {cases} {side} case(s) with a request {kind}")
    return train, test


def evaluate_over_time(
    dataset: Dataset, build: Callable[[], Predictor], settings: EvaluationSettings, start: StartProgress = no_progress
) -> TemporalEvaluation:
    """Evaluate a model and the baselines on a temporal split.

    Parameters
    ----------
    dataset : Dataset
    build : callable
        Builds an unfitted model.
    settings : EvaluationSettings
    start : callable, optional
        Starts a progress bar over the fits.

    Raises
    ------
    NoTemporalSplit
        See `temporal_split`.
    """
    labels, groups = dataset.labels, dataset.groups
    train, test = temporal_split(labels, groups)
    test_labels, cases = labels[test], np.unique(groups[test], return_inverse=True)[1]
    predicted = out_of_fold(
        dataset,
        predictors(build, test_labels),
        [[(train, test)]],
        settings.jobs,
        start,
        "fitting on earlier decisions",
        settings.large_from,
    )
    return TemporalEvaluation(
        tested_from=float(test_labels.decided_year.min()),
        train_requests=len(train),
        train_cases=len(np.unique(groups[train])),
        train_overturned=int(labels.overturned[train].sum()),
        test_requests=len(test),
        test_cases=int(cases.max()) + 1,
        test_overturned=int(test_labels.overturned.sum()),
        left_out=len(groups) - len(train) - len(test),
        comparison=compare(predicted, test_labels, cases, settings),
    )
