"""The command that looks for what is wrong with a requests table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, wide_console
from imr_ml.cli.data import ColumnMap, ColumnsFile, SheetName
from imr_ml.files import check_page_name

if TYPE_CHECKING:
    from imr_ml.quality.report import QualityReport
    from imr_ml.quality.settings import Settings

ERRORS_FOUND = 3
"""Exit code where something must be mended."""


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
        from imr_ml.quality.rendering import report_json, write_page

        if report:
            check_page_name(report)
        mapping = read_mapping(renames or (), columns)
        wanted = _settings(settings) if settings else None
        with progress() as start:
            found = check_requests(table, wanted, mapping=mapping, sheet=sheet, start=start)
        if as_json:
            typer.echo(report_json(found))
        else:
            _print(found)
        if report:
            write_page(found, report, datetime.now(UTC))
            typer.echo(f"{report}: the findings as a page", err=as_json)
        if found.has_errors:
            raise typer.Exit(ERRORS_FOUND)


def _settings(path: Path) -> Settings:
    from imr_ml.quality.settings import SettingsError, read_settings

    try:
        return read_settings(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: can't be read as UTF-8 text") from error


def _print(found: QualityReport) -> None:
    from imr_ml.quality.rendering import findings_table, summary_lines

    console = wide_console()
    if found.findings:
        console.print(findings_table(found))
    for line in summary_lines(found):
        typer.echo(line)
