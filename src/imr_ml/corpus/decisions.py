"""Turn a table of decided requests, in its owner's columns and words, into requests to train on.

A row without a usable decision is left out, with its reason; nothing is guessed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.dates import DateStyle, describe_styles, infer_styles
from imr_ml.corpus.mapping import ColumnMapping, describe_columns, require_mapped
from imr_ml.corpus.outcomes import PARTIAL, Partial, read_outcomes
from imr_ml.corpus.schema import (
    OWN_SOURCE,
    REQUIRED_COLUMNS,
    SchemaError,
    count_warnings,
    parse_requests,
    row_errors,
)
from imr_ml.corpus.store import SCHEMA_VERSION, schema_version, upgraded
from imr_ml.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

_ROWS_AT_ONCE = 50_000
_ROWS_SAMPLED = 200
_TEXTS = ["request", "clinical_summary", "outcome"]
NO_FAMILIES = "families is empty, where other rows have them"
ALL_TWICE = "every row is in the table at least twice; remove the repeats, as they make intervals too narrow"


@dataclass(frozen=True, slots=True)
class InputOptions:
    """How an input, a table or letters, is read.

    Attributes
    ----------
    mapping : ColumnMapping
        The owner's names of columns and values.
    partial : {"overturned", "upheld", "drop"}
        What a partially overturned request counts as; ``drop`` leaves it out.
    sheet : str or None
        Sheet of a workbook.
    ocr : bool
        Whether pages of letters that are pictures are read by OCR.
    """

    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    partial: Partial = "drop"
    sheet: str | None = None
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decided requests of a table.

    Attributes
    ----------
    requests : DataFrame
        In the types of the schema.
    rejected_rows : DataFrame
        ``line`` or ``row``, ``reason`` and the row as written, or the line's ``text``.
    notes : tuple of str
        What a reader of the figures must know about the table.
    column_notes : tuple of str
        Which of its columns a training uses and which it ignores.
    """

    requests: pd.DataFrame
    rejected_rows: pd.DataFrame
    notes: tuple[str, ...]
    column_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecidedRows:
    """Rows of a table as read.

    Attributes
    ----------
    table : DataFrame
        In the types of the schema; ``outcome`` may still be partial.
    reasons : Series of string
        Why each row is left out; missing where it is not.
    warnings : Series of string
        See `ParsedRequests`.
    """

    table: pd.DataFrame
    reasons: pd.Series
    warnings: pd.Series


def read_decisions(path: Path, options: InputOptions | None = None, skip: Collection[str] = ()) -> Decisions:
    """Read the decided requests of a table.

    Parameters
    ----------
    path : Path
        A table of any format.
    options : InputOptions, optional
    skip : collection of str
        Columns of the schema that are not read, to save memory; a table of letters of an older schema is read whole.

    Raises
    ------
    SchemaError
        For what is not a table, one without a required column, dates in two orders in a column, and a table without
        any decided request.
    FileNotFoundError
        If it does not exist.
    """
    import pandas as pd

    options = options or InputOptions()
    (table, mapping), version = open_decisions(path, options), schema_version(path)
    skipped = set() if needs_all_columns(table, mapping, version) else set(map(mapping.user_name, skip))
    chunks = list(table.chunks(_ROWS_AT_ONCE, [name for name in table.columns if name not in skipped]))
    written = pd.concat([chunk.frame for chunk in chunks])
    mapped = upgraded(mapping.apply(written), version)
    styles = infer_styles(mapped, str(path))
    decided = decide_rows(mapped, styles, options.partial)
    lacking = lacks_families(decided.table)
    reasons = decided.reasons.mask(lacking & decided.reasons.isna(), NO_FAMILIES)
    usable = reasons.isna()
    requests = decided.table[usable].reset_index(drop=True)
    rejected = written[~usable].assign(reason=reasons[~usable])
    rejected.insert(0, "row", rejected.index + 1)
    lines = [line for chunk in chunks for line in chunk.rejects]
    if lines:
        rejected = pd.concat([rejected, pd.DataFrame(lines)], ignore_index=True).astype(
            {"row": "Int64", "line": "Int64"}
        )
    if requests.empty:
        raise no_decisions(path, Counter(rejected["reason"]))
    notes = [
        *describe_reading(Counter(rejected["reason"]), styles, count_warnings(decided.warnings)),
        *describe_lacks(requests.columns, requests),
    ]
    repeats = requests.groupby(_TEXTS, dropna=False).size()
    if (repeats > 1).all():
        notes.append(ALL_TWICE)
    column_notes = describe_columns(table.columns, mapping, training=True)
    return Decisions(requests, rejected, tuple(notes), tuple(column_notes))


