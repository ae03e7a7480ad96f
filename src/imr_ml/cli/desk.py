"""The `desk` command: open a local page for one request."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress
from imr_ml.cli.data import Ocr
from imr_ml.cli.models import LATEST, ModelName, model_folder, warn_of_samples

if TYPE_CHECKING:
    from imr_ml.desk.answers import TableRates

_PORT = 8300
_WARM_UP = {
    "request": "Norco 5/325mg #30 for the lumbar spine",
    "clinical_summary": "A 40 year old female has low back pain of 5/10 and no weakness.",
    "ur_guideline": "Decision based on MTUS Low Back Complaints 2004, Section(s): Special Studies.",
}


@app.command()
def desk(
    model: ModelName = str(LATEST),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; the next free one if it is taken; 0 for any free port.")
    ] = _PORT,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    rates: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Table of decided requests; adds their rates to each answer.")
    ] = None,
    ocr: Ocr = False,
) -> None:
    """Open a local page that predicts one request and shows what an edit changes."""
    with exit_on_user_error():
        from imr_ml.desk.answers import Desk
        from imr_ml.desk.letters import LetterReader
        from imr_ml.desk.server import serve
        from imr_ml.model_files import read_model_for_command

        loaded = read_model_for_command(model_folder(model))
        warn_of_samples(loaded)
        request_desk = Desk(loaded, _table_rates(rates) if rates else None)
        # Load libraries and rules now, so that the first answer is fast.
        request_desk.answer(_WARM_UP)
        with LetterReader(ocr=ocr) as letters:
            serve(request_desk, letters, port, lambda address: _announce(address, browse=browse))


def _table_rates(table: Path) -> TableRates:
    from imr_ml.corpus.decisions import InputOptions
    from imr_ml.desk.answers import RATE_QUESTIONS, TableRates
    from imr_ml.rates.counting import answer_requests
    from imr_ml.rates.reading import read_decided

    with progress() as start:
        decided = read_decided(table, start, options=InputOptions())
        return TableRates(answer_requests(decided.requests, RATE_QUESTIONS, decided.name, start=start))


def _announce(address: str, *, browse: bool) -> None:
    typer.echo(f"the desk is at {address} (Ctrl-C stops it); it does not store or log what you enter")
    if browse and _has_screen():
        # With some browsers the call returns only when they are closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _has_screen() -> bool:
    """Whether a browser window can open; without a display, a text browser would take over the terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
