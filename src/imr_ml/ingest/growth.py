"""What an ingest did to a table, and how that is told.

Knows counts, reasons and column names. Knows nothing of how letters are read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imr_ml.corpus.issues import Reissue
from imr_ml.ingest.ingestion import SAME_LETTER, Reject
from imr_ml.ingest.manifest import TableManifest

_SAME_AS = re.compile(rf"^{SAME_LETTER} .*")
_REISSUES_TOLD = 10


@dataclass(frozen=True, slots=True)
class Growth:
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


def growth_lines(growth: Growth) -> Iterator[str]:
    """What was added, what was reissued, what is not in the table and what the table holds now, for people."""
    yield _told_new(growth)
    if growth.upgraded_from is not None:
        yield f"  its schema was upgraded from version {growth.upgraded_from} to {growth.manifest.schema_version}"
    yield from _told_reissues(growth.reissued)
    if growth.disagreements is not None:
        yield f"  {growth.disagreements} disagreement(s) between letters and the search's index"
    reasons = Counter(_SAME_AS.sub(f"{SAME_LETTER} another", reject.reason) for reject in growth.rejects)
    for reason, count in reasons.most_common():
        yield f"  {count} not in the table: {reason}"
    if growth.manifest.requests > growth.requests:
        yield f"  it now holds {_told_content(growth.manifest)}"


def _told_new(growth: Growth) -> str:
    counted = [f"{growth.determinations} determinations"] if growth.determinations else []
    if growth.letters or not counted:
        counted.insert(0, f"{growth.letters} letters")
    rate = f" ({growth.overturned / growth.requests:.1%})" if growth.requests else ""
    told = f"{growth.output}: {', '.join(counted)}, {growth.requests} requests, {growth.overturned} overturned{rate}"
    return f"{told}; {growth.skipped} already in the table" if growth.skipped else told


def _told_reissues(reissued: tuple[Reissue, ...]) -> Iterator[str]:
    if not reissued:
        return
    changed = Counter(name for case in reissued for name in case.columns)
    told = ", ".join(f"{name} {count}" for name, count in changed.most_common()) or "nothing that a column holds"
    yield f"  {len(reissued)} case(s) reissued, both versions kept; changed: {told}"
    for case in reissued[:_REISSUES_TOLD]:
        yield f"    {case.case_number}, version {case.version}: {', '.join(case.columns) or 'nothing'}"
    if len(reissued) > _REISSUES_TOLD:
        yield f"    ... and {len(reissued) - _REISSUES_TOLD} more"


def _told_content(manifest: TableManifest) -> str:
    by_source = manifest.requests_by_source
    is_dmhc = [source == "dmhc" for source in by_source]
    unit = "determinations" if all(is_dmhc) else "letters and determinations" if any(is_dmhc) else "letters"
    told = f"{manifest.issues} {unit}, {manifest.requests} requests"
    sources = ", ".join(f"{count} {source}" for source, count in by_source.items())
    return f"{told} ({sources}); train on one source at a time" if len(by_source) > 1 else told
