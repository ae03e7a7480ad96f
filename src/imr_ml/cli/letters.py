"""Commands on letters: read one, ingest many, write sample ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imr_ml.cli.app import app, progress, told, warn
from imr_ml.errors import ImrError


@app.command()
def ingest(
    paths: Annotated[
        list[Path], typer.Argument(help="Letters (.pdf, .txt), folders of them, or the DMHC's table (.csv).")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Requests table to write (.parquet).")],
    jobs: Annotated[int, typer.Option(help="Processes; -1 takes all cores.")] = -1,
    append: Annotated[bool, typer.Option("--append", help="Keep the table's letters and add only new ones.")] = False,
) -> None:
    """Read letters into a requests table; what can't be read goes to rejects.jsonl beside it."""
    with told():
        from imr_ml.corpus.ingestion import summary_lines
        from imr_ml.corpus.sources import ingest_folder

        with progress() as start:
            read = ingest_folder(paths, output, start, jobs=jobs, append=append)
        for line in summary_lines(read, str(output)):
            typer.echo(line)
        if read.rejects:
            kind = "file" if read.unit == "letters" else "row"
            warn(f"{len(read.rejects)} {kind}(s) not in the table; see {output.with_name('rejects.jsonl')}")


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A letter (.pdf, .txt).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")] = False,
) -> None:
    """Show what is read from one letter."""
    with told():
        from rich.console import Console

        from imr_ml.letters import read_letter
        from imr_ml.letters.show import letter_json, letter_view

        letter = read_letter(file)
        if as_json:
            typer.echo(letter_json(letter))
        else:
            Console().print(letter_view(letter))


@app.command()
def sample(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    number: Annotated[int, typer.Option("-n", min=1, help="Letters.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same letters.")] = 7,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write PDFs instead of text files.")] = False,
) -> None:
    """Write invented letters in the real format, to try things on; their figures mean nothing."""
    with told():
        from imr_ml.corpus.sample import write_samples

        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise ImrError(f"{output}: exists and is not an empty folder; name another")
        with progress() as start:
            written = write_samples(output, number, seed, pdf=pdf, progress=start("writing sample letters", number))
        typer.echo(f"{output}: {written} SAMPLE letters, synthetic, seed {seed}")
