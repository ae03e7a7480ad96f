"""Check a requests table of any format chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from imr_ml.corpus.dates import survey_styles
from imr_ml.corpus.mapping import ColumnMapping, renamed, suggestion
from imr_ml.corpus.minhash import BANDS
from imr_ml.corpus.near_duplicates import SummaryIndex
from imr_ml.corpus.schema import COLUMNS, REQUIRED_COLUMNS
from imr_ml.progress import StartProgress, silent
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
        What to look for; the package's own where None.
    mapping : ColumnMapping, optional
        The table's names of columns and values.
    sheet : str, optional
        Sheet of a workbook.
    today : date, optional
        The last day that a date may name; the present one in UTC where None.
    start : callable, optional
        Starts the progress bar of a long step.
    rows_at_once : int
        Rows whose texts are held in memory.

    Raises
    ------
    SchemaError
        For a file that is no table, breaks off, or lacks a mapped column.
    FileNotFoundError
        Where there is no such file.
    """
    settings, start = settings or default_settings(), start or silent
    table, mapping, findings, rows = Table.open(path, sheet), mapping or ColumnMapping(), Findings(settings), 0
    names = _schema_names(table.columns, mapping.columns)
    _check_columns(table.columns, names, findings)
    styles = survey_styles(table, {new: name for name, new in names.items()})
    row_checks = RowChecks(settings, today or datetime.now(UTC).date(), findings)
    with SummaryIndex() as summaries:
        balance, cases, progress = Balance(), Cases(summaries), start("checking requests", 0)
        rejected_lines = Counter[str]()
        for chunk in table.chunks(rows_at_once, set(names)):
            rejected_lines.update(line.reason for line in chunk.rejects)
            read = Rows.of(mapping.apply(chunk.frame), styles)
            row_checks.run(read)
            balance.add(read)
            cases.add(read)
            rows += len(chunk.frame)
            progress(len(chunk.frame))
        number_of_cases = cases.check(findings, start("comparing summaries", BANDS))
    for reason, count in rejected_lines.items():
        findings.add_for_table("unreadable", f"{count} line(s) are not rows: {reason}")
    balance.check(settings, findings)
    by_source, by_year = balance.by_source(settings), balance.by_year()
    return QualityReport(path.name, rows, number_of_cases, findings.sorted(), by_source, by_year)


def _schema_names(written: tuple[str, ...], mapped: Mapping[str, str]) -> dict[str, str]:
    """The table's name of each column that the schema knows -> the schema's name."""
    known = {column.name for column in COLUMNS}
    return {name: new for name, new in zip(written, renamed(written, mapped), strict=True) if new in known}


def _check_columns(written: tuple[str, ...], names: Mapping[str, str], findings: Findings) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in names.values()]
    if missing:
        options = " ".join(suggestion(missing, [name for name in written if name not in names]))
        message = f"the table lacks required columns: {', '.join(missing)}"
        findings.add_for_table("missing_columns", f"{message}; try {options}" if options else message)
