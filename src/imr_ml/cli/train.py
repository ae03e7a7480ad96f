"""The command that trains, and the table it prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, progress, told
from imr_ml.cli.models import LATEST

if TYPE_CHECKING:
    from imr_ml.training import TrainedModel


@app.command()
def train(
    data: Annotated[
        Path | None, typer.Option(help="Folder of letters or requests table; else data/raw, else the sample corpus.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the model.")] = LATEST,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of folds, bootstrap and classifiers.")] = 0,
    coverage: Annotated[float, typer.Option(min=0.5, max=0.99, help="Coverage of the prediction sets.")] = 0.9,
    jobs: Annotated[int, typer.Option(help="Processes; -1 takes all cores.")] = -1,
) -> None:
    """Train a model, evaluate it on held-out cases, track the run and register the model as challenger."""
    with told():
        from imr_ml import tracking
        from imr_ml.classifiers import ModelSettings
        from imr_ml.corpus.sources import training_table
        from imr_ml.evaluation import EvaluationSettings, fits_needed
        from imr_ml.model_files import save_model
        from imr_ml.training import TrainingSettings
        from imr_ml.training import train as train_model

        evaluation = EvaluationSettings(folds=folds, seed=seed, jobs=jobs)
        settings = TrainingSettings(model=ModelSettings(seed=seed), evaluation=evaluation, coverage=coverage)
        with progress() as start:
            table = training_table(data, start)
            typer.echo(table.told)
            rows = len(table.requests)
            on_read = start("reading sections", 3 * rows)
            on_fit = start("fitting held-out models", fits_needed(evaluation, rows))
            trained = train_model(table.requests, settings, on_read, on_fit)
        git = tracking.git_state()
        save_model(trained, output, git.commit if git else None)
        run = tracking.record(trained, output, git=git)
        _print_metrics(trained)
        typer.echo(f"model: {output} and models:/{tracking.MODEL_NAME}/{run.model_version} (challenger)")
        typer.echo("compare runs in the MLflow UI: make ui")


def _print_metrics(trained: TrainedModel) -> None:
    from rich.console import Console
    from rich.table import Table

    from imr_ml.evaluation import LESS_IS_BETTER, METRICS, MODEL, baselines_of

    data, evaluation = trained.data, trained.evaluation
    kind = "SYNTHETIC sample corpus" if data.is_synthetic else f"source {data.source}"
    table = Table(
        title=f"{data.requests} requests of {data.cases} cases, {data.overturned} overturned ({kind}); "
        f"{evaluation.settings.folds} folds by case x {evaluation.settings.repeats}; 95 % intervals over cases"
    )
    for column in ("metric", "model", "base rate", "UR's families", "plain TF-IDF"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for metric in METRICS:
        values = [
            str(evaluation.estimates[name][metric]) if name in (MODEL, *baselines_of(metric)) else "-"
            for name in (MODEL, "base_rate", "ur_families", "plain_tfidf")
        ]
        table.add_row(f"{metric} (less is better)" if metric in LESS_IS_BETTER else metric, *values)
    width = None if sys.stdout.isatty() else 160
    Console(width=width).print(table)