def open_decisions(path: Path, options: InputOptions) -> tuple[Table, ColumnMapping]:
    """Open a table that has the columns of decided requests, and resolve the mapping to its spelling of them.

    Raises
    ------
    SchemaError
        As `read_decisions`.
    """
    table = Table.open(path, options.sheet)
    needed, mapping = (*REQUIRED_COLUMNS, "outcome"), options.mapping.resolve(table.columns)
    require_mapped(
        table.columns, needed, mapping.columns, str(path), lambda: next(iter(table.chunks(_ROWS_SAMPLED))).frame
    )
    return table, mapping


def needs_all_columns(table: Table, mapping: ColumnMapping, version: int) -> bool:
    """Whether a table must be read whole: the upgrade of letters of an older schema compares all columns.

    Parameters
    ----------
    table : Table
    mapping : ColumnMapping
        As `open_decisions` returns it.
    version : int
        Of the table's schema.
    """
    return version < SCHEMA_VERSION and mapping.user_name("letter_sha256") in table.columns


def with_source(requests: pd.DataFrame) -> pd.DataFrame:
    """Requests with the source of each row, which is the user's own if the table names none."""
    import pandas as pd

    missing = pd.Series(pd.NA, index=requests.index, dtype="string")
    return requests.assign(source=requests.get("source", missing).astype("string").fillna(OWN_SOURCE))


def decide_rows(mapped: pd.DataFrame, styles: Mapping[str, DateStyle], partial: Partial) -> DecidedRows:
    """Read the rows of a table, or of a chunk of it.

    Parameters
    ----------
    mapped : DataFrame
        Under the names of the schema.
    styles : mapping of str to DateStyle
        How each date column is written.
    partial : {"overturned", "upheld", "drop"}
        What a partially overturned request counts as.
    """
    parsed = parse_requests(mapped, styles)
    outcomes = read_outcomes(mapped["outcome"])
    outcomes = outcomes if partial == "drop" else outcomes.replace(PARTIAL, partial)
    reasons = _rejection_reasons(parsed.table, mapped["outcome"], outcomes)
    return DecidedRows(with_source(parsed.table.assign(outcome=outcomes)), reasons, parsed.warnings)


def lacks_families(table: pd.DataFrame) -> pd.Series:
    """Which rows of a whole table have no families, where other rows of their source have them: shape (rows,) bool.

    A source without any families trains the outcome classifier alone.
    """
    import pandas as pd

    if "families" not in table:
        return pd.Series(data=False, index=table.index)
    given = table["families"].notna()
    return ~given & given.groupby(table["source"].astype("string")).transform("any")


def _rejection_reasons(table: pd.DataFrame, written: pd.Series, outcomes: pd.Series) -> pd.Series:
    """Why each row can't be trained on, by itself; missing where it can."""
    from imr_ml.corpus.cells import parse_text

    reasons = row_errors(table)
    given = parse_text(written).notna()
    checks = (
        (~given, "outcome is empty"),
        (given & outcomes.isna(), "outcome is not a known decision"),
        (outcomes.eq(PARTIAL).fillna(value=False), "outcome is partial (choose with --partial)"),
    )
    for failed, reason in checks:
        reasons = reasons.mask(failed & reasons.isna(), reason)
    return reasons


def no_decisions(path: Path, reasons: Counter[str]) -> SchemaError:
    """The error of a table without any decided request."""
    return SchemaError(
        f"{path}: has no decided request ({_listed(reasons)}); fill outcome, or map it with --map outcome=COLUMN"
    )


def describe_reading(reasons: Counter[str], styles: Mapping[str, DateStyle], warnings: Counter[str]) -> list[str]:
    """What a reader of the figures must know about how a table was read.

    Parameters
    ----------
    reasons : Counter
        Why rows were left out.
    styles : mapping of str to DateStyle
    warnings : Counter
        What could not be read.
    """
    left_out = [f"{reasons.total()} row(s) left out: {_listed(reasons)}"] if reasons else []
    unread = [f"cells that could not be read count as missing: {_listed(warnings)}"] if warnings else []
    return [*left_out, *describe_styles(styles), *unread]


def describe_lacks(columns: Collection[str], requests: pd.DataFrame) -> list[str]:
    """What a table with these columns and requests lacks that its figures need."""
    notes = []
    if not {"case_number", "letter_sha256"} & set(columns):
        notes.append(
            "no case numbers, so each row counts as its own case: if a case has several rows, a fold may test on a "
            "case that it was trained on, and the intervals are too narrow; map them with --map case_number=COLUMN"
        )
    if "families" not in requests or requests["families"].isna().all():
        notes.append("no guideline families, so only the outcome classifier is trained")
    return notes


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} x {what}" for what, count in counts.most_common())
