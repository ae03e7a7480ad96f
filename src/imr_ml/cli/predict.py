"""The `predict` command: predict one request, or each request of a letter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import INCOMPLETE, app, exit_on_user_error, progress
from imr_ml.cli.data import Ocr
from imr_ml.cli.models import LATEST, ModelName, model_folder, warn_of_evidence, warn_of_samples
from imr_ml.errors import ImrError

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def predict(
    letter: Annotated[
        str | None, typer.Argument(help="A letter (.pdf, .txt), or - for its text on standard input.")
    ] = None,
    request: Annotated[str | None, typer.Option(help="The treatment requested.")] = None,
    summary: Annotated[str | None, typer.Option(help="The clinical case summary.")] = None,
    ur_guideline: Annotated[str | None, typer.Option(help="The guideline that utilization review cites.")] = None,
    ocr: Ocr = False,
    model: ModelName = str(LATEST),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per request.")] = False,
) -> None:
    """Predict one request, or each request of a letter, and explain the prediction."""
    with exit_on_user_error():
        from imr_ml.model_files import read_model_for_command
        from imr_ml.scoring.frame import score_frame
        from imr_ml.scoring.output import json_lines

        requests = _read_requests(letter, request, summary, ur_guideline, ocr=ocr)
        loaded = read_model_for_command(model_folder(model))
        scored = score_frame(requests, loaded)
        warn_of_samples(loaded)
        warn_of_evidence(loaded)
        if as_json:
            typer.echo(json_lines(scored), nl=False)
        else:
            _print_cards(scored)
        if scored["error"].notna().all():
            raise typer.Exit(INCOMPLETE)


def _read_requests(
    letter: str | None, request: str | None, summary: str | None, ur_guideline: str | None, *, ocr: bool
) -> pd.DataFrame:
    import pandas as pd

    if (letter is None) == (request is None or summary is None):
        raise ImrError("give a letter, or both --request and --summary")
    if letter is None:
        return pd.DataFrame([{"request": request, "clinical_summary": summary, "ur_guideline": ur_guideline}])
    from imr_ml.corpus.table import ReadLetter, build_requests
    from imr_ml.letters.reader import read_letter

    with progress() as start:
        content = read_letter(sys.stdin.buffer.read() if letter == "-" else Path(letter), ocr=ocr, start=start)
    return build_requests([ReadLetter(content, letter, "")]).drop(columns="letter_sha256")


def _print_cards(scored: pd.DataFrame) -> None:
    from rich.console import Console

    from imr_ml.reporting.prediction_card import prediction_card

    console = Console()
    for row in scored.to_dict("records"):
        console.print(prediction_card({str(name): value for name, value in row.items()}))
