"""Measure predictions of outcome and families for held-out cases."""

from collections.abc import Iterator
from pathlib import Path

from imr_ml.evaluation.comparison import METRICS, MODEL, baselines_for
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.training import TrainingSettings, train

# Families are evaluated on grouped folds that are not stratified by outcome.
SETTINGS = {
    "outcome": EvaluationSettings(repeats=5),
    "family": EvaluationSettings(repeats=3, stratify=False),
}


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and value: each metric with its interval, each baseline and the paired difference."""
    requests = ingest(letter_files([folder])).requests
    yield "requests, overturned", f"{len(requests)}, {int(requests['outcome'].eq('overturned').sum())}"
    for task, settings in SETTINGS.items():
        trained = train(requests, TrainingSettings(evaluation=settings))
        evaluation = trained.evaluation
        for metric in (name for name in METRICS if name.startswith(f"{task}.")):
            yield (
                f"{metric} (5 folds by case, mean of {settings.repeats} seeds)",
                str(evaluation.estimates[MODEL][metric]),
            )
            for baseline in baselines_for(metric):
                value, difference = evaluation.estimates[baseline][metric], evaluation.differences[baseline][metric]
                yield f"    {baseline}", f"{value}; model minus this {difference}"
    for name, value in trained.coverage.items():
        yield name, f"{value:.3f}"
