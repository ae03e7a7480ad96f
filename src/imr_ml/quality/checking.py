"""Check a table of any format chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.near_duplicates import SummaryIndex
from imr_ml.corpus.schema import COLUMNS, REQUIRED_COLUMNS, typed
from imr_ml.corpus.table import case_keys
from imr_ml.progress import Progress, StartProgress, silent
from imr_ml.quality.balance import Balance
from imr_ml.quality.cases import COMPARISONS, Cases
from imr_ml.quality.dates import identifiers, impossible_ages, impossible_dates
from imr_ml.quality.rows import Gathered, age_flaws, family_flaws, schema_errors, text_flaws
from imr_ml.quality.settings import Settings, default_settings
from imr_ml.quality.types import Flagged, QualityReport, Rows
from imr_ml.tables.naming import renamed, suggestion
from imr_ml.tables.reading import column_names, read_chunks

if TYPE_CHECKING:
    from imr_ml.tables.types import Chunk

ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class _Found:
    """What is gathered while the chunks go by."""

    gathered: Gathered
    cases: Cases
    balance: Balance = field(default_factory=Balance)


def check_requests(
    path: Path,
    settings: Settings | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    today: date | None = None,
    start: StartProgress | None = None,
) -> QualityReport:
    """Look for what is wrong with a requests table.

    Parameters
    ----------
    path : Path
        A table of any format that `imr_ml.tables` reads. Its texts are held a chunk at a time.
    settings : Settings, optional
        What to look for; the package's own where None.
    columns : mapping of str to str, optional
        Column of the schema -> what the table calls it.
    today : date, optional
        The last day that a date may name; the present one in UTC where None.
    start : callable, optional
        Starts the progress bar of a long step.

    Raises
    ------
    SchemaError
        For what is no table, can't be read on, or lacks a mapped column.
    FileNotFoundError
        Where there is nothing.
    """
    settings, today = settings or default_settings(), today or datetime.now(UTC).date()
    written, start = column_names(path), start or silent
    names = _names(written, columns or {})
    with SummaryIndex() as summaries:
        found, rows, progress = _Found(Gathered(settings), Cases(summaries)), 0, start("checking requests", 0)
        if missing := [name for name in REQUIRED_COLUMNS if name not in names.values()]:
            others = [name for name in written if name not in names]
            found.gathered.say("missing_columns", _lacking(missing, others))
        for chunk in read_chunks(path, ROWS_AT_ONCE, set(names)):
            taken = _rows(chunk, names)
            found.gathered.add(rows, _row_findings(taken, chunk, settings, today))
            found.balance.add(taken)
            found.cases.add(taken)
            rows += len(chunk.frame)
            progress(len(chunk.frame))
        return _report(path.name, rows, found, settings, start("comparing summaries", COMPARISONS))


def _report(table: str, rows: int, found: _Found, settings: Settings, progress: Progress) -> QualityReport:
    identities = found.cases.identities()
    for flagged, like in found.cases.flagged(identities, progress):
        found.gathered.add(0, [flagged], like)
    for kind, says in found.balance.findings(settings):
        found.gathered.say(kind, says)
    return QualityReport(
        table=table,
        rows=rows,
        cases=int(case_keys(identities).nunique()),
        findings=found.gathered.findings(identities),
        sources=found.balance.sources(settings),
        years=found.balance.by_year(),
    )


def _names(written: tuple[str, ...], mapped: Mapping[str, str]) -> dict[str, str]:
    """The table's name of each column that the schema knows -> the schema's."""
    known = {column.name for column in COLUMNS}
    return {name: new for name, new in zip(written, renamed(written, mapped), strict=True) if new in known}


def _lacking(missing: list[str], others: list[str]) -> str:
    options = " ".join(suggestion(missing, others))
    message = f"the table lacks required columns: {', '.join(missing)}"
    return f"{message}; try {options}" if options else message


def _rows(chunk: Chunk, names: Mapping[str, str]) -> Rows:
    raw = chunk.frame.rename(columns=dict(names))
    return Rows(raw, typed(raw))


def _row_findings(rows: Rows, chunk: Chunk, settings: Settings, today: date) -> Iterator[Flagged]:
    """What is found in each row of a chunk; of rows that can't be read, only that."""
    import numpy as np

    first = int(chunk.frame.index[0])
    broken = np.array([row - first for row in chunk.reasons], dtype=np.int64)
    for place, reason in zip(broken.tolist(), chunk.reasons.values(), strict=True):
        yield Flagged("unreadable", np.array([place]), says=f"the row can't be read: it {reason}")
    flaws = chain(
        schema_errors(rows),
        text_flaws(rows, settings),
        family_flaws(rows),
        age_flaws(rows),
        impossible_ages(rows, settings),
        impossible_dates(rows, settings, today),
        [Flagged.where(rows.column("outcome").isna(), "undecided")],
        identifiers(rows, settings),
    )
    for flagged in flaws:
        yield flagged.without(broken) if len(broken) else flagged
