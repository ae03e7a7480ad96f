"""Add letters and determinations to a table on disk, each once, with a manifest beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.issues import Reissue
from imr_ml.corpus.schema import SchemaError
from imr_ml.files import atomic_write, locked, sha256_of
from imr_ml.ingest.ingestion import Reject, write_rejects
from imr_ml.ingest.manifest import Code, SourceRecord, Step, TableManifest, manifest_of, manifest_path, write_manifest
from imr_ml.ingest.parts import GrowingTable
from imr_ml.ingest.taking import SourceResult, take
from imr_ml.ingest.units import Kind, Source
from imr_ml.progress import StartProgress

if TYPE_CHECKING:
    import pandas as pd

import re
from collections import Counter
from collections.abc import Iterator

from imr_ml.ingest.ingestion import SAME_LETTER

INGEST = "imr-ml ingest"


@dataclass(frozen=True, slots=True)
class Provenance:
    """By what a table is made.

    Attributes
    ----------
    command : str
    code : Code or None
        Checkout that it is called in.
    """

    command: str = INGEST
    code: Code | None = None


def grow_table(
    sources: Sequence[Source],
    output: Path,
    start: StartProgress,
    *,
    jobs: int = -1,
    fresh: bool = False,
    made: Provenance | None = None,
) -> IngestReport:
    """Read sources into the table `output`, with its manifest and ``rejects.jsonl`` beside it.

    A table that exists is added to: letters that it holds, by their checksum or by what they say, are left out, and of
    a case that was decided anew both versions are kept. Where a fetch manifest is among the sources,
    ``disagreements.csv`` tells where its index and the letters differ.

    Parameters
    ----------
    sources : sequence of Source
    output : Path
    start : callable
        Starts the progress bar of a long step.
    jobs : int
        Processes to read with; -1 takes all cores. The table is the same with any number.
    fresh : bool
        Replace the table in place of adding to it.
    made : Provenance, optional

    Raises
    ------
    SchemaError
        Where there is no letter or none that can be read, for a table that can't be added to or that another process is
        adding to, and for an output that is not named ``.parquet``; nothing is written then but the rejects.
    """
    if output.suffix.lower() != ".parquet":
        raise SchemaError(f"{output}: the table is written as Parquet; name it {output.stem}.parquet")
    output.parent.mkdir(parents=True, exist_ok=True)
    busy = SchemaError(f"{output}: another process is adding to it; wait for it or choose another name")
    with locked(output.with_name(f".{output.name}.lock"), busy):
        return _grown(sources, output, start, jobs=jobs, fresh=fresh, made=made or Provenance())


def _grown(
    sources: Sequence[Source], output: Path, start: StartProgress, *, jobs: int, fresh: bool, made: Provenance
) -> IngestReport:
    before = () if fresh or not output.exists() else _steps_before(output)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as scratch:
        table = GrowingTable(Path(scratch))
        upgraded_from = table.add_known(output) if before else None
        taken = [take(source, table, start, jobs) for source in sources]
        rejects = tuple(reject for one in taken for reject in one.rejects)
        write_rejects(rejects, output.with_name("rejects.jsonl"))
        disagreements = _write_disagreements(taken, output.with_name("disagreements.csv"), fresh=not before)
        if not table.issues:
            raise SchemaError(_nothing_read(sources, rejects, output))
        reissued = table.write(output) if table.has_grown or upgraded_from is not None else ()
    step = Step(command=made.command, code=made.code, sources=tuple(one.record(output.parent) for one in taken))
    manifest = _manifest(output, (*before, step) if table.has_grown else before, len(table.issues))
    write_manifest(manifest, manifest_path(output))
    return _growth(output, taken, rejects, reissued, disagreements, upgraded_from, manifest)


def _growth(
    output: Path,
    taken: Sequence[SourceResult],
    rejects: tuple[Reject, ...],
    reissued: tuple[Reissue, ...],
    disagreements: int | None,
    upgraded_from: int | None,
    manifest: TableManifest,
) -> IngestReport:
    return IngestReport(
        output=output,
        letters=sum(one.letters for one in taken if one.unit == "letters"),
        determinations=sum(one.letters for one in taken if one.unit != "letters"),
        requests=sum(one.requests for one in taken),
        overturned=sum(one.overturned for one in taken),
        skipped=sum(one.skipped for one in taken),
        rejects=rejects,
        reissued=reissued,
        disagreements=disagreements,
        upgraded_from=upgraded_from,
        manifest=manifest,
    )


def _write_disagreements(taken: Sequence[SourceResult], path: Path, *, fresh: bool) -> int | None:
    """Add those of the new letters to the table's; None where no fetch manifest was read."""
    import pandas as pd

    if not any(one.source.kind is Kind.FETCHED for one in taken):
        return None
    found = [frame.astype("string") for one in taken for frame in one.disagreements]
    if not found:
        return 0
    before = [] if fresh or not path.exists() else [pd.read_csv(path, dtype="string")]
    with atomic_write(path) as temporary:
        pd.concat([*before, *found], ignore_index=True).to_csv(temporary, index=False)
    return sum(map(len, found))


