"""Letters and determinations into a table on disk, of which each stands in it once, with a manifest beside it.

Knows the files that an ingest writes. How a source is read, `taking` knows; what the table holds already, `parts`.
"""

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
from imr_ml.ingest.growth import Growth
from imr_ml.ingest.ingestion import Reject, write_rejects
from imr_ml.ingest.manifest import Code, SourceRecord, Step, TableManifest, manifest_of, manifest_path, write_manifest
from imr_ml.ingest.parts import GrowingTable
from imr_ml.ingest.taking import Taken, take
from imr_ml.ingest.units import Kind, Source
from imr_ml.progress import StartProgress

if TYPE_CHECKING:
    import pandas as pd

INGEST = "imr-ml ingest"


@dataclass(frozen=True, slots=True)
class Made:
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
    made: Made | None = None,
) -> Growth:
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
    made : Made, optional

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
        return _grown(sources, output, start, jobs=jobs, fresh=fresh, made=made or Made())


def _grown(
    sources: Sequence[Source], output: Path, start: StartProgress, *, jobs: int, fresh: bool, made: Made
) -> Growth:
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
    taken: Sequence[Taken],
    rejects: tuple[Reject, ...],
    reissued: tuple[Reissue, ...],
    disagreements: int | None,
    upgraded_from: int | None,
    manifest: TableManifest,
) -> Growth:
    return Growth(
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


def _write_disagreements(taken: Sequence[Taken], path: Path, *, fresh: bool) -> int | None:
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

    told: pd.DataFrame = pq.read_table(output, columns=["source", "outcome"]).to_pandas()
    counts = told["source"].value_counts()
    return TableManifest(
        table=output.name,
        sha256=sha256_of(output),
        issues=issues,
        requests=len(told),
        overturned=int(told["outcome"].eq("overturned").sum()),
        requests_by_source={str(source): int(count) for source, count in counts.items()},
        steps=steps,
    )
