"""The `train` command."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import INCOMPLETE, app, exit_on_user_error, progress, warn
from imr_ml.cli.data import (
    ColumnMap,
    ColumnsFile,
    DataPath,
    Ocr,
    PartialCounts,
    SheetName,
    SourceName,
    read_training_table,
)
from imr_ml.cli.models import LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imr_ml.experiments.schema import TrainingSettings
    from imr_ml.ingest.sources import TrainingTable
    from imr_ml.quality.report import QualityReport
    from imr_ml.tracking.git import GitState
    from imr_ml.tracking.runs import Extras
    from imr_ml.training import TrainedModel

_PERMUTATIONS = 200


@app.command()
def train(
    path: Annotated[Path | None, typer.Argument(metavar="[DATA]", help="Same as --data.", show_default=False)] = None,
    data: DataPath = None,
    source: SourceName = None,
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    ocr: Ocr = False,
    partial: PartialCounts = "drop",
    rejects: Annotated[
        Path | None, typer.Option(help="Write the rows left out, with the reasons (.csv, .jsonl, .parquet, .xlsx).")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder.")] = LATEST,
    experiment: Annotated[
        str, typer.Option(help="Settings: a name from 'imr-ml experiments list', or your TOML file.")
    ] = "default",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting of the experiment, such as outcome.C=1.0.")
    ] = None,
    allow_errors: Annotated[
        bool, typer.Option("--allow-errors", help="Train even if the check finds errors in the data.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the run, for 'imr-ml compare' and 'imr-ml promote'.")] = "",
    folds: Annotated[int | None, typer.Option(min=2, help="Same as --set evaluation.folds=.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of folds, bootstrap and classifiers; same as --set training.seed=.")
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(min=0.5, max=0.99, help="Coverage of prediction sets; same as --set training.coverage=."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 uses all cores.")] = -1,
    proof: Annotated[
        bool, typer.Option("--proof", help="Also run the permutation test (200 shuffles) and compare masking.")
    ] = False,
    ladder: Annotated[
        bool, typer.Option("--ladder", help="Also evaluate simpler and more complex models on the same folds.")
    ] = False,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve", help="Also fit on 20, 40, 60 and 80 % of the cases; takes up to twice as long."
        ),
    ] = False,
    log_text: Annotated[
        bool,
        typer.Option("--log-text", help="Also log the private texts of the requests with the predictions."),
    ] = False,
    precedent_texts: Annotated[
        bool,
        typer.Option(
            "--precedent-texts",
            help="Store the private texts of the requests in the model, for its precedents.",
        ),
    ] = False,
    slices: Annotated[
        bool, typer.Option("--slices", help="Also print metrics by category, family, age and more.")
    ] = False,
) -> None:
    """Train a model, evaluate it on held-out cases, track the run and register the model as challenger."""
    with exit_on_user_error():
        from imr_ml.cli.evaluation import print_evaluation
        from imr_ml.corpus.decisions import InputOptions
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.errors import SchemaError
        from imr_ml.memory import release_memory
        from imr_ml.model_files import MANIFEST, save_model
        from imr_ml.quality.checking import check_training
        from imr_ml.rates.model_report import REPORT, report_rates
        from imr_ml.reporting.card.rendering import write_card
        from imr_ml.reporting.compared_models import compared_rungs
        from imr_ml.tracking import registry, runs, uris
        from imr_ml.tracking.git import git_state
        from imr_ml.tracking.system import system_metrics
        from imr_ml.training import train as train_model
        from imr_ml.training_data import decided_requests

        if path and data:
            raise SchemaError(f"name the data only once: {path} or --data {data}")
        data = data or path
        options = InputOptions(read_mapping(renames or (), columns), partial, sheet, ocr)
        started_ms = int(time.time() * 1000)
        uris.check_uri(uris.tracking_uri())
        registry.check_run_name(name)
        git = git_state()
        options_by_key = {"evaluation.folds": folds, "training.seed": seed, "training.coverage": coverage}
        experiment_name, settings = _read_experiment(experiment, changes or (), options_by_key)
        evaluation = replace(
            settings.evaluation,
            jobs=jobs,
            permutations=_PERMUTATIONS if proof else 0,
            compare_masking=proof,
            learning_curve=learning_curve,
        )
        settings = replace(settings, evaluation=evaluation, ladder=ladder, precedent_texts=precedent_texts)
        with progress() as start:
            table = read_training_table(data, source, options, start, git)
            if rejects:
                _write_rejects(table.decisions.rejected_rows, rejects)
            checked = check_training(table.decisions.requests, str(data or "the data"), start)
            errors = _report_check(checked.report, allow_errors=allow_errors)
            table = table if log_text else _drop_unused(table)
            with system_metrics() as system:
                trained = train_model(table.decisions.requests, settings, start, checked.groups)
            commit, dirty = (git.commit, git.dirty) if git else (None, False)
            release_memory()
            start("saving the model", 0)
            save_model(trained, output, commit, table.manifest)
            card = write_card(trained, output, commit, dirty=dirty)[0]
            rates = report_rates(table.decisions.requests)
        compared = compared_rungs(trained.climb) if trained.climb else None
        texts = decided_requests(table.decisions.requests) if log_text else None
        extras = runs.Extras(
            compared=compared,
            system=system,
            card=card,
            manifest=output / MANIFEST,
            report=output / REPORT,
            rates=rates,
            texts=texts,
            started_ms=started_ms,
            experiment=experiment_name,
            name=name,
            data_errors=errors,
        )
        print_evaluation(trained, slices=slices)
        typer.echo(f"model: {output}, its model card: {card}")
        if precedent_texts:
            warn("the model contains the texts of its requests: anyone with access to it or to its run can read them")
        _record_run(trained, output, git, extras)


def _read_experiment(
    experiment: str, changes: Sequence[str], options_by_key: Mapping[str, float | None]
) -> tuple[str, TrainingSettings]:
    """Return the name and settings of an experiment, as changed by `--set`, then by options such as `--folds`."""
    from imr_ml.experiments.reading import read_experiment

    options = [f"{key}={value}" for key, value in options_by_key.items() if value is not None]
    selected = read_experiment(experiment, [*changes, *options])
    if selected.sweep:
        typer.echo(f"{experiment}: its [sweep] table is for 'imr-ml sweep'; training uses its other settings")
    return selected.name, selected.experiment.training_settings()


def _record_run(trained: TrainedModel, folder: Path, git: GitState | None, extras: Extras) -> None:
    """Record and register a trained model, and print where it is."""
    from imr_ml.rates.model_report import REPORT
    from imr_ml.tracking import registry, runs, sending

    try:
        with progress() as start:
            start("drawing figures and recording the run", 0)
            run = runs.record(trained, folder, git=git, extras=extras)
    except sending.UnsentError as error:
        warn(str(error))
        return
    finally:
        if (folder / REPORT).exists():
            typer.echo(f"report for a browser: {folder / REPORT}")
    uri = f"models:/{registry.MODEL_NAME}/{run.model_version}"
    typer.echo(f"registered as {uri} (challenger), trained on source {trained.data.source}")
    typer.echo("compare runs in the MLflow UI: imr-ml ui")


def _drop_unused(table: TrainingTable) -> TrainingTable:
    """Drop columns that only the check reads, such as rationales, to save memory."""
    from imr_ml.corpus.mapping import OF_TRAINING

    requests = table.decisions.requests
    unused = [name for name in requests.columns if name not in OF_TRAINING]
    return replace(table, decisions=replace(table.decisions, requests=requests.drop(columns=unused)))


def _report_check(report: QualityReport, *, allow_errors: bool) -> tuple[str, ...]:
    """Print the findings of the check; return the kinds of errors if they are allowed, otherwise exit."""
    from imr_ml.quality.rendering import finding_lines
    from imr_ml.quality.report import Level

    for line in finding_lines(report):
        typer.echo(f"  {line}")
    errors = tuple(finding.kind for finding in report.findings if finding.level is Level.ERROR)
    if errors and not allow_errors:
        warn(f"not trained: the check found {len(errors)} error(s) in the data; fix them, or add --allow-errors")
        raise typer.Exit(INCOMPLETE)
    return errors


def _write_rejects(rows: pd.DataFrame, path: Path) -> None:
    from imr_ml.scoring.output import chunk_writer

    with chunk_writer(path) as write:
        write(rows)
    typer.echo(f"{path}: {len(rows)} row(s) left out, with the reasons")
