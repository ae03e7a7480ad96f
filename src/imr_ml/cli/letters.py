"""The `read` and `ingest` commands: show one letter, add letters to a requests table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, describe_code, exit_on_user_error, progress, warn
from imr_ml.cli.data import ColumnMap, ColumnsFile, Ocr, SheetName


@app.command()
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Letters (.pdf, .txt), folders or zips of them, tables of their texts (columns file and text), "
            "manifests of imr-ml fetch (.sqlite), the DMHC's table (.csv)."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Requests table to write or add to (.parquet).")],
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    ocr: Ocr = False,
    jobs: Annotated[int, typer.Option(help="Processes; -1 uses all cores.")] = -1,
    append: Annotated[bool, typer.Option("--append", hidden=True)] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace an existing table instead of adding to it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts, rejects and skipped files as JSON.")] = False,
) -> None:
    """Add letters to a requests table, each letter once; the table is created if it does not exist.

    Also writes a manifest and rejects.jsonl, the list of unreadable inputs, beside the table.
    """
    with exit_on_user_error():
        from imr_ml.corpus.decisions import InputOptions
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.errors import ImrError
        from imr_ml.ingest.growing import Provenance, grow_table
        from imr_ml.ingest.inputs import make_sources
        from imr_ml.ingest.report import report_json, report_lines
        from imr_ml.tracking.git import git_state

        if append and fresh:
            raise ImrError("--append keeps the table and --fresh replaces it: use only one of them")
        if append:
            warn("--append is deprecated: ingest always adds to an existing table")
        sources = make_sources(paths, InputOptions(read_mapping(renames or (), columns), sheet=sheet, ocr=ocr))
        with progress() as start:
            provenance = Provenance(code=describe_code(git_state()))
            report = grow_table(sources, output, start, jobs=jobs, fresh=fresh, provenance=provenance)
        for line in [report_json(report)] if as_json else report_lines(report):
            typer.echo(line)
        if report.disagreements:
            warn(f"some letters disagree with the search index; see {output.with_name('disagreements.csv')}")
        if report.rejects:
            kind = "row" if report.determinations and not report.letters else "file"
            warn(f"{len(report.rejects)} {kind}(s) not added to the table; see {output.with_name('rejects.jsonl')}")


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A letter (.pdf, .txt).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")] = False,
    ocr: Ocr = False,
) -> None:
    """Show the fields that are read from one letter."""
    with exit_on_user_error():
        from rich.console import Console

        from imr_ml.letters.reader import read_letter
        from imr_ml.letters.show import letter_json, letter_view

        with progress() as start:
            letter = read_letter(file, ocr=ocr, start=start)
        if as_json:
            typer.echo(letter_json(letter))
        else:
            Console().print(letter_view(letter))
