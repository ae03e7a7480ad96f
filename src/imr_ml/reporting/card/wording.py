"""Format the model card's metrics, names and dates, and the rows of its tables.

For a slice, family or bin of fewer than `FEWEST_REQUESTS` requests, only the count is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import LOWER_IS_BETTER, MODEL, baselines_for, label_metric
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
    "family.top_cited": "families: most likely one was cited",
}
HEADLINES = ("outcome.roc_auc", "outcome.brier", "family.f1_micro", "family.top_cited")
_SIGNIFICANCE_LEVEL = 0.05
Row = list[str]
_EMPTY = "-"
_TOO_FEW = f"under {FEWEST_REQUESTS}"
_BINS = 5


def title(metric: str) -> str:
    """Return the display name of a metric."""
    return label_metric(metric, _TITLES.get(metric, ""))


def verdict(difference: Estimate, metric: str) -> str:
    """Classify a paired difference; it is better or worse only if its interval excludes zero."""
    if not difference.low <= 0 <= difference.high and not isnan(difference.low):
        return BETTER if (difference.low > 0) != (metric in LOWER_IS_BETTER) else WORSE
    return NOT_PROVEN


def headlines(evaluation: Evaluation) -> Iterator[str]:
    """Yield a sentence for each of the most important metrics: its value and the proven leads over baselines."""
    for metric in HEADLINES:
        if metric in evaluation.estimates[MODEL]:
            yield f"{title(metric)} **{evaluation.estimates[MODEL][metric]}**; {_describe_leads(evaluation, metric)}."


def format_dates(years: NDArray[np.float64]) -> str:
    """Format the first and last month decided, e.g. ``"2016-12 to 2017-02"``, or the years if only these are known."""
    dated = years[~np.isnan(years)]
    if not len(dated):
        return "dates unknown"
    ends = [format_year(float(end))[:7] for end in (dated.min(), dated.max())]
    span = ends[0] if ends[0] == ends[1] else " to ".join(ends)
    undated = len(years) - len(dated)
    return f"{span} ({undated} without a date)" if undated else span


def describe_temporal_split(later: TemporalEvaluation) -> str:
    """Describe the sizes of the temporal split's two sides."""
    return (
        f"Trained on {later.train_requests:,} requests decided before {later.cutoff_date} "
        f"({later.train_overturned} overturned), tested on {later.test_requests:,} decided later "
        f"({later.test_overturned} overturned); {later.left_out} left out."
    )


def describe_permutation_test(test: PermutationTest) -> str:
    """Describe the result of the permutation test."""
    shuffled = test.shuffled_roc_auc
    is_significant = test.p_value < _SIGNIFICANCE_LEVEL
    return (
        f"With outcomes shuffled {len(shuffled)} times between the cases of a fold, the ROC AUC within folds is "
        f"{np.nanmean(shuffled):.3f} on average; with the real outcomes it is {test.roc_auc:.3f}, "
        f"p = {test.p_value:.3f}: " + ("better than chance." if is_significant else "this can be chance.")
    )


def describe_calibration(evaluation: Evaluation) -> str:
    """Describe the calibration error and Brier skill."""
    estimates = evaluation.estimates[MODEL]
    error, skill = estimates["outcome.expected_calibration_error"], estimates["outcome.brier_skill"]
    return (
        f"`p_overturned` differs from the share overturned by {error} on average, and its Brier skill over the base "
        f"rate is {skill}. It was calibrated without the tested requests."
    )


def _describe_leads(evaluation: Evaluation, metric: str) -> str:
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
    """Return the display names of the baselines."""
    return [BASELINES[name] for name in _baselines(evaluation)]


def metric_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield metric, model, and each baseline's value."""
    for metric, estimate in evaluation.estimates[MODEL].items():
        baselines = (evaluation.estimates[name].get(metric) for name in _baselines(evaluation))
        yield [title(metric), f"**{estimate}**", *(str(baseline or _EMPTY) for baseline in baselines)]


