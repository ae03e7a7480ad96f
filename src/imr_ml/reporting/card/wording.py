"""Format figures, metric names and dates for the model card.

Says nothing that the figures don't.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import LESS_IS_BETTER, MODEL, baselines_of
from imr_ml.evaluation.temporal import format_year

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.permutation import PermutationTest
    from imr_ml.evaluation.report import Evaluation
    from imr_ml.evaluation.temporal import TemporalEvaluation

BETTER, WORSE, NOT_PROVEN = "better", "worse", "not proven"
BASELINES = {"base_rate": "base rate", "ur_families": "UR's families", "plain_tfidf": "plain TF-IDF"}
_TITLES = {
    "outcome.roc_auc": "outcome: ROC AUC",
    "outcome.average_precision": "outcome: average precision",
    "outcome.brier": "outcome: Brier score",
    "outcome.brier_skill": "outcome: Brier skill",
    "outcome.expected_calibration_error": "outcome: expected calibration error",
    "outcome.matthews": "outcome: Matthews correlation",
    "family.f1_micro": "families: micro F1",
    "family.f1_macro": "families: macro F1",
    "family.top_cited": "families: the likeliest was cited",
}
HEADLINES = ("outcome.roc_auc", "outcome.brier", "family.f1_micro", "family.top_cited")
_PLAUSIBLE_BY_CHANCE = 0.05


def title(metric: str) -> str:
    """Name of a metric for people; a metric unknown here keeps its own."""
    named = _TITLES.get(metric, metric)
    return f"{named} (less is better)" if metric in LESS_IS_BETTER else named


def verdict(difference: Estimate, metric: str) -> str:
    """What a paired interval of model minus another says: better or worse only if it excludes zero."""
    if not difference.low <= 0 <= difference.high and not isnan(difference.low):
        return BETTER if (difference.low > 0) != (metric in LESS_IS_BETTER) else WORSE
    return NOT_PROVEN


def headlines(evaluation: Evaluation) -> Iterator[str]:
    """A sentence for each of the metrics that matter most: the figure, and over what a lead is proven."""
    for metric in HEADLINES:
        if metric in evaluation.estimates[MODEL]:
            yield f"{title(metric)} **{evaluation.estimates[MODEL][metric]}**; {_beside(evaluation, metric)}."


def format_dates(years: NDArray[np.float64]) -> str:
    """First and last month decided, e.g. ``"2016-12 to 2017-02"``, or the years of a source that publishes no more."""
    known = years[~np.isnan(years)]
    if not len(known):
        return "dates not known"
    ends = [format_year(float(end))[:7] for end in (known.min(), known.max())]
    span = ends[0] if ends[0] == ends[1] else " to ".join(ends)
    undated = len(years) - len(known)
    return f"{span} ({undated} without a date)" if undated else span


def describe_temporal_split(later: TemporalEvaluation) -> str:
    """Sizes of the temporal split's two sides."""
    return (
        f"Trained on {later.train_requests:,} requests decided before {later.cutoff_date} "
        f"({later.train_overturned} overturned), tested on {later.test_requests:,} decided later "
        f"({later.test_overturned} overturned); {later.left_out} left out."
    )


def describe_permutation_test(test: PermutationTest) -> str:
    """The permutation test in words."""
    shuffled = test.shuffled_roc_auc
    rare = test.p_value < _PLAUSIBLE_BY_CHANCE
    return (
        f"Outcomes shuffled {len(shuffled)} times between the cases of a fold give a ROC AUC within folds of "
        f"{np.nanmean(shuffled):.3f} on average; as they are it is {test.roc_auc:.3f}, p = {test.p_value:.3f}: "
        + ("more than chance." if rare else "chance may give as much.")
    )


def describe_calibration(evaluation: Evaluation) -> str:
    """Calibration error and Brier skill in words."""
    estimates = evaluation.estimates[MODEL]
    error, skill = estimates["outcome.expected_calibration_error"], estimates["outcome.brier_skill"]
    return (
        f"`p_overturned` misses the share overturned by {error} on average, and its Brier skill over the base rate is "
        f"{skill}. It was calibrated without the requests that it is tested on."
    )


def _beside(evaluation: Evaluation, metric: str) -> str:
    verdicts = {name: verdict(evaluation.differences[name][metric], metric) for name in baselines_of(metric)}
    parts = [
        f"{lead} {', '.join(BASELINES.get(name, name) for name, result in verdicts.items() if result == kind)}"
        for kind, lead in (
            (BETTER, "proven better than"),
            (WORSE, "proven worse than"),
            (NOT_PROVEN, "**not** proven better than"),
        )
        if kind in verdicts.values()
    ]
    return "; ".join(parts)
