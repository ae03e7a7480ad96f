"""Options that the commands reading a table share, and the table of decided requests that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imr_ml.cli.app import code_of

if TYPE_CHECKING:
    from imr_ml.corpus.decisions import InputOptions
    from imr_ml.ingest.sources import TrainingTable
    from imr_ml.progress import StartProgress
    from imr_ml.tracking.git import GitState

ColumnsFile = Annotated[
    Path | None,
    typer.Option("--columns", metavar="FILE", help="Saved names of columns and values (.toml); see docs/own-data.md."),
]
SheetName = Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook; default: the first visible one.")]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="NAME=COLUMN", help="Your name for a column, as in request=RFA_TEXT; repeatable."),
]
Ocr = Annotated[bool, typer.Option("--ocr", help="Read pages without a text layer with Tesseract (extra ocr).")]
DataPath = Annotated[
    Path | None, typer.Option("--data", help="Requests table or letters; default: data/raw, else the sample corpus.")
]
SourceName = Annotated[
    str | None, typer.Option("--source", help="Source to use, as dwc or own; required if the table has several.")
]
PartialCounts = Annotated[
    Literal["overturned", "upheld", "drop"],
    typer.Option("--partial", help="What partially overturned and modified requests count as; drop leaves them out."),
]


def read_training_table(
    data: Path | None, source: str | None, options: InputOptions, start: StartProgress, git: GitState | None
) -> TrainingTable:
    """Read the table to train on, and print what it is and what to know about it.

    Parameters
    ----------
    data : Path or None
    source : str or None
    options : InputOptions
    start : callable
        Starts the progress bar of a long step.
    git : GitState or None
        State of the code, for the table's manifest.
    """
    from imr_ml.ingest.sources import training_table

    table = training_table(data, start, source=source, code=code_of(git), options=options)
    typer.echo(table.description)
    for note in (*table.decisions.column_notes, *table.decisions.notes):
        typer.echo(f"  {note}")
    return table