def _nothing_read(sources: Sequence[Source], rejects: Sequence[Reject], output: Path) -> str:
    named = ", ".join(str(source.path) for source in sources)
    beside = output.with_name("rejects.jsonl")
    if all(source.kind is Kind.DETERMINATIONS for source in sources):
        return f"{named}: holds no row that can be used; see {beside}"
    return f"{named}: none of {len(rejects)} file(s) is a letter that can be read; see {beside}"


def _steps_before(output: Path) -> tuple[Step, ...]:
    """Steps by which a table was made; of one whose manifest is missing or of another file, that it was there."""
    found = None
    with suppress(SchemaError):
        found = manifest_of(output)
    if found is not None:
        return found.steps
    there = SourceRecord(kind=Kind.REQUESTS, path=output.name, sha256=sha256_of(output), letters=0, requests=0)
    return (Step(command="unknown", sources=(there,)),)


def _manifest(output: Path, steps: tuple[Step, ...], issues: int) -> TableManifest:
    import pyarrow.parquet as pq

    rows: pd.DataFrame = pq.read_table(output, columns=["source", "outcome"]).to_pandas()
    counts = rows["source"].value_counts()
    return TableManifest(
        table=output.name,
        sha256=sha256_of(output),
        issues=issues,
        requests=len(rows),
        overturned=int(rows["outcome"].eq("overturned").sum()),
        requests_by_source={str(source): int(count) for source, count in counts.items()},
        steps=steps,
    )


_SAME_AS = re.compile(rf"^{SAME_LETTER} .*")
_REISSUES_TOLD = 10


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What was added to a table.

    Attributes
    ----------
    output : Path
    letters, determinations : int
        Those that are new.
    requests, overturned : int
        Of these.
    skipped : int
        Letters and determinations that the table holds already.
    rejects : tuple of Reject
        Those that can't be read or say the same as another.
    reissued : tuple of Reissue
        Cases that got a further issue.
    disagreements : int or None
        Between the letters and the decision search's index; None where no fetch manifest was read.
    upgraded_from : int or None
        Version of the schema that the table had, where it was an older one.
    manifest : TableManifest
        Of the table as it is now.
    """

    output: Path
    letters: int
    determinations: int
    requests: int
    overturned: int
    skipped: int
    rejects: tuple[Reject, ...]
    reissued: tuple[Reissue, ...]
    disagreements: int | None
    upgraded_from: int | None
    manifest: TableManifest


def growth_lines(growth: IngestReport) -> Iterator[str]:
    """What was added, what was reissued, what is not in the table and what the table holds now, for people."""
    yield _describe_new_letters(growth)
    if growth.upgraded_from is not None:
        yield f"  its schema was upgraded from version {growth.upgraded_from} to {growth.manifest.schema_version}"
    yield from _describe_reissues(growth.reissued)
    if growth.disagreements is not None:
        yield f"  {growth.disagreements} disagreement(s) between letters and the search's index"
    reasons = Counter(_SAME_AS.sub(f"{SAME_LETTER} another", reject.reason) for reject in growth.rejects)
    for reason, count in reasons.most_common():
        yield f"  {count} not in the table: {reason}"
    if growth.manifest.requests > growth.requests:
        yield f"  it now holds {_describe_content(growth.manifest)}"


def _describe_new_letters(growth: IngestReport) -> str:
    counted = [f"{growth.determinations} determinations"] if growth.determinations else []
    if growth.letters or not counted:
        counted.insert(0, f"{growth.letters} letters")
    rate = f" ({growth.overturned / growth.requests:.1%})" if growth.requests else ""
    summary = f"{growth.output}: {', '.join(counted)}, {growth.requests} requests, {growth.overturned} overturned{rate}"
    return f"{summary}; {growth.skipped} already in the table" if growth.skipped else summary


def _describe_reissues(reissued: tuple[Reissue, ...]) -> Iterator[str]:
    if not reissued:
        return
    changed = Counter(name for case in reissued for name in case.columns)
    summary = ", ".join(f"{name} {count}" for name, count in changed.most_common()) or "nothing that a column holds"
    yield f"  {len(reissued)} case(s) reissued, both versions kept; changed: {summary}"
    for case in reissued[:_REISSUES_TOLD]:
        yield f"    {case.case_number}, version {case.version}: {', '.join(case.columns) or 'nothing'}"
    if len(reissued) > _REISSUES_TOLD:
        yield f"    ... and {len(reissued) - _REISSUES_TOLD} more"


def _describe_content(manifest: TableManifest) -> str:
    by_source = manifest.requests_by_source
    is_dmhc = [source == "dmhc" for source in by_source]
    unit = "determinations" if all(is_dmhc) else "letters and determinations" if any(is_dmhc) else "letters"
    summary = f"{manifest.issues} {unit}, {manifest.requests} requests"
    sources = ", ".join(f"{count} {source}" for source, count in by_source.items())
    return f"{summary} ({sources}); train on one source at a time" if len(by_source) > 1 else summary
