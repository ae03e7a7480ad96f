"""The `sample` command: write sample letters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress


@app.command()
def sample(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="New folder for letters, file of letters (.jsonl) or table (.parquet)."),
    ],
    number: Annotated[int, typer.Option("-n", min=1, max=10_000_000, help="Number of letters.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed; the same seed gives the same letters.")] = 7,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write PDFs instead of text files.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes; -1 uses all cores. The letters do not depend on it.")] = -1,
) -> None:
    """Generate invented letters in the formats of real ones, with their true outcomes and probabilities."""
    with exit_on_user_error():
        from imr_ml.ingest.manifest import Recipe, write_recipe
        from imr_ml.sample.writing import write_output

        with progress() as start:
            bar = start("writing sample letters", number)
            truth = write_output(output, number, seed, pdf=pdf, jobs=jobs, progress=bar)
        if output.is_dir():
            write_recipe(output, Recipe(letters=number, seed=seed, pdf=pdf))
        typer.echo(f"{output}: {number:,} SAMPLE letters, synthetic, seed {seed}; truth about them: {truth}")
