"""Options shared by the commands that read a table, and reading of the training table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imr_ml.cli.app import describe_code

if TYPE_CHECKING:
    from imr_ml.corpus.decisions import InputOptions
    from imr_ml.ingest.sources import TrainingTable
    from imr_ml.progress import StartProgress
    from imr_ml.tracking.git import GitState

ColumnsFile = Annotated[
    Path | None,
    typer.Option("--columns", metavar="FILE", help="Your column names and values (.toml); see docs/own-data.md."),
]
SheetName = Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook; default: the first visible one.")]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="NAME=COLUMN", help="Your name of a column, such as request=RFA_TEXT; repeatable."),
]
Ocr = Annotated[bool, typer.Option("--ocr", help="Read pages without a text layer with Tesseract (extra ocr).")]
DataPath = Annotated[
    Path | None, typer.Option("--data", help="Requests table or letters; default: data/raw, else the sample corpus.")
]
SourceName = Annotated[
    str | None, typer.Option("--source", help="Source to use, such as dwc or own; required if the table has several.")
]
PartialCounts = Annotated[
    Literal["overturned", "upheld", "drop"],
    typer.Option("--partial", help="Outcome of partially overturned and modified requests; drop leaves them out."),
]


def read_training_table(
    data: Path | None, source: str | None, options: InputOptions, start: StartProgress, git: GitState | None
) -> TrainingTable:
    """Read the table to train on, and print its description and notes.

    Parameters
    ----------
    data : Path or None
        Table or letters; None for `data/raw`, or else the sample corpus.
    source : str or None
        Source to use; None if the table has only one.
    options : InputOptions
        How to read the table.
    start : callable
        Starts the progress bar of a long step.
    git : GitState or None
        State of the code, for the manifest of the table.
    """
    from imr_ml.ingest.sources import training_table

    table = training_table(data, start, source=source, code=describe_code(git), options=options)
    typer.echo(table.description)
    for note in (*table.decisions.column_notes, *table.decisions.notes):
        typer.echo(f"  {note}")
    return table
