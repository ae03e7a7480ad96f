"""The command line: read arguments, call, print.

Knows what the commands are called and how their results are shown. Everything else is in the rooms.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.errors import ImrError

if TYPE_CHECKING:
    from imr_ml.corpus.sources import StartProgress
    from imr_ml.training import TrainedModel

app = typer.Typer(
    name="imr-ml",
    help="Learn from California Independent Medical Review letters and score new requests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
MODELS = Path("models")
LATEST = MODELS / "latest"


def _show_version(wanted: bool) -> None:
    if wanted:
        from imr_ml import __version__

        typer.echo(f"imr-ml {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Learn from California Independent Medical Review letters and score new requests."""


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Letters (.pdf, .txt) or folders of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Requests table to write (.parquet).")],
    jobs: Annotated[int, typer.Option(help="Processes; -1 takes all cores.")] = -1,
    append: Annotated[bool, typer.Option("--append", help="Keep the table's letters and add only new ones.")] = False,
) -> None:
    """Read letters into a requests table; what can't be read goes to rejects.jsonl beside it."""
    with _told():
        from imr_ml.corpus.ingestion import summary_lines
        from imr_ml.corpus.sources import ingest_folder

        with _progress() as start:
            read = ingest_folder(paths, output, start, jobs=jobs, append=append)
        for line in summary_lines(read, str(output)):
            typer.echo(line)
        if read.rejects:
            _warn(f"{len(read.rejects)} file(s) not in the table; see {output.with_name('rejects.jsonl')}")


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A letter (.pdf, .txt).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")] = False,
) -> None:
    """Show what is read from one letter."""
    with _told():
        from rich.console import Console

        from imr_ml.letters import read_letter
        from imr_ml.letters.show import letter_json, letter_view

        letter = read_letter(file)
        if as_json:
            typer.echo(letter_json(letter))
        else:
            Console().print(letter_view(letter))


@app.command()
def sample(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    number: Annotated[int, typer.Option("-n", min=1, help="Letters.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same letters.")] = 7,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write PDFs instead of text files.")] = False,
) -> None:
    """Write invented letters in the real format, to try things on; their figures mean nothing."""
    with _told():
        from imr_ml.corpus.sample import write_samples

        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise ImrError(f"{output}: exists and is not an empty folder; name another")
        with _progress() as start:
            written = write_samples(output, number, seed, pdf=pdf, progress=start("writing sample letters", number))
        typer.echo(f"{output}: {written} SAMPLE letters, synthetic, seed {seed}")


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
    with _told():
        from imr_ml import tracking
        from imr_ml.classifiers import ModelSettings
        from imr_ml.corpus.sources import training_table
        from imr_ml.evaluation import EvaluationSettings, fits_needed
        from imr_ml.model_files import save_model
        from imr_ml.training import TrainingSettings
        from imr_ml.training import train as train_model

        evaluation = EvaluationSettings(folds=folds, seed=seed, jobs=jobs)
        settings = TrainingSettings(model=ModelSettings(seed=seed), evaluation=evaluation, coverage=coverage)
        with _progress() as start:
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


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV, JSONL, Parquet, or a folder of letters.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (.csv, .jsonl, .parquet).")],
    model: Annotated[str, typer.Option(help="Folder of a model, or models:/imr-ml@challenger.")] = str(LATEST),
    evidence: Annotated[bool, typer.Option(help="Tell what moved each prediction.")] = True,
) -> None:
    """Score requests: the same rows with probabilities, families, evidence and errors."""
    with _told():
        from imr_ml.model_files import load_model
        from imr_ml.scoring import score_file

        loaded = load_model(_model_folder(model))
        with _progress() as start:
            step = start("scoring requests", 0)
            summary = score_file(source, output, loaded, evidence=evidence, progress=step)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items()))
        scored = summary.rows - summary.errors
        typer.echo(f"{output}: {scored} of {summary.rows} rows scored with model {loaded.version} ({outcomes})")
        if loaded.facts["data"]["source"] == "sample":
            _warn("this model was trained on the SAMPLE corpus: its scores mean nothing for real requests")
        if summary.errors:
            _warn(f"{summary.errors} row(s) could not be scored; the column 'error' says why")


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on, or the next free one.")] = 5000,
) -> None:
    """Open the MLflow UI on the tracked runs."""
    with _told():
        from imr_ml import tracking

        raise typer.Exit(tracking.serve_ui(port))


def _model_folder(model: str) -> Path:
    if ":/" not in model:
        return Path(model)
    from imr_ml import tracking

    return tracking.fetch_model(model)


@contextmanager
def _told() -> Iterator[None]:
    """What the user can mend is told in one line, with exit code 2; a failure of ours keeps its traceback, with 1."""
    try:
        yield
    except (ImrError, FileNotFoundError, PermissionError) as error:
        _warn(" ".join(str(error).split()))
        raise typer.Exit(2) from None


def _warn(message: str) -> None:
    typer.echo(f"imr-ml: {message}", err=True)


@contextmanager
def _progress() -> Iterator[StartProgress]:
    """Starts progress bars on standard error, which stay silent where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:

        def start(description: str, total: int) -> Callable[[int], object]:
            task = bars.add_task(description, total=total or None)
            return lambda steps: bars.advance(task, steps)

        yield start


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


if __name__ == "__main__":
    app()
