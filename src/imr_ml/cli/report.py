"""The `report` command: print where the report of a trained model is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error
from imr_ml.cli.models import LATEST, model_folder
from imr_ml.errors import ImrError
from imr_ml.files import check_page_name


@app.command()
def report(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model folder, or models:/imr-ml@champion.")] = str(
        LATEST
    ),
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Copy the page to this file (.html).")] = None,
) -> None:
    """Print where the one-page report of a model is: data, metrics and baselines, use, rates and limits."""
    with exit_on_user_error():
        from imr_ml.model_files import FACTS
        from imr_ml.rates.model_report import REPORT

        if output:
            check_page_name(output)
        folder = model_folder(model)
        page = folder / REPORT
        if not page.is_file():
            problem = f"contains no {REPORT}" if (folder / FACTS).is_file() else "contains no model"
            raise ImrError(f"{model}: {problem}; train a model with 'imr-ml train'")
        if output and not (output.exists() and output.samefile(page)):
            output.parent.mkdir(parents=True, exist_ok=True)
            page = Path(shutil.copyfile(page, output))
        typer.echo(f"{page}: open it in a browser, {page.resolve().as_uri()}")
