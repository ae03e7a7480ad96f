"""Choose the training data: the user's letters or table, `data/raw`, or the sample corpus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.decisions import Decisions, InputOptions, read_decisions
from imr_ml.corpus.issues import current_requests
from imr_ml.corpus.mapping import renamed
from imr_ml.corpus.schema import REQUIRED_COLUMNS, SchemaError
from imr_ml.corpus.table import complete_requests
from imr_ml.ingest.dmhc import SOURCE, UNIT
from imr_ml.ingest.growing import Provenance, grow_table
from imr_ml.ingest.ingestion import describe_other_files, letter_files, other_files
from imr_ml.ingest.inputs import NAME, TEXT, Kind, Source, kind_of
from imr_ml.ingest.manifest import (
    Code,
    Recipe,
    SourceRecord,
    Step,
    TableManifest,
    manifest_of,
    manifest_path,
    rebased,
    relative,
    table_manifest,
    write_recipe,
)
from imr_ml.progress import StartProgress
from imr_ml.tables.formats import TABLE_SUFFIXES, is_table
from imr_ml.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

RAW = Path("data/raw")
SAMPLE = Path("data/sample")
PROCESSED = Path("data/processed")
SAMPLE_LETTERS = 1000
SAMPLE_SEED = 7
TRAIN = "imr-ml train"


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """The requests to train on.

    Attributes
    ----------
    requests : DataFrame
        Of one source, with the last issue of each case.
    description : str
        One line that says where they come from.
    manifest : TableManifest
        Of their table, with paths relative to the working directory.
    """

    decisions: Decisions
    description: str
    manifest: TableManifest


def training_table(
    data: Path | None,
    start: StartProgress,
    *,
    source: str | None = None,
    code: Code | None = None,
    options: InputOptions | None = None,
) -> TrainingTable:
    """Requests to train on, validated and completed.

    Parameters
    ----------
    data : Path or None
        A requests table, or what `imr-ml ingest` reads; None takes the letters in ``data/raw``, and where there are
        none the sample corpus, which is written to ``data/sample`` first.
    start : callable
        Starts the progress bar of a long step.
    source : str, optional
        Take the requests of this source only; a table of several needs it.
    code : Code, optional
        Checkout that this runs in, for the manifest.
    options : InputOptions, optional
        How a table is read: the user's names of columns and values, and what partial outcomes count as.

    Raises
    ------
    SchemaError
        For a folder without letters that can be read, a file that is no requests table, one of several sources.
    FileNotFoundError
        For a path that does not exist.
    """
    if data is None:
        if not (RAW.is_dir() and letter_files([RAW])):
            return _sample_table(start, code)
        data = RAW
    options = options or InputOptions()
    if is_requests_table(data, options):
        decisions = table_at(data, source, options)
        manifest = _counted(manifest_here(data, options), decisions)
        return TrainingTable(decisions, f"training on the requests table {data}", manifest)
    kind = kind_of(data, options)
    if kind is Kind.LETTER:
        raise SchemaError(f"{data}: give a folder of letters or a table ({', '.join(TABLE_SUFFIXES)})")
    return _table_of(Source(data, kind, options=options), start, source, code)


def table_at(path: Path, source: str | None = None, options: InputOptions | None = None) -> Decisions:
    """Decided requests of a table to train on, of each case its last issue, completed.

    Parameters
    ----------
    path : Path
    source : str, optional
        Take the requests of this source only; a table of several needs it.
    options : InputOptions, optional
        How the table is read.

    Raises
    ------
    SchemaError
        As `training_table`.
    """
    decisions = current_decisions(path, source, options)
    return replace(decisions, requests=complete_requests(decisions.requests))


def current_decisions(
    path: Path, source: str | None = None, options: InputOptions | None = None, skip: Collection[str] = ()
) -> Decisions:
    """Decided requests of a table as `table_at` gives them, without what is read from their texts.

    Parameters
    ----------
    path : Path
    source : str, optional
        Take the requests of this source only; a table of several needs it.
    options : InputOptions, optional
        How the table is read.
    skip : collection of str
        Columns that are not read.
    """
    decisions = read_decisions(path, options, skip)
    table = select_source(decisions.requests, source, path)
    current = current_requests(table)
    left_out = len(table) - len(current)
    notes = [f"{source} only"] if source else []
    if left_out:
        notes.append(f"{left_out} request(s) left out, as their cases were reissued")
    return replace(decisions, requests=current, notes=(*notes, *decisions.notes))


def _counted(manifest: TableManifest, decisions: Decisions) -> TableManifest:
    """The manifest with the counts of the requests that are trained on, as the table may have other words for them."""
    overturned = int(decisions.requests["outcome"].eq("overturned").sum())
    return manifest.model_copy(update={"requests": len(decisions.requests), "overturned": overturned})


def manifest_here(path: Path, options: InputOptions | None = None) -> TableManifest:
    """Manifest of a table with paths relative to the working directory; where it has none, that of the table itself."""
    here = Path.cwd()
    recorded = manifest_of(path)
    if recorded is not None:
        return rebased(recorded, path.parent.absolute(), here)
    shown = relative(path.absolute(), here)
    manifest = table_manifest(path, shown, ())
    itself = SourceRecord(
        kind=Kind.REQUESTS,
        path=shown,
        sha256=manifest.sha256,
        letters=0,
        requests=manifest.requests,
        options=None if options in (None, InputOptions()) else options,
    )
    return manifest.model_copy(update={"steps": (Step(command=TRAIN, sources=(itself,)),)})


def is_requests_table(path: Path, options: InputOptions) -> bool:
    """Whether a file is a table of requests, not of letters' texts or determinations."""
    from imr_ml.ingest.dmhc import is_determinations

    if is_determinations(path) or not is_table(path):
        return False
    names = set(renamed(Table.open(path, options.sheet).columns, options.mapping.columns))
    return not {NAME, TEXT} <= names or names >= set(REQUIRED_COLUMNS)


