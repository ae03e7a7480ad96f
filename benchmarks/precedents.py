"""Measure how similar precedents are to a held-out request, and how often their outcomes agree.

`python -m benchmarks.precedents LETTERS` compares the precedents of each request with all decided requests of the
other folds as the base rate. Each fold has a model that was fitted without its cases; each request is treated as later
than all decisions.
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

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.evaluation.intervals import Bootstrap, Metric
from imr_ml.evaluation.metrics import Values, Weights
from imr_ml.evaluation.splits import EvaluationSettings, Split, repeated_folds
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.precedents.cohorts import Cohorts
from imr_ml.precedents.decided import DecidedRequests, Query
from imr_ml.precedents.kinds import SEPARATOR, Kinds
from imr_ml.precedents.neighbours import Neighbours

SETTINGS = EvaluationSettings(folds=5, repeats=3)
MAX_PRECEDENTS = 3
AGREEMENTS = ("same category", "same treatment", "same outcome", "a family in common")
"""Agreements of a request with its precedents."""
Shares = dict[str, NDArray[np.float64]]


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and value: each agreement of precedents, of all decided requests, and their difference."""
    requests = ingest(letter_files([folder])).requests
    dataset = Dataset.from_table(requests)
    repeats = [
        _shares(requests, dataset, folds)
        for folds in repeated_folds(dataset.labels.overturned, dataset.groups, SETTINGS)
    ]
    names = [(side, name) for name in AGREEMENTS for side in ("precedents", "all")]
    metrics = {key: _mean_of([shares[key[0]][key[1]] for shares in repeats]) for key in names}
    overturned = dataset.labels.overturned
    for outcome, rows in (("overturned", overturned), ("upheld", ~overturned)):
        of_outcome = [np.where(rows, shares["precedents"]["overturned"], np.nan) for shares in repeats]
        metrics["overturned", outcome] = _mean_of(of_outcome)
    bootstrap = Bootstrap.over_cases(metrics, dataset.groups, len(repeats), SETTINGS.resamples, SETTINGS.seed)
    for title, name in (("a precedent", "same outcome"), ("a cohort", "in a cohort")):
        share = np.mean([np.isfinite(shares["precedents"][name]).mean() for shares in repeats])
        yield f"requests with {title}", f"{share:.3f} of {len(requests)}"
    for name in AGREEMENTS:
        precedents, everything = ("precedents", name), ("all", name)
        yield f"{name}: precedents", str(bootstrap.estimate(precedents))
        yield "    all decided requests", str(bootstrap.estimate(everything))
        yield "    difference, paired", str(bootstrap.difference(precedents, everything))
    yield "same outcome: always the more frequent one", f"{max(overturned.mean(), 1 - overturned.mean()):.3f}"
    for outcome in ("overturned", "upheld"):
        yield f"precedents overturned, for {outcome} requests", str(bootstrap.estimate(("overturned", outcome)))
    yield "    difference, paired", str(bootstrap.difference(("overturned", "overturned"), ("overturned", "upheld")))


def _shares(requests: pd.DataFrame, dataset: Dataset, folds: list[Split]) -> dict[str, Shares]:
    """Return the shares of precedents, and of all decided requests of the other folds, that agree with each request."""
    names = (*AGREEMENTS, "overturned", "in a cohort")
    shares = {side: {name: np.full(len(dataset), np.nan) for name in names} for side in ("precedents", "all")}
    kinds = Kinds.from_frame(dataset.frame)
    for train, test in folds:
        training = dataset[train]
        model = RequestModel().fit(training.frame, training.labels, training.groups)
        decided = DecidedRequests.from_table(requests.iloc[train], training)
        neighbours = Neighbours.from_matrix(decided, model.matrix(training.frame), model.outcome_column_weights)
        test_frame = dataset.frame.iloc[test]
        query = Query.from_table(
            requests.iloc[test].assign(
                application_received=None, ur_denial_date=None, decision_date=None, decision_year=None
            )
        )
        test_kinds = Kinds.from_frame(test_frame)
        nearest = neighbours.nearest(model.matrix(test_frame), query, test_kinds, MAX_PRECEDENTS)
        shares["precedents"]["in a cohort"][test] = Cohorts(decided).rates(test_kinds, query).rate
        for row, precedents in zip(test.tolist(), nearest, strict=True):
            precedent_rows = np.array([train[precedent.row] for precedent in precedents], dtype=np.int64)
            for side, others in (("precedents", precedent_rows), ("all", train)):
                if len(others):
                    for name, agrees in _agreements(row, others, kinds, dataset).items():
                        shares[side][name][row] = agrees.mean()
    return shares


def _agreements(row: int, others: NDArray[np.int64], kinds: Kinds, dataset: Dataset) -> dict[str, NDArray[np.bool_]]:
    labels, treatments = dataset.labels, set(kinds.treatments[row].split(SEPARATOR))
    return {
        "same category": kinds.category[others] == kinds.category[row],
        "same treatment": np.array(
            [bool(treatments & set(names.split(SEPARATOR))) for names in kinds.treatments[others].tolist()]
        ),
        "same outcome": labels.overturned[others] == labels.overturned[row],
        "a family in common": (labels.families[others] & labels.families[row]).any(axis=1),
        "overturned": labels.overturned[others],
    }


def _mean_of(repeats: list[NDArray[np.float64]]) -> Metric:
    """Return a metric: the mean over requests that have a value."""

    def mean(repeat: int, weights: Weights) -> Values:
        used_weights = weights * np.isfinite(repeats[repeat])
        values: Values = used_weights @ np.nan_to_num(repeats[repeat]) / used_weights.sum(axis=1)
        return values

    return mean


def main(arguments: list[str]) -> int:
    """Print the results; exit with 2 without a folder of letters."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("give a folder of letters: python -m benchmarks.precedents LETTERS", file=sys.stderr)
        return 2
    table = Table("measure", "value", title=f"precedents, {SETTINGS.folds} folds by case, {SETTINGS.repeats} repeats")
    for row in measure(Path(arguments[0])):
        table.add_row(*row)
    Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
