"""The `rates` command: count overturned requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, wide_console
from imr_ml.cli.data import ColumnMap, ColumnsFile, PartialCounts, SheetName, SourceName
from imr_ml.files import check_page_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rich.table import Table

    from imr_ml.rates.counting import Rates

_MAX_ROWS = 40


@app.command()
def rates(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="TABLE", help="Requests table or letters; default: data/raw, else the sample corpus."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Question to count by, such as treatment or year; give it twice for two. Default: category."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Count only requests such as body_part=low_back; repeatable."),
    ] = None,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(help="Also print the difference between two values of the first --by.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the rates (.csv, .jsonl, .parquet).")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts (.html); it lists case numbers.")] = None,
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Also list the requests' texts, which are private, on the page.")
    ] = False,
    source: SourceName = None,
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    partial: PartialCounts = "drop",
) -> None:
    """Count overturned requests by treatment, body part, year and more, with intervals."""
    with exit_on_user_error():
        from imr_ml.corpus.decisions import InputOptions
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.rates.counting import compare_values, count_rates, parse_condition, write_rates
        from imr_ml.rates.page import PAGE_QUESTIONS, chart_library, write_page
        from imr_ml.rates.questions import RatesError, questions_named
        from imr_ml.rates.reading import read_answers

        _check_targets(data, output, html)
        if with_text and not html:
            raise RatesError("--with-text adds texts to the page: give --html too")
        names = questions_named(by or ["category"])
        for condition in where or ():
            parse_condition(condition)
        library = chart_library() if html else ""
        options = InputOptions(read_mapping(renames or (), columns), partial, sheet)
        with progress() as start:
            questions = [*names, *PAGE_QUESTIONS] if html else names
            answers, notes = read_answers(data, questions, start, where=where or (), source=source, options=options)
        counted = count_rates(answers, names)
        typer.echo(counted.facts)
        for note in notes:
            typer.echo(f"  {note}")
        wide_console().print(_rates_table(counted))
        typer.echo(counted.chance)
        comparison = compare_values(answers, names[0], compare) if compare else ""
        if comparison:
            typer.echo(comparison)
        if output:
            write_rates(counted, output)
            typer.echo(f"{output}: {len(counted.cells):,} cells")
        if html:
            write_page(answers, counted, html, library, comparison=comparison, with_text=with_text)
            typer.echo(f"{html}: page with charts")


def _check_targets(data: Path | None, output: Path | None, html: Path | None) -> None:
    """Refuse outputs that cannot be written or would replace the input, before reading anything."""
    from imr_ml.rates.questions import RatesError
    from imr_ml.scoring.output import check_output

    if output:
        check_output(output)
    if html:
        check_page_name(html)
    for target in filter(None, (output, html)):
        if data and data.exists() and target.exists() and target.samefile(data):
            raise RatesError(f"{target}: is the input; choose another output file")


def _rates_table(counted: Rates) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from imr_ml.evaluation.slices import FEWEST_REQUESTS
    from imr_ml.rates.questions import QUESTIONS

    overall, kind = counted.overall, "SAMPLE, SYNTHETIC; " if counted.facts.is_sample else ""
    cells = counted.cells.head(_MAX_ROWS)
    limit = f"; the {_MAX_ROWS} largest of {len(counted.cells):,} cells" if len(counted.cells) > _MAX_ROWS else ""
    title = (
        f"{kind}overall {_percent(overall)} of {overall['requests']:,} requests overturned; 95 % intervals; cells of "
        f"at least {FEWEST_REQUESTS} requests have a rate; difference in points from all other requests{limit}"
    )
    table = Table(title=title)
    for name in counted.by:
        table.add_column(QUESTIONS[name].label)
    for name in ("requests", "overturned", "rate", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("families cited")
    for row in cells.astype("object").where(cells.notna(), None).to_dict("records"):
        counts = (f"{row['requests']:,}", "-" if row["overturned"] is None else f"{row['overturned']:,}")
        values = (escape(str(row[name])) for name in counted.by)
        table.add_row(*values, *counts, _percent(row), _points(row), escape(row["families"]))
    return table


def _percent(row: Mapping[Any, Any]) -> str:
    return "-" if row["rate"] is None else f"{row['rate']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"


def _points(row: Mapping[Any, Any]) -> str:
    if row["difference"] is None:
        return "-"
    difference, low, high = (100 * row[name] for name in ("difference", "difference_low", "difference_high"))
    return f"{difference:+.1f} [{low:+.1f}, {high:+.1f}]"
