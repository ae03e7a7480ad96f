"""Report what an ingest added to a table, as text and as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.issues import Reissue
from imr_ml.files import sha256_of
from imr_ml.ingest.ingestion import SAME_LETTER, Reject
from imr_ml.ingest.inputs import Kind, Source, describe_other_files
from imr_ml.ingest.manifest import SourceRecord, TableManifest, recipe_of, relative_path

_SAME_AS = re.compile(rf"^{SAME_LETTER} .*")
_REISSUES_SHOWN = 10
_FILES_IN_JSON = 10


@dataclass(slots=True)
class SourceResult:
    """Result of reading a source.

    Attributes
    ----------
    sha256s : list of str
        Checksums of the letters in a folder or fetch manifest.
    letters, requests, overturned : int
        New letters or determinations, their requests and the overturned ones.
    skipped : int
        Letters or determinations that were already in the table.
    rejects : list of Reject
        Letters or determinations that can't be read or repeat another.
    other_files : tuple of str
        Files that are not letters.
    disagreements : list of DataFrame
        Differences between the letters and the index of the decision search.
    """

    source: Source
    sha256s: list[str] = field(default_factory=list)
    letters: int = 0
    requests: int = 0
    overturned: int = 0
    skipped: int = 0
    rejects: list[Reject] = field(default_factory=list)
    other_files: tuple[str, ...] = ()
    disagreements: list[pd.DataFrame] = field(default_factory=list)

    def count(self, requests: pd.DataFrame, letters: int) -> None:
        """Count new letters or determinations and their requests."""
        self.letters += letters
        self.requests += len(requests)
        self.overturned += int(requests["outcome"].eq("overturned").sum())

    def record(self, base: Path) -> SourceRecord:
        """Make the record for the manifest, with the path relative to `base`."""
        path = self.source.path
        return SourceRecord(
            kind=self.source.kind,
            path=relative_path(path, base),
            sha256=None if path.is_dir() else sha256_of(path),
            letter_sha256s=tuple(self.sha256s),
            recipe=recipe_of(path),
            options=None if self.source.options == InputOptions() else self.source.options,
            letters=self.letters,
            requests=self.requests,
            skipped=self.skipped,
            rejects=len(self.rejects),
        )


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Result of an ingest.

    Attributes
    ----------
    reissued : tuple of Reissue
        Reissued cases.
    disagreements : int or None
        Differences between the letters and the index of the decision search; None without a fetch manifest.
    upgraded_from : int or None
        Schema version of an older table before the upgrade.
    manifest : TableManifest
        Manifest of the new table.
    """

    output: Path
    results: tuple[SourceResult, ...]
    reissued: tuple[Reissue, ...]
    disagreements: int | None
    upgraded_from: int | None
    manifest: TableManifest

    @property
    def letters(self) -> int:
        """New letters."""
        return sum(result.letters for result in self.results if result.source.kind is not Kind.DETERMINATIONS)

    @property
    def determinations(self) -> int:
        """New determinations."""
        return sum(result.letters for result in self.results if result.source.kind is Kind.DETERMINATIONS)

    @property
    def requests(self) -> int:
        """Requests of the new letters and determinations."""
        return sum(result.requests for result in self.results)

    @property
    def overturned(self) -> int:
        """Overturned requests among them."""
        return sum(result.overturned for result in self.results)

    @property
    def skipped(self) -> int:
        """Letters and determinations that were already in the table."""
        return sum(result.skipped for result in self.results)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Letters and determinations that can't be read or repeat another."""
        return tuple(reject for result in self.results for reject in result.rejects)

    @property
    def other_files(self) -> tuple[str, ...]:
        """Files in folders and zips that are not letters."""
        return tuple(name for result in self.results for name in result.other_files)


def report_lines(report: IngestReport) -> Iterator[str]:
    """Yield additions, reissues, rejects and the new content of the table as lines of text."""
    yield _describe_new_letters(report)
    if report.upgraded_from is not None:
        yield f"  its schema was upgraded from version {report.upgraded_from} to {report.manifest.schema_version}"
    yield from _describe_reissues(report.reissued)
    if report.disagreements is not None:
        yield f"  {report.disagreements} disagreement(s) between letters and the search's index"
    reasons = Counter(_SAME_AS.sub(f"{SAME_LETTER} another", reject.reason) for reject in report.rejects)
    for reason, count in reasons.most_common():
        yield f"  {count} not in the table: {reason}"
    if report.other_files:
        yield f"  {describe_other_files(report.other_files)}"
    if report.manifest.requests > report.requests:
        yield f"  it now contains {_describe_content(report.manifest)}"


def report_json(report: IngestReport) -> str:
    """Format the report as JSON."""
    manifest = report.manifest
    content = {
        "table": str(report.output),
        "letters": report.letters,
        "determinations": report.determinations,
        "requests": report.requests,
        "overturned": report.overturned,
        "already_in_table": report.skipped,
        "rejects": [asdict(reject) for reject in report.rejects],
        "other_files": {"total": len(report.other_files), "first": report.other_files[:_FILES_IN_JSON]},
        "reissued": [asdict(reissue) for reissue in report.reissued],
        "disagreements": report.disagreements,
        "upgraded_from": report.upgraded_from,
        "in_table": manifest.model_dump(include={"issues", "requests", "overturned", "requests_by_source"}),
    }
    return json.dumps(content, indent=2)


def _describe_new_letters(report: IngestReport) -> str:
    counted = [f"{report.determinations} determinations"] if report.determinations else []
    if report.letters or not counted:
        counted.insert(0, f"{report.letters} letters")
    rate = f" ({report.overturned / report.requests:.1%})" if report.requests else ""
    summary = f"{report.output}: {', '.join(counted)}, {report.requests} requests, {report.overturned} overturned{rate}"
    return f"{summary}; {report.skipped} already in the table" if report.skipped else summary


def _describe_reissues(reissued: tuple[Reissue, ...]) -> Iterator[str]:
    if not reissued:
        return
    changed = Counter(name for case in reissued for name in case.columns)
    summary = ", ".join(f"{name} {count}" for name, count in changed.most_common()) or "no column"
    yield f"  {len(reissued)} case(s) reissued, both versions added; changed: {summary}"
    for case in reissued[:_REISSUES_SHOWN]:
        yield f"    {case.case_number}, version {case.version}: {', '.join(case.columns) or 'no column'}"
    if len(reissued) > _REISSUES_SHOWN:
        yield f"    ... and {len(reissued) - _REISSUES_SHOWN} more"


def _describe_content(manifest: TableManifest) -> str:
    by_source = manifest.requests_by_source
    is_dmhc = [source == "dmhc" for source in by_source]
    unit = "determinations" if all(is_dmhc) else "letters and determinations" if any(is_dmhc) else "letters"
    summary = f"{manifest.issues} {unit}, {manifest.requests} requests"
    sources = ", ".join(f"{count} {source}" for source, count in by_source.items())
    return f"{summary} ({sources}); train on one source at a time" if len(by_source) > 1 else summary
