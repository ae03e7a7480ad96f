"""Turn a table of decided requests, in its owner's columns and words, into requests to train on.

A row without a usable decision is left out, with its reason; nothing is guessed.
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


def read_decisions(
    path: Path, options: InputOptions | None = None, skip: Collection[str] = (), rows_at_once: int = _ROWS_AT_ONCE
) -> Decisions:
    """Read the decided requests of a table.

    Parameters
    ----------
    path : Path
        A table of any format.
    options : InputOptions, optional
    skip : collection of str
        Columns of the schema that are not read, to save memory; a table of letters of an older schema is read whole.
    rows_at_once : int
        Rows whose texts are in memory as written.

    Raises
    ------
    SchemaError
        For what is not a table, one without a required column, dates in two orders in a column, and a table without
        any decided request.
    FileNotFoundError
        If it does not exist.
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
    """How each date column is written, for which these are read once."""
    named = {name: mapping.user_name(name) for name in DATE_COLUMNS if mapping.user_name(name) in columns}
    chunks = table.chunks(_ROWS_AT_ONCE, named.values()) if named else ()
    return styles_of_chunks(
        (mapping.apply(chunk.frame) for chunk in chunks), {name: name for name in named}, str(table.path)
    )


def _joined(chunks: Iterable[Chunk]) -> Chunk:
    parts = list(chunks)
    return Chunk(pd.concat([part.frame for part in parts]), tuple(line for part in parts for line in part.rejects))


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
