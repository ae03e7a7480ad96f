"""The `check` command: look for errors and oddities in a requests table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, wide_console
from imr_ml.cli.data import ColumnMap, ColumnsFile, SheetName
from imr_ml.files import check_page_name

ERRORS_FOUND = 3
"""Exit code if the check finds errors."""


@app.command()
def check(
    table: Annotated[Path, typer.Argument(help="Requests table (.parquet, .csv, .jsonl, .xlsx).")],
    report: Annotated[Path | None, typer.Option(help="Write the findings as an HTML page (.html).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON instead of a table.")] = False,
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    settings: Annotated[Path | None, typer.Option(help="Your own thresholds and levels (.toml).")] = None,
) -> None:
    """Check a requests table for wrong dates, ages and texts, duplicates and identifiers; exit code 3 on errors."""
    with exit_on_user_error():
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.quality.checking import check_requests
        from imr_ml.quality.rendering import findings_table, report_json, summary_lines, write_page
        from imr_ml.quality.settings import load_settings

        if report:
            check_page_name(report)
        mapping = read_mapping(renames or (), columns)
        thresholds = load_settings(settings) if settings else None
        with progress() as start:
            result = check_requests(table, thresholds, mapping=mapping, sheet=sheet, start=start)
        if result.findings and not as_json:
            wide_console().print(findings_table(result))
        for line in [report_json(result)] if as_json else summary_lines(result):
            typer.echo(line)
        if report:
            write_page(result, report, datetime.now(UTC))
            typer.echo(f"{report}: page of the findings", err=as_json)
        if result.has_errors:
            raise typer.Exit(ERRORS_FOUND)