def difference_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield metric, and the model minus each baseline with its verdict."""
    for metric in evaluation.estimates[MODEL]:
        yield [title(metric), *(_difference(evaluation, name, metric) for name in _baselines(evaluation))]


def temporal_rows(later: TemporalEvaluation) -> Iterator[Row]:
    """Yield metric, model, plain TF-IDF and the difference, on later decisions."""
    estimates, differences = later.comparison.estimates, later.comparison.differences["plain_tfidf"]
    for metric, estimate in estimates[MODEL].items():
        difference = _format_difference(differences[metric], metric)
        yield [title(metric), f"**{estimate}**", str(estimates["plain_tfidf"][metric]), difference]


def masking_rows(masking: MaskingComparison) -> Iterator[Row]:
    """Yield metric with masking, without, and the difference."""
    for metric, masked in masking.masked.items():
        yield [title(metric), str(masked), str(masking.unmasked[metric]), masking.difference[metric].signed]


def ladder_metrics(climb: Climb) -> dict[str, str]:
    """Return the metric that compares rungs in each available task."""
    from imr_ml.ladder.climbing import PRIMARY_METRIC

    return {task: metric for task, metric in PRIMARY_METRIC.items() if task in climb.champions}


def ladder_rows(climb: Climb, task: str) -> Iterator[Row]:
    """Yield rung (the champion in bold), metric, difference to the champion at that rung, and seconds to fit."""
    metric = ladder_metrics(climb)[task]
    for step in climb.steps:
        if task in step.rung.tasks:
            name, champion = step.rung.name, step.against.get(task)
            cell = f"**{name}**" if climb.champions[task] == name else name
            difference = f"{_format_difference(step.differences[metric], metric)} ({champion})" if champion else _EMPTY
            yield [cell, str(step.estimates[metric]), difference, f"{step.fit_s:.1f}"]


def slice_columns(evaluation: Evaluation) -> Row:
    """Return the display names of the metrics of slices."""
    return [title(metric) for metric in _slice_metrics(evaluation)]


def slice_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield kind, value, requests, cases, overturned, and each metric."""
    for row in evaluation.slices:
        is_small = row.requests < FEWEST_REQUESTS
        cells = (_TOO_FEW if is_small else _short(row.estimates.get(metric)) for metric in _slice_metrics(evaluation))
        value = row.value.replace("|", "\\|")
        yield [row.kind, value, *map(str, (row.requests, row.cases, row.overturned)), *cells]


def family_rows(trained: TrainedModel) -> Iterator[Row]:
    """Yield family, number of requests that cite it, and its F1."""
    evaluation, groups = trained.evaluation, trained.evaluation.groups
    truth = evaluation.labels.families
    cited = dict(zip(FAMILIES, truth.sum(axis=0).tolist(), strict=True))

    def f1(index: int, repeat: int, weights: Weights) -> Values:
        columns = [index]
        predicted = evaluation.out_of_fold.repeats[repeat].family_set
        return f1_by_family(truth[:, columns], predicted[:, columns], weights)[:, 0]

    computed: dict[str, Metric] = {
        family: partial(f1, index) for index, family in enumerate(FAMILIES) if cited[family] >= FEWEST_REQUESTS
    }
    repeats, settings = len(evaluation.out_of_fold.repeats), evaluation.settings
    bootstrap = Bootstrap.over_cases(computed, groups, repeats, settings.resamples, settings.seed)
    for family in FAMILIES:
        yield [family, str(cited[family]), str(bootstrap.estimate(family)) if family in computed else _TOO_FEW]


def reliability_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield requests, mean probability and share overturned of equal-sized bins of requests by probability."""
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
        return _EMPTY
    return _format_difference(evaluation.differences[name][metric], metric)


def _format_difference(difference: Estimate, metric: str) -> str:
    result = verdict(difference, metric)
    return f"{difference.signed} {result if result == NOT_PROVEN else f'**{result}**'}"


def _short(measured: Estimate | None) -> str:
    return measured.short if measured else _EMPTY
