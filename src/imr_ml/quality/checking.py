"""Check a requests table of any format chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.corpus.dates import survey_styles
from imr_ml.corpus.mapping import ColumnMapping, renamed
from imr_ml.corpus.minhash import BANDS
from imr_ml.corpus.near_duplicates import SummaryIndex
from imr_ml.corpus.schema import COLUMNS, REQUIRED_COLUMNS
from imr_ml.corpus.spellings import suggestion
from imr_ml.progress import StartProgress, no_progress
from imr_ml.quality.report import Findings, QualityReport
from imr_ml.quality.row_checks import RowChecks, Rows
from imr_ml.quality.settings import Settings, default_settings
from imr_ml.quality.table_checks import Balance, Cases
from imr_ml.tables.table import Table

ROWS_AT_ONCE = 10_000


def check_requests(
    path: Path,
    settings: Settings | None = None,
    *,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    today: date | None = None,
    start: StartProgress | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> QualityReport:
    """Check a requests table.

    Parameters
    ----------
    path : Path
        A table of any format that `imr_ml.tables` reads.
    settings : Settings, optional
        Checks and their thresholds; default: those of the package.
    mapping : ColumnMapping, optional
        Names of columns and values in the table.
    sheet : str, optional
        Sheet of a workbook.
    today : date, optional
        Latest valid date; default: today in UTC.
    start : callable, optional
        Starts the progress bar of a long step.
    rows_at_once : int
        Number of rows in memory.

    Raises
    ------
    SchemaError
        If the file is not a table, is truncated, or lacks a mapped column.
    FileNotFoundError
        If the file does not exist.
    """
    settings, start = settings or default_settings(), start or no_progress
    table, findings = Table.open(path, sheet), Findings(settings)
    mapping = (mapping or ColumnMapping()).resolve(table.columns)
    schema_names = {column.name for column in COLUMNS}
    pairs = zip(table.columns, renamed(table.columns, mapping.columns), strict=True)
    names = {user_name: name for user_name, name in pairs if name in schema_names}
    _check_columns(table.columns, names, findings)
    styles = survey_styles(table, {name: user_name for user_name, name in names.items()})
    rejected_lines = Counter[str]()

    def chunks() -> Iterator[Rows]:
        for chunk in table.chunks(rows_at_once, set(names)):
            rejected_lines.update(line.reason for line in chunk.rejects)
            yield Rows.from_frame(mapping.apply(chunk.frame), styles)
        for reason, count in rejected_lines.items():
            findings.add_for_table("unreadable", f"{count} line(s) are not rows: {reason}")

    return _check(chunks(), path.name, findings, today, start).report


@dataclass(frozen=True, slots=True)
class CheckedRequests:
    """Result of a check, with the groups of duplicate cases that it found.

    Attributes
    ----------
    groups : (requests,) int
        As returned by `near_duplicates.duplicate_groups`.
    """

    report: QualityReport
    groups: NDArray[np.int64]


def check_training(requests: pd.DataFrame, name: str, start: StartProgress = no_progress) -> CheckedRequests:
    """Check requests before training on them.

    Parameters
    ----------
    requests : DataFrame
        Decided requests of one source, in the types of the schema.
    name : str
        Name of the table in the report.
    start : callable, optional
        Starts the progress bar of a long step.
    """
    parts = (requests.iloc[first : first + ROWS_AT_ONCE] for first in range(0, len(requests), ROWS_AT_ONCE))
    return _check(map(Rows.from_typed, parts), name, Findings(default_settings()), None, start)


def _check(
    chunks: Iterable[Rows], name: str, findings: Findings, today: date | None, start: StartProgress
) -> CheckedRequests:
    settings, rows = findings.settings, 0
    row_checks = RowChecks(settings, today or datetime.now(UTC).date(), findings)
    with SummaryIndex() as summaries:
        balance, cases, progress = Balance(), Cases(summaries), start("checking requests", 0)
        for chunk in chunks:
            row_checks.run(chunk)
            balance.add(chunk)
            cases.add(chunk)
            rows += len(chunk.raw)
            progress(len(chunk.raw))
        number_of_cases, groups = cases.check(findings, start("comparing summaries", BANDS))
    balance.check(settings, findings, number_of_cases)
    by_source, by_year = balance.by_source(settings), balance.by_year()
    return CheckedRequests(QualityReport(name, rows, number_of_cases, findings.sorted(), by_source, by_year), groups)


def _check_columns(columns: tuple[str, ...], names: Mapping[str, str], findings: Findings) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in names.values()]
    if missing:
        options = " ".join(suggestion(missing, [name for name in columns if name not in names]))
        message = f"the table lacks required columns: {', '.join(missing)}"
        findings.add_for_table("missing_columns", f"{message}; try {options}" if options else message)