def select_source(table: pd.DataFrame, source: str | None, path: Path) -> pd.DataFrame:
    """Rows of one source.

    Parameters
    ----------
    table : DataFrame
    source : str or None
        The source; needed where there are several.
    path : Path
        What to call the table in an error.
    """
    present = sorted(table["source"].dropna().unique()) if "source" in table else []
    if source is not None:
        if source not in present:
            raise SchemaError(f"{path}: holds no request of source {source}; it has: {', '.join(present) or 'none'}")
        return table[table["source"].eq(source).fillna(value=False)].reset_index(drop=True)
    if len(present) > 1:
        raise SchemaError(
            f"{path}: the requests table mixes sources ({', '.join(present)}): train on one at a time, "
            f"as with --source {present[0]}"
        )
    return table


def _table_of(source: Source, start: StartProgress, only: str | None, code: Code | None) -> TrainingTable:
    output = PROCESSED / "requests.parquet"
    _refuse_to_replace(output)
    report = grow_table([source], output, start, fresh=True, provenance=Provenance(TRAIN, code))
    decisions = table_at(output, only)
    if report.determinations:
        description = f"training on {report.determinations} {UNIT} of the {SOURCE.upper()} from {source.path}"
    else:
        description = f"training on {report.letters} letters from {source.path} ({report.requests} requests)"
    if report.rejects:
        kind = "row" if source.kind in (Kind.DETERMINATIONS, Kind.TEXTS) else "file"
        description += f"; {len(report.rejects)} {kind}(s) not used, see {PROCESSED / 'rejects.jsonl'}"
    if report.other_files:
        description += f"; {describe_other_files(report.other_files)}"
    return TrainingTable(decisions, description, rebased(report.manifest, output.parent.absolute(), Path.cwd()))


def _refuse_to_replace(table: Path) -> None:
    """Refuse to replace a table that the user made.

    Raises
    ------
    SchemaError
        Where another command than training made it.
    """
    manifest = manifest_of(table)
    if manifest is not None and any(step.command != TRAIN for step in manifest.steps):
        raise SchemaError(
            f"{table}: was made by {manifest.steps[-1].command}, and training on letters writes its table there; "
            f"to train on it: --data {table}; else move it and {manifest_path(table).name} away"
        )


def _sample_table(start: StartProgress, code: Code | None) -> TrainingTable:
    from imr_ml.sample.writing import write_samples

    if not (SAMPLE.is_dir() and letter_files([SAMPLE])):
        write_samples(SAMPLE, SAMPLE_LETTERS, SAMPLE_SEED, progress=start("writing sample letters", SAMPLE_LETTERS))
        write_recipe(SAMPLE, Recipe(letters=SAMPLE_LETTERS, seed=SAMPLE_SEED))
    table = _table_of(Source(SAMPLE, Kind.FOLDER), start, None, code)
    others = [str(file.relative_to(RAW)) for file in other_files(RAW)]
    note = f" ({describe_other_files(others)})" if others else ""
    return replace(
        table,
        description=f"no letters in {RAW}{note}: using the SAMPLE corpus, so every figure below is SYNTHETIC; "
        f"for real ones put letters (.pdf, .txt) into {RAW} or name them: make train DATA=path",
    )
