"""Read a user's table of decided requests into requests to train on.

A row without a usable decision is rejected with its reason; nothing is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from imr_ml.corpus.dates import DATE_COLUMNS, DateStyle, describe_styles, styles_of_chunks
from imr_ml.corpus.decided_rows import RowsRead, decide_rows
from imr_ml.corpus.mapping import ColumnMapping, describe_columns, require_mapped
from imr_ml.corpus.schema import (
    REQUIRED_COLUMNS,
    SchemaError,
)
from imr_ml.corpus.spellings import Partial
from imr_ml.corpus.store import SCHEMA_VERSION, schema_version, upgraded
from imr_ml.tables.table import Chunk, Table

_ROWS_AT_ONCE = 50_000
_ROWS_SAMPLED = 200
ALL_TWICE = "every row is in the table at least twice; remove the repeats, as they make intervals too narrow"


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Options for reading a table or letters.

    Attributes
    ----------
    mapping : ColumnMapping
        The user's names of columns and values.
    partial : {"overturned", "upheld", "drop"}
        How to count a partially overturned request; ``drop`` leaves it out.
    sheet : str or None
        Sheet of a workbook.
    ocr : bool
        Whether to read scanned pages of letters by OCR.
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
        Columns have the types of the schema.
    rejected_rows : DataFrame
        ``line`` or ``row``, ``reason`` and the row as written, or the line's ``text``.
    notes : tuple of str
        Caveats that a reader of the metrics needs.
    column_notes : tuple of str
        Columns that training uses and columns that it ignores.
    """

    requests: pd.DataFrame
    rejected_rows: pd.DataFrame
    notes: tuple[str, ...]
    column_notes: tuple[str, ...] = ()


def read_decisions(
    path: Path, options: InputOptions | None = None, skip: Collection[str] = (), rows_at_once: int = _ROWS_AT_ONCE
) -> Decisions:
    """Read the decided requests of a table.

    Parameters
    ----------
    path : Path
        A table in any supported format.
    options : InputOptions, optional
    skip : collection of str
        Schema columns to skip, to save memory. A table of letters with an older schema is always read whole.
    rows_at_once : int
        Rows per chunk; only one chunk is in memory as written.

    Raises
    ------
    SchemaError
        If the file is not a table, lacks a required column, mixes two date orders in a column, or has no decided
        request.
    FileNotFoundError
        If the file does not exist.
    """
    options = options or InputOptions()
    (table, mapping), version = open_decisions(path, options), schema_version(path)
    is_whole = needs_all_columns(table, mapping, version)
    skipped = set() if is_whole else set(map(mapping.user_name, skip))
    columns = [name for name in table.columns if name not in skipped]
    styles, rows = _survey_styles(table, mapping, columns), RowsRead()
    chunks = table.chunks(rows_at_once, columns)
    for chunk in [_joined(chunks)] if is_whole else chunks:
        rows.add(chunk, decide_rows(upgraded(mapping.apply(chunk.frame), version), styles, options.partial))
    requests, rejected = rows.joined(lambda: table.chunks(rows_at_once, columns))
    reasons = Counter(rejected["reason"])
    if requests.empty:
        raise no_decisions(path, reasons)
    notes = [
        *describe_reading(reasons, styles, rows.warnings),
        *describe_lacks(requests.columns, requests),
        *([ALL_TWICE] if rows.are_all_repeated(requests.index) else []),
    ]
    column_notes = describe_columns(table.columns, mapping, training=True)
    return Decisions(requests.reset_index(drop=True), rejected, tuple(notes), tuple(column_notes))


def _survey_styles(table: Table, mapping: ColumnMapping, columns: Collection[str]) -> dict[str, DateStyle]:
    """Read the date columns once to infer their styles."""
    named = {name: mapping.user_name(name) for name in DATE_COLUMNS if mapping.user_name(name) in columns}
    chunks = table.chunks(_ROWS_AT_ONCE, named.values()) if named else ()
    return styles_of_chunks(
        (mapping.apply(chunk.frame) for chunk in chunks), {name: name for name in named}, str(table.path)
    )


def _joined(chunks: Iterable[Chunk]) -> Chunk:
    parts = list(chunks)
    return Chunk(pd.concat([part.frame for part in parts]), tuple(line for part in parts for line in part.rejects))


def open_decisions(path: Path, options: InputOptions) -> tuple[Table, ColumnMapping]:
    """Open a table of decided requests, and resolve the mapping to the table's own column names.

    Raises
    ------
    SchemaError
        See `read_decisions`.
    """
    table = Table.open(path, options.sheet)
    needed, mapping = (*REQUIRED_COLUMNS, "outcome"), options.mapping.resolve(table.columns)
    require_mapped(
        table.columns, needed, mapping.columns, str(path), lambda: next(iter(table.chunks(_ROWS_SAMPLED))).frame
    )
    return table, mapping


def needs_all_columns(table: Table, mapping: ColumnMapping, version: int) -> bool:
    """Whether a table must be read whole, because upgrading letters from an older schema compares all columns.

    Parameters
    ----------
    table : Table
    mapping : ColumnMapping
        As `open_decisions` returns it.
    version : int
        Version of the table's schema.
    """
    return version < SCHEMA_VERSION and mapping.user_name("letter_sha256") in table.columns


def no_decisions(path: Path, reasons: Counter[str]) -> SchemaError:
    """Error for a table without a decided request."""
    return SchemaError(
        f"{path}: has no decided request ({_listed(reasons)}); fill outcome, or map it with --map outcome=COLUMN"
    )


def describe_reading(reasons: Counter[str], styles: Mapping[str, DateStyle], warnings: Counter[str]) -> list[str]:
    """Describe how a table was read, for readers of its metrics.

    Parameters
    ----------
    reasons : Counter
        Reasons of the rejected rows.
    styles : mapping of str to DateStyle
    warnings : Counter
        Warnings about cells that could not be parsed.
    """
    left_out = [f"{reasons.total()} row(s) left out: {_listed(reasons)}"] if reasons else []
    unread = [f"cells that could not be read count as missing: {_listed(warnings)}"] if warnings else []
    return [*left_out, *describe_styles(styles), *unread]


def describe_lacks(columns: Collection[str], requests: pd.DataFrame) -> list[str]:
    """Describe columns that a table lacks and its metrics depend on."""
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
