"""The command that shows the report of a training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error
from imr_ml.cli.models import LATEST, model_folder
from imr_ml.errors import ImrError


@app.command()
def report(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a model, or models:/imr-ml@champion.")] = str(
        LATEST
    ),
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Copy the page there (.html).")] = None,
) -> None:
    """Show where the one-page report of a trained model is: data, figures beside baselines, use, rates and limits."""
    with exit_on_user_error():
        from imr_ml.model_files import FACTS
        from imr_ml.rates.model_report import REPORT

        if output and output.suffix.lower() not in (".html", ".htm"):
            raise ImrError(f"{output}: the report is an .html file")
        folder = model_folder(model)
        page = folder / REPORT
        if not page.is_file():
            why = f"its training wrote no {REPORT}" if (folder / FACTS).is_file() else "holds no model"
            raise ImrError(f"{model}: {why}; train one with 'make train'")
        if output and not (output.exists() and output.samefile(page)):
            output.parent.mkdir(parents=True, exist_ok=True)
            page = Path(shutil.copyfile(page, output))
        typer.echo(f"{page}: open it in a browser, {page.resolve().as_uri()}")
