"""Build the model card's tables as rows of cells.

A slice, family or bin of fewer than `FEWEST_REQUESTS` requests gets its count and no figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import MODEL, baselines_of
from imr_ml.evaluation.intervals import Bootstrap
from imr_ml.evaluation.metrics import f1_by_family
from imr_ml.evaluation.slices import FEWEST_REQUESTS, SLICE_METRICS
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.climbing import JUDGED_BY
from imr_ml.reporting.card.wording import BASELINES, NOT_PROVEN, title, verdict

if TYPE_CHECKING:
    from imr_ml.evaluation.intervals import Estimate, Metric
    from imr_ml.evaluation.metrics import Values, Weights
    from imr_ml.evaluation.permutation import MaskingComparison
    from imr_ml.evaluation.report import Evaluation
    from imr_ml.evaluation.temporal import TemporalEvaluation
    from imr_ml.ladder.climbing import Climb
    from imr_ml.training import TrainedModel

Row = list[str]
_NOTHING = "-"
_TOO_FEW = f"under {FEWEST_REQUESTS}"
_BINS = 5


def baseline_columns(evaluation: Evaluation) -> Row:
    """Names of the baselines."""
    return [BASELINES[name] for name in _baselines(evaluation)]


def metric_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Metric, model, and each baseline's value."""
    for metric, own in evaluation.estimates[MODEL].items():
        others = (evaluation.estimates[name].get(metric) for name in _baselines(evaluation))
        yield [title(metric), f"**{own}**", *(_NOTHING if one is None else str(one) for one in others)]


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
    return {task: metric for task, metric in JUDGED_BY.items() if task in climb.champions}


def ladder_rows(climb: Climb, task: str) -> Iterator[Row]:
    """Rung, its metric, the difference to the champion that it met, and seconds to fit it; the champion in bold."""
    metric = JUDGED_BY[task]
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
    for one in evaluation.slices:
        few = one.requests < FEWEST_REQUESTS
        figures = (_TOO_FEW if few else _short(one.estimates.get(metric)) for metric in _slice_metrics(evaluation))
        named = one.value.replace("|", "\\|")
        yield [one.kind, named, *map(str, (one.requests, one.cases, one.overturned)), *figures]


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
    if name not in baselines_of(metric):
        return _NOTHING
    return _format_difference(evaluation.differences[name][metric], metric)


def _format_difference(difference: Estimate, metric: str) -> str:
    result = verdict(difference, metric)
    return f"{difference.signed} {result if result == NOT_PROVEN else f'**{result}**'}"


def _short(measured: Estimate | None) -> str:
    return measured.short if measured else _NOTHING
