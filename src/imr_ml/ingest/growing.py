"""Add letters and determinations to a table on disk, each once, and write its manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from imr_ml.corpus.issues import issues_of
from imr_ml.corpus.schema import SchemaError
from imr_ml.corpus.store import GrowingTable
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.fetch.cross_check import compare_with_index
from imr_ml.fetch.index import Index, read_index
from imr_ml.files import atomic_write, locked, sha256_of
from imr_ml.ingest.dmhc import UNIT, read_determinations
from imr_ml.ingest.ingestion import LetterSource, Reject, read_each, reject_repeats, write_rejects
from imr_ml.ingest.inputs import Kind, Source, list_letters
from imr_ml.ingest.manifest import Code, SourceRecord, Step, manifest_of, manifest_path, table_manifest, write_manifest
from imr_ml.ingest.report import IngestReport, SourceResult
from imr_ml.progress import Progress, StartProgress

INGEST = "imr-ml ingest"
LETTERS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Provenance:
    """Command that adds to a table, and its Git checkout."""

    command: str = INGEST
    code: Code | None = None


def grow_table(
    sources: Sequence[Source],
    output: Path,
    start: StartProgress,
    *,
    jobs: int = -1,
    fresh: bool = False,
    provenance: Provenance | None = None,
    letters_at_once: int = LETTERS_AT_ONCE,
) -> IngestReport:
    """Read sources into the table `output`, and write its manifest and ``rejects.jsonl`` beside it.

    An existing table grows: letters that it already contains, by checksum or content, are skipped, and a reissued case
    keeps both versions. For a fetch manifest, ``disagreements.csv`` lists the differences between its index and the
    letters.

    Parameters
    ----------
    sources : sequence of Source
    output : Path
    start : callable
        Starts the progress bar of a long step.
    jobs : int
        Processes; -1 uses all cores. The table is the same with any number.
    fresh : bool
        Replace the table instead of adding to it.
    provenance : Provenance, optional
    letters_at_once : int
        Number of letters in memory. The table is the same with any number.

    Raises
    ------
    SchemaError
        If there is no readable letter, the existing table can't grow, another process adds to it, or the output is not
        named ``.parquet``; then only the rejects are written.
    """
    if output.suffix.lower() != ".parquet":
        raise SchemaError(f"{output}: the table is written as Parquet; name it {output.stem}.parquet")
    output.parent.mkdir(parents=True, exist_ok=True)
    busy = SchemaError(f"{output}: another process is adding to it; wait for it or choose another name")
    lock = output.with_name(f".{output.name}.lock")
    with locked(lock, busy), tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as scratch:
        earlier_steps = () if fresh or not output.exists() else _read_steps(output)
        table = GrowingTable(Path(scratch))
        upgraded_from = table.add_existing(output) if earlier_steps else None
        reader = _Reader(table, start, jobs, letters_at_once)
        results = tuple(reader.add(source) for source in sources)
        write_rejects((reject for result in results for reject in result.rejects), output.with_name("rejects.jsonl"))
        disagreements = _write_disagreements(results, output.with_name("disagreements.csv"), fresh=not earlier_steps)
        if not table.issues:
            raise SchemaError(_describe_failure(results, output))
        reissued = table.write(output) if table.has_grown or upgraded_from is not None else ()
        steps = earlier_steps
        if table.has_grown:
            by = provenance or Provenance()
            records = tuple(result.record(output.parent) for result in results)
            steps = (*steps, Step(command=by.command, code=by.code, sources=records))
        manifest = table_manifest(output, output.name, steps, len(table.issues))
        write_manifest(manifest, manifest_path(output))
    return IngestReport(output, results, reissued, disagreements, upgraded_from, manifest)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Adds sources to a table; see `grow_table`."""

    table: GrowingTable
    start: StartProgress
    jobs: int
    letters_at_once: int

    def add(self, source: Source) -> SourceResult:
        """Add the new letters or determinations of a source."""
        if source.kind is Kind.DETERMINATIONS:
            return self._add_determinations(source)
        result = SourceResult(source)
        index = read_index(source.path) if source.kind is Kind.FETCHED else None
        with tempfile.TemporaryDirectory(dir=self.table.scratch) as scratch:
            letters, total, result.other_files = list_letters(source, Path(scratch))
            progress = self.start("reading letters", total)
            new = self._new_letters(letters, result, progress)
            while part := list(islice(new, self.letters_at_once)):
                self._add_part(part, result, index, progress)
        return result

    def _new_letters(
        self, letters: Iterable[LetterSource | Reject], result: SourceResult, progress: Progress
    ) -> Iterator[LetterSource]:
        for letter in letters:
            if isinstance(letter, Reject):
                result.rejects.append(letter)
                continue
            if letter.sha256 and result.source.kind in (Kind.FOLDER, Kind.FETCHED):
                result.sha256s.append(letter.sha256)
            if letter.sha256 in self.table.sha256s:
                result.skipped += 1
                progress(1)
            else:
                yield letter

    def _add_part(
        self, part: Sequence[LetterSource], result: SourceResult, index: Index | None, progress: Progress
    ) -> None:
        results = list(reject_repeats(read_each(part, progress, self.jobs), self.table.contents))
        result.rejects += [reject for reject in results if isinstance(reject, Reject)]
        letters = [letter for letter in results if isinstance(letter, ReadLetter)]
        if not letters:
            return
        requests = build_requests(letters)
        result.count(requests, len(letters))
        if index is not None:
            requests, disagreements = compare_with_index(requests, index)
            result.disagreements.append(disagreements)
        self.table.add(requests)

    def _add_determinations(self, source: Source) -> SourceResult:
        determinations = read_determinations(source.path, self.start(f"reading {UNIT}", 0))
        issues = issues_of([determinations.requests])
        is_new = pd.Series([issue.content not in self.table.contents for issue in issues], dtype=bool)
        new = determinations.requests[is_new].reset_index(drop=True)
        self.table.contents |= {issue.content: issue.file for issue in issues_of([new])}
        self.table.add(new)
        result = SourceResult(source, skipped=len(is_new) - len(new), rejects=list(determinations.rejects))
        result.count(new, len(new))
        return result


