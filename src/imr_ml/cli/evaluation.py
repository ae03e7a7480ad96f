"""Print an evaluation: metrics, further tests and slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imr_ml.cli.app import wide_console

if TYPE_CHECKING:
    from rich.table import Table

    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.evaluation.permutation import PermutationTest
    from imr_ml.evaluation.temporal import TemporalEvaluation
    from imr_ml.ladder.climbing import Climb
    from imr_ml.training import TrainedModel

_LADDER_METRICS = {
    "outcome": ("outcome.roc_auc", "outcome.brier"),
    "family": ("family.f1_micro", "family.f1_macro", "family.top_cited"),
}


def print_evaluation(trained: TrainedModel, *, slices: bool = False) -> None:
    """Print the table of metrics, the further tests and, if requested, the table of slices."""
    console = wide_console()
    console.print(_metric_table(trained))
    for line in (*trained.notes, *describe_tests(trained)):
        console.print(line, markup=False)
    if slices:
        console.print(_slice_table(trained))
    if trained.climb:
        print_ladder(trained.climb)


def print_ladder(climb: Climb) -> None:
    """Print a table of the compared models for each task."""
    from imr_ml.ladder.climbing import climb_table

    for task in climb.champions:
        wide_console().print(climb_table(climb, task, _LADDER_METRICS[task]))


def describe_tests(trained: TrainedModel) -> Iterator[str]:
    """Yield one line for each test besides the cross-validation."""
    data, evaluation = trained.data, trained.evaluation
    if data.groups < data.cases:
        yield f"near-duplicates: {data.cases} cases form {data.groups} groups, each kept on one side of every split"
    yield _describe_temporal_split(evaluation.temporal) if evaluation.temporal else str(evaluation.no_temporal)
    if masking := evaluation.masking:
        summary = (
            f"masked minus unmasked: {_figures(masking.difference)}" if masking.requests_masked else "no metric changes"
        )
        yield f"masking changes {masking.requests_masked} of {data.requests} requests; {summary}"
    if evaluation.permutation:
        yield _describe_permutation_test(evaluation.permutation)


def _metric_table(trained: TrainedModel) -> Table:
    from rich.table import Table

    from imr_ml.evaluation.comparison import MODEL, available_metrics, baselines_for, label_metric

    data, evaluation = trained.data, trained.evaluation
    kind = "SYNTHETIC sample corpus" if data.is_synthetic else f"source {data.source}"
    table = Table(
        title=f"{data.requests} requests of {data.cases} cases, {data.overturned} overturned ({kind}); "
        f"{evaluation.settings.tested_parts} by case x {evaluation.settings.repeats}; 95 % intervals over cases"
    )
    for column in ("metric", "model", "base rate", "UR's families", "plain TF-IDF"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric in available_metrics(evaluation.labels):
        values = [
            str(evaluation.estimates[name][metric]) if name in (MODEL, *baselines_for(metric)) else "-"
            for name in (MODEL, "base_rate", "ur_families", "plain_tfidf")
        ]
        table.add_row(label_metric(metric), *values)
    return table


def _slice_table(trained: TrainedModel) -> Table:
    from rich.table import Table

    from imr_ml.evaluation.slices import FEWEST_REQUESTS, SLICE_METRICS

    table = Table(title=f"slices; metrics from {FEWEST_REQUESTS} requests on; 95 % intervals over cases")
    for column in ("by", "slice", "requests", "cases", "overturned", *SLICE_METRICS):
        table.add_column(
            column.replace(".", "\n"), justify="left" if column in ("by", "slice") else "right", no_wrap=True
        )
    for row in trained.evaluation.slices:
        figures = [row.estimates[metric].short if metric in row.estimates else "-" for metric in SLICE_METRICS]
        table.add_row(row.kind, row.value, str(row.requests), str(row.cases), str(row.overturned), *figures)
    return table


def _describe_temporal_split(temporal: TemporalEvaluation) -> str:
    estimates = temporal.comparison.estimates
    return (
        f"trained on decisions before {temporal.cutoff_date} ({temporal.train_requests:,} requests), tested on later "
        f"ones ({temporal.test_requests:,}): {_figures(estimates['model'])}; "
        f"plain TF-IDF {_figures(estimates['plain_tfidf'])}"
    )


def _describe_permutation_test(test: PermutationTest) -> str:
    import numpy as np

    shuffled = test.shuffled_roc_auc
    return (
        f"outcomes shuffled {len(shuffled)} times: ROC AUC within folds {np.nanmean(shuffled):.3f} on average, "
        f"95th percentile {np.nanquantile(shuffled, 0.95):.3f}; unshuffled {test.roc_auc:.3f}, p = {test.p_value:.3f}"
    )


def _figures(estimates: dict[str, Estimate]) -> str:
    metrics = {"ROC AUC": "outcome.roc_auc", "micro F1": "family.f1_micro"}
    return ", ".join(f"{name} {estimates[metric]}" for name, metric in metrics.items() if metric in estimates)
