"""Ingest one source into a growing table, in parts that fit in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.issues import issues_of
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.files import sha256_of
from imr_ml.ingest.ingestion import LetterSource, Reject, distinct, read_each
from imr_ml.ingest.manifest import SourceRecord, recipe_of, relative
from imr_ml.ingest.parts import GrowingTable
from imr_ml.ingest.units import Kind, Source, files_of, units_of_files, units_of_texts
from imr_ml.progress import Progress, StartProgress

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.fetch.index import Index

_LETTERS_A_PART = 5000


@dataclass(slots=True)
class SourceResult:
    """What became of one source; `unit` says what was counted as a letter, `index` what a search told of them."""

    source: Source
    unit: str = "letters"
    sha256s: list[str] = field(default_factory=list)
    letters: int = 0
    requests: int = 0
    overturned: int = 0
    skipped: int = 0
    rejects: list[Reject] = field(default_factory=list)
    disagreements: list[pd.DataFrame] = field(default_factory=list)
    index: Index | None = None

    def count(self, requests: pd.DataFrame, letters: int) -> None:
        """Count letters, or determinations, and their requests."""
        self.letters += letters
        self.requests += len(requests)
        self.overturned += int(requests["outcome"].eq("overturned").sum())

    def record(self, base: Path) -> SourceRecord:
        """What the manifest says of it."""
        path = self.source.path
        return SourceRecord(
            kind=self.source.kind,
            path=relative(path, base),
            sha256=None if path.is_dir() else sha256_of(path),
            letter_sha256s=tuple(self.sha256s),
            recipe=recipe_of(path),
            letters=self.letters,
            requests=self.requests,
            skipped=self.skipped,
            rejects=len(self.rejects),
        )


def take(source: Source, table: GrowingTable, start: StartProgress, jobs: int) -> SourceResult:
    """Put a source's letters or determinations into the table, but for those that it holds.

    Raises
    ------
    SchemaError
        For a source that can't be read or holds no letter.
    """
    if source.kind is Kind.DETERMINATIONS:
        return _take_determinations(source, table, start)
    with tempfile.TemporaryDirectory(dir=table.scratch) as scratch:
        if source.kind is Kind.TEXTS:
            return _take_letters(
                SourceResult(source), units_of_texts(source.path), table, start("reading letters", 0), jobs
            )
        files, rejects = files_of(source, Path(scratch))
        names = _names_in_zip(source, Path(scratch)) if source.kind is Kind.ZIP else str
        taken = SourceResult(source, rejects=rejects, index=_index_of(source))
        progress = start("reading letters", len(files))
        return _take_letters(taken, units_of_files(files, names), table, progress, jobs)


def _take_letters(
    taken: SourceResult, units: Iterator[LetterSource | Reject], table: GrowingTable, progress: Progress, jobs: int
) -> SourceResult:
    listed = taken.source.kind in (Kind.FOLDER, Kind.FETCHED)
    part: list[LetterSource] = []
    for unit in units:
        if isinstance(unit, Reject):
            taken.rejects.append(unit)
            continue
        if listed and unit.sha256:
            taken.sha256s.append(unit.sha256)
        if unit.sha256 in table.sha256s:
            taken.skipped += 1
            progress(1)
            continue
        part.append(unit)
        if len(part) == _LETTERS_A_PART:
            _take_part(taken, part, table, progress, jobs)
            part = []
    _take_part(taken, part, table, progress, jobs)
    return taken


def _take_part(
    taken: SourceResult, part: list[LetterSource], table: GrowingTable, progress: Progress, jobs: int
) -> None:
    letters: list[ReadLetter] = []
    for read in distinct(read_each(part, progress, jobs), table.contents):
        if isinstance(read, Reject):
            taken.rejects.append(read)
        else:
            letters.append(read)
    if not letters:
        return
    requests = build_requests(letters)
    taken.count(requests, len(letters))
    if taken.index is not None:
        from imr_ml.fetch.cross_check import compare_with_index

        requests, disagreements = compare_with_index(requests, taken.index)
        taken.disagreements.append(disagreements)
    table.add(requests)


def _take_determinations(source: Source, table: GrowingTable, start: StartProgress) -> SourceResult:
    import pandas as pd

    from imr_ml.ingest.dmhc import UNIT, read_determinations

    read = read_determinations(source.path, start(f"reading {UNIT}", 0))
    is_new = pd.Series([issue.content not in table.contents for issue in issues_of([read.requests])], dtype=bool)
    new = read.requests[is_new].reset_index(drop=True)
    table.contents |= {issue.content: issue.file for issue in issues_of([new])}
    table.add(new)
    taken = SourceResult(source, UNIT, skipped=len(is_new) - len(new), rejects=list(read.rejects))
    taken.count(new, len(new))
    return taken


def _index_of(source: Source) -> Index | None:
    if source.kind is not Kind.FETCHED:
        return None
    from imr_ml.fetch.index import read_index

    return read_index(source.path)


def _names_in_zip(source: Source, scratch: Path) -> Callable[[Path], str]:
    return lambda file: f"{source.path}/{file.relative_to(scratch).as_posix()}"
