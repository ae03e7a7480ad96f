"""The `fetch` command: download published letters."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress, warn

if TYPE_CHECKING:
    from imr_ml.fetch.types import FetchReport

_DAY = ["%Y-%m-%d"]


@app.command()
def fetch(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the letters and their manifest.")],
    since: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="First decision date; default: the first date ever searched for this folder."),
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last decision date; default: today.")] = None,
    cases: Annotated[
        list[str] | None, typer.Option("--case", metavar="NUMBER", help="Only this case; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of letters to request.")] = None,
    contact: Annotated[
        str | None,
        typer.Option(envvar="IMR_ML_CONTACT", help="Your e-mail address or web page, sent in the User-Agent."),
    ] = None,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between requests, at least 0.5.")] = 2.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the letters without downloading them.")] = False,
    recheck: Annotated[
        bool,
        typer.Option("--recheck", help="Download existing letters again, because they may have been reissued."),
    ] = False,
    url: Annotated[str | None, typer.Option(help="Address of the decision search, if it moved.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Download published letters from the California DWC's decision search; run again to continue or update."""
    with exit_on_user_error():
        from imr_ml.fetch.fetching import fetch_letters
        from imr_ml.fetch.types import FetchSettings, RequestPolicy

        if not contact:
            warn("no --contact (or IMR_ML_CONTACT): give an e-mail address or web page, so that the site can reach you")
        settings = FetchSettings(
            since=_day(since),
            until=_day(until),
            cases=tuple(case.strip().upper() for case in cases or ()),
            limit=limit,
            dry_run=dry_run,
            recheck=recheck,
            url=url,
            policy=RequestPolicy(contact=contact, pause_s=pause),
        )
        with progress() as start:
            report = fetch_letters(output, settings, start)
        if as_json:
            typer.echo(json.dumps(asdict(report) | {"output": str(output)}))
        else:
            _print(report, output)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _print(report: FetchReport, output: Path) -> None:
    counts = f"{report.new} new letters, {report.reissued} reissued, {report.unchanged} unchanged"
    typer.echo(f"{output}: {report.letters} letters of {report.cases} cases")
    typer.echo(f"  this call: {report.listed} listed, {counts}, {report.failed} failed, {report.remaining} left")
    if report.searches and not report.listed and not report.not_listed:
        warn("the search lists no letter for these decision dates")
    for reason, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
        warn(f"  {count} x {reason}")
    if report.failed:
        warn("run the same command again to retry failed letters; the manifest has their reasons")
    if report.given_up:
        warn(f"{report.given_up} letter(s) failed too often and are no longer requested; --recheck requests all again")
    if report.unreadable:
        warn(f"{report.unreadable} letter(s) cannot be read completely; 'imr-ml ingest' shows the reasons")
    if report.not_listed:
        warn(f"not listed by the search: {', '.join(report.not_listed)}")
