"""Commands on tracked runs and registered models."""

from __future__ import annotations

from typing import Annotated

import typer

from imr_ml.cli.app import app, told


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on, or the next free one.")] = 5000,
) -> None:
    """Open the MLflow UI on the tracked runs."""
    with told():
        from imr_ml import tracking

        raise typer.Exit(tracking.serve_ui(port))
