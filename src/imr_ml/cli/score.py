"""The command that scores a batch."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, progress, told, warn
from imr_ml.cli.models import LATEST, model_folder


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV, JSONL, Parquet, or a folder of letters.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (.csv, .jsonl, .parquet).")],
    model: Annotated[str, typer.Option(help="Folder of a model, or models:/imr-ml@challenger.")] = str(LATEST),
    evidence: Annotated[bool, typer.Option(help="Tell what moved each prediction.")] = True,
    precedents: Annotated[int, typer.Option(min=0, help="Decided requests to tell of each; 0 tells none.")] = 3,
    coverage: Annotated[
        float | None, typer.Option(min=0.5, max=0.99, help="Coverage of the prediction sets; else the model's.")
    ] = None,
    track: Annotated[
        bool, typer.Option("--track", help="Record counts and shares, no text, in MLflow's scoring experiment.")
    ] = False,
) -> None:
    """Score requests: the same rows with probabilities, families, evidence and errors."""
    with told():
        from imr_ml.model_files import load_model
        from imr_ml.scoring import ScoreOptions, score_file

        start_s = time.perf_counter()
        loaded = load_model(model_folder(model))
        options = ScoreOptions(evidence=evidence, precedents=precedents, coverage=coverage)
        with progress() as start:
            step = start("scoring requests", 0)
            summary = score_file(source, output, loaded, options, progress=step)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items()))
        scored = summary.rows - summary.errors
        typer.echo(f"{output}: {scored} of {summary.rows} rows scored with model {loaded.version} ({outcomes})")
        if loaded.facts["data"]["source"] == "sample":
            warn("this model was trained on the SAMPLE corpus: its scores mean nothing for real requests")
        if summary.errors:
            warn(f"{summary.errors} row(s) could not be scored; the column 'error' says why")
        if track:
            from imr_ml import tracking

            batch = tracking.ScoredBatch(source, summary, loaded, asdict(options), time.perf_counter() - start_s)
            typer.echo(f"recorded as run {tracking.record_batch(batch).run_id} in '{tracking.SCORING}'")
