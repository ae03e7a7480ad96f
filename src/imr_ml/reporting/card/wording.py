"""Word the model card's figures, names and dates, and build its tables as rows of cells.

A slice, family or bin of fewer than `FEWEST_REQUESTS` requests gets its count and no figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import LOWER_IS_BETTER, MODEL, baselines_for
from imr_ml.evaluation.intervals import Bootstrap
from imr_ml.evaluation.metrics import f1_by_family
from imr_ml.evaluation.slices import FEWEST_REQUESTS, SLICE_METRICS
from imr_ml.evaluation.temporal import format_year
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imr_ml.evaluation.intervals import Estimate, Metric
    from imr_ml.evaluation.metrics import Values, Weights
    from imr_ml.evaluation.permutation import MaskingComparison, PermutationTest
    from imr_ml.evaluation.report import Evaluation
    from imr_ml.evaluation.temporal import TemporalEvaluation
    from imr_ml.ladder.climbing import Climb
    from imr_ml.training import TrainedModel


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
Row = list[str]
_NOTHING = "-"
_TOO_FEW = f"under {FEWEST_REQUESTS}"
_BINS = 5


def title(metric: str) -> str:
    """Name of a metric for people; a metric unknown here keeps its own."""
    named = _TITLES.get(metric, metric)
    return f"{named} (lower is better)" if metric in LOWER_IS_BETTER else named


def verdict(difference: Estimate, metric: str) -> str:
    """What a paired interval of model minus another says: better or worse only if it excludes zero."""
    if not difference.low <= 0 <= difference.high and not isnan(difference.low):
        return BETTER if (difference.low > 0) != (metric in LOWER_IS_BETTER) else WORSE
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
    verdicts = {name: verdict(evaluation.differences[name][metric], metric) for name in baselines_for(metric)}
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


def baseline_columns(evaluation: Evaluation) -> Row:
    """Names of the baselines."""
    return [BASELINES[name] for name in _baselines(evaluation)]


def metric_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Metric, model, and each baseline's value."""
    for metric, own in evaluation.estimates[MODEL].items():
        others = (evaluation.estimates[name].get(metric) for name in _baselines(evaluation))
        yield [title(metric), f"**{own}**", *(_NOTHING if estimate is None else str(estimate) for estimate in others)]


def difference_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Metric, and the model minus each baseline with what its paired interval says."""
    for metric in evaluation.estimates[MODEL]:
        yield [title(metric), *(_difference(evaluation, name, metric) for name in _baselines(evaluation))]


def temporal_rows(later: TemporalEvaluation) -> Iterator[Row]:
    """Metric, model, plain TF-IDF and the difference, on later decisions."""
    estimates, differences = later.comparison.estimates, later.comparison.differences["plain_tfidf"]
    for metric, own in estimates[MODEL].items():
        apart = differences[metric]
        yield [title(metric), f"**{own}**", str(estimates["plain_tfidf"][metric]), _format_difference(apart, metric)]


def masking_rows(masking: MaskingComparison) -> Iterator[Row]:
    """Metric with masking, without, and the difference."""
    for metric, own in masking.masked.items():
        yield [title(metric), str(own), str(masking.unmasked[metric]), masking.difference[metric].signed]


def ladder_metrics(climb: Climb) -> dict[str, str]:
    """Task -> the metric that compares rungs, where the data allow it."""
    from imr_ml.ladder.climbing import PRIMARY_METRIC

    return {task: metric for task, metric in PRIMARY_METRIC.items() if task in climb.champions}


def ladder_rows(climb: Climb, task: str) -> Iterator[Row]:
    """Rung, its metric, the difference to the champion that it met, and seconds to fit it; the champion in bold."""
    metric = ladder_metrics(climb)[task]
    for step in climb.steps:
        if task in step.rung.tasks:
            name, met = step.rung.name, step.against.get(task)
            named = f"**{name}**" if climb.champions[task] == name else name
            beside = f"{_format_difference(step.differences[metric], metric)} ({met})" if met else _NOTHING
            yield [named, str(step.estimates[metric]), beside, f"{step.fit_s:.1f}"]


def slice_columns(evaluation: Evaluation) -> Row:
    """Names of the metrics shown for slices."""
    return [title(metric) for metric in _slice_metrics(evaluation)]


def slice_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Kind, value, requests, cases, overturned, and each metric."""
    for row in evaluation.slices:
        few = row.requests < FEWEST_REQUESTS
        figures = (_TOO_FEW if few else _short(row.estimates.get(metric)) for metric in _slice_metrics(evaluation))
        named = row.value.replace("|", "\\|")
        yield [row.kind, named, *map(str, (row.requests, row.cases, row.overturned)), *figures]


def family_rows(trained: TrainedModel) -> Iterator[Row]:
    """Family, requests that cite it, and its F1."""
    evaluation, groups = trained.evaluation, trained.evaluation.groups
    truth = evaluation.labels.families
    cited = dict(zip(FAMILIES, truth.sum(axis=0).tolist(), strict=True))

    def f1(place: int, repeat: int, weights: Weights) -> Values:
        own = [place]
        return f1_by_family(truth[:, own], evaluation.out_of_fold.repeats[repeat].family_set[:, own], weights)[:, 0]

    computed: dict[str, Metric] = {
        family: partial(f1, place) for place, family in enumerate(FAMILIES) if cited[family] >= FEWEST_REQUESTS
    }
    repeats, settings = len(evaluation.out_of_fold.repeats), evaluation.settings
    bootstrap = Bootstrap.over_cases(computed, groups, repeats, settings.resamples, settings.seed)
    for family in FAMILIES:
        yield [family, str(cited[family]), str(bootstrap.estimate(family)) if family in computed else _TOO_FEW]


def reliability_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Bins of about equally many requests by their probability: requests, mean probability, share overturned."""
    probability, overturned = evaluation.out_of_fold.mean_p_overturned, evaluation.labels.overturned
    if len(probability) < _BINS * FEWEST_REQUESTS:
        return
    for rows in np.array_split(np.argsort(probability, kind="stable"), _BINS):
        yield [str(len(rows)), f"{probability[rows].mean():.3f}", f"{overturned[rows].mean():.3f}"]


def _baselines(evaluation: Evaluation) -> list[str]:
    return [name for name in BASELINES if name in evaluation.estimates]


def _slice_metrics(evaluation: Evaluation) -> list[str]:
    return [metric for metric in SLICE_METRICS if metric in evaluation.estimates[MODEL]]


def _difference(evaluation: Evaluation, name: str, metric: str) -> str:
    if name not in baselines_for(metric):
        return _NOTHING
    return _format_difference(evaluation.differences[name][metric], metric)


def _format_difference(difference: Estimate, metric: str) -> str:
    result = verdict(difference, metric)
    return f"{difference.signed} {result if result == NOT_PROVEN else f'**{result}**'}"


def _short(measured: Estimate | None) -> str:
    return measured.short if measured else _NOTHING