def _write_disagreements(results: Sequence[SourceResult], path: Path, *, fresh: bool) -> int | None:
    """Append the new disagreements to the file and count them; return None without a fetch manifest."""
    if not any(result.source.kind is Kind.FETCHED for result in results):
        return None
    new = [frame.astype("string") for result in results for frame in result.disagreements]
    if not new:
        return 0
    earlier = [] if fresh or not path.exists() else [pd.read_csv(path, dtype="string")]
    with atomic_write(path) as temporary:
        pd.concat([*earlier, *new], ignore_index=True).to_csv(temporary, index=False)
    return sum(map(len, new))


def _describe_failure(results: Sequence[SourceResult], output: Path) -> str:
    named = ", ".join(str(result.source.path) for result in results)
    rejects = output.with_name("rejects.jsonl")
    if all(result.source.kind is Kind.DETERMINATIONS for result in results):
        return f"{named}: contains no usable row; see {rejects}"
    files = sum(len(result.rejects) for result in results)
    return f"{named}: none of {files} file(s) is a letter that can be read; see {rejects}"


def _read_steps(table: Path) -> tuple[Step, ...]:
    """Read the steps of a table's manifest; without a valid manifest, return a single unknown step."""
    manifest = None
    with suppress(SchemaError):
        manifest = manifest_of(table)
    if manifest is not None:
        return manifest.steps
    existing = SourceRecord(kind=Kind.REQUESTS, path=table.name, sha256=sha256_of(table), letters=0, requests=0)
    return (Step(command="unknown", sources=(existing,)),)
