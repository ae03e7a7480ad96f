"""Choose the training data: the user's letters or table, `data/raw`, or the sample corpus."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from imr_ml.corpus.decisions import Decisions, InputOptions, read_decisions
from imr_ml.corpus.issues import current_requests
from imr_ml.corpus.schema import SchemaError
from imr_ml.corpus.table import complete_requests
from imr_ml.ingest.dmhc import SOURCE, UNIT
from imr_ml.ingest.growing import Provenance, grow_table
from imr_ml.ingest.inputs import Kind, Source, describe_other_files, input_kind, letter_files, other_files
from imr_ml.ingest.manifest import (
    Code,
    Recipe,
    SourceRecord,
    Step,
    TableManifest,
    manifest_of,
    manifest_path,
    rebase_manifest,
    relative_path,
    table_manifest,
    write_recipe,
)
from imr_ml.progress import StartProgress
from imr_ml.sample.writing import write_samples

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
    decisions : Decisions
        Requests of one source, in the last issue of each case.
    description : str
        Origin of the requests, in one line.
    manifest : TableManifest
        Manifest of their table, with paths relative to the working directory.
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
    """Read the requests to train on, validated and completed.

    Parameters
    ----------
    data : Path or None
        A requests table, or an input of `imr-ml ingest`; default: the letters in ``data/raw`` or, if there are none,
        the sample corpus, which is written to ``data/sample`` first.
    start : callable
        Starts the progress bar of a long step.
    source : str, optional
        Use the requests of this source only; required for a table with several sources.
    code : Code, optional
        Checkout to record in the manifest.
    options : InputOptions, optional
        How to read a table.

    Raises
    ------
    SchemaError
        For a folder without readable letters, a file that is not a requests table, or a table of several sources.
    FileNotFoundError
        If the path does not exist.
    """
    if data is None:
        if not (RAW.is_dir() and letter_files([RAW])):
            return _ingest_samples(start, code)
        data = RAW
    options = options or InputOptions()
    kind = input_kind(data, options)
    if kind is Kind.REQUESTS:
        decisions = table_at(data, source, options)
        # The manifest counts only the schema's values, but the user's table may have other names for outcomes.
        overturned = int(decisions.requests["outcome"].eq("overturned").sum())
        counts = {"requests": len(decisions.requests), "overturned": overturned}
        manifest = manifest_here(data, options).model_copy(update=counts)
        return TrainingTable(decisions, f"training on the requests table {data}", manifest)
    return _ingest_source(Source(data, kind, options=options), start, source, code)


def table_at(path: Path, source: str | None = None, options: InputOptions | None = None) -> Decisions:
    """Read the decided requests to train on: the last issue of each case, completed; see `current_decisions`."""
    decisions = current_decisions(path, source, options)
    requests = complete_requests(decisions.requests)
    # Arrow does not return the memory of a large table's chunks, which may be a third of all memory.
    pa.default_memory_pool().release_unused()
    return replace(decisions, requests=requests)


def current_decisions(
    path: Path, source: str | None = None, options: InputOptions | None = None, skip: Collection[str] = ()
) -> Decisions:
    """Read the decided requests of a table, in the last issue of each case.

    Parameters
    ----------
    path : Path
    source : str, optional
        Use the requests of this source only; required for a table with several sources.
    options : InputOptions, optional
        How to read the table.
    skip : collection of str
        Columns to leave out.

    Raises
    ------
    SchemaError
        See `training_table`.
    """
    decisions = read_decisions(path, options, skip)
    table = select_source(decisions.requests, source, path)
    current = current_requests(table)
    left_out = len(table) - len(current)
    notes = [f"{source} only"] if source else []
    if left_out:
        notes.append(f"{left_out} request(s) left out, as their cases were reissued")
    return replace(decisions, requests=current, notes=(*notes, *decisions.notes))


def manifest_here(path: Path, options: InputOptions | None = None) -> TableManifest:
    """Return a table's manifest, or a new one, with paths relative to the working directory."""
    here = Path.cwd()
    recorded = manifest_of(path)
    if recorded is not None:
        return rebase_manifest(recorded, path.parent.absolute(), here)
    shown = relative_path(path.absolute(), here)
    manifest = table_manifest(path, shown, ())
    record = SourceRecord(
        kind=Kind.REQUESTS,
        path=shown,
        sha256=manifest.sha256,
        letters=0,
        requests=manifest.requests,
        options=None if options in (None, InputOptions()) else options,
    )
    return manifest.model_copy(update={"steps": (Step(command=TRAIN, sources=(record,)),)})


def select_source(table: pd.DataFrame, source: str | None, path: Path) -> pd.DataFrame:
    """Select the rows of one source; raise `SchemaError` if it is missing, or unspecified among several.

    Parameters
    ----------
    table : DataFrame
    source : str or None
        Required if the table has several sources.
    path : Path
        Path of the table in errors.
    """
    present = sorted(table["source"].dropna().unique()) if "source" in table else []
    if source is not None:
        if source not in present:
            raise SchemaError(f"{path}: contains no request of source {source}; it has: {', '.join(present) or 'none'}")
        return table[table["source"].eq(source).fillna(value=False)].reset_index(drop=True)
    if len(present) > 1:
        raise SchemaError(
            f"{path}: the requests table mixes sources ({', '.join(present)}): train on one at a time, "
            f"e.g. with --source {present[0]}"
        )
    return table


def _ingest_source(source: Source, start: StartProgress, only: str | None, code: Code | None) -> TrainingTable:
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
    return TrainingTable(decisions, description, rebase_manifest(report.manifest, output.parent.absolute(), Path.cwd()))


def _refuse_to_replace(table: Path) -> None:
    """Raise `SchemaError` if another command than training wrote the table."""
    manifest = manifest_of(table)
    if manifest is not None and any(step.command != TRAIN for step in manifest.steps):
        raise SchemaError(
            f"{table}: was written by {manifest.steps[-1].command}, but training on letters writes its table there; "
            f"train on it with --data {table}, or move it and {manifest_path(table).name} away"
        )


def _ingest_samples(start: StartProgress, code: Code | None) -> TrainingTable:
    if not (SAMPLE.is_dir() and letter_files([SAMPLE])):
        write_samples(SAMPLE, SAMPLE_LETTERS, SAMPLE_SEED, progress=start("writing sample letters", SAMPLE_LETTERS))
        write_recipe(SAMPLE, Recipe(letters=SAMPLE_LETTERS, seed=SAMPLE_SEED))
    table = _ingest_source(Source(SAMPLE, Kind.FOLDER), start, None, code)
    others = [str(file.relative_to(RAW)) for file in other_files(RAW)]
    note = f" ({describe_other_files(others)})" if others else ""
    return replace(
        table,
        description=f"no letters in {RAW}{note}: using the SAMPLE corpus, so every figure below is SYNTHETIC; "
        f"for real figures, put letters (.pdf, .txt) into {RAW} or name them: imr-ml train --data PATH",
    )
