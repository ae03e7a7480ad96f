"""Open the input of scoring, a table or letters, and read it in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imr_ml.corpus.dates import DATE_COLUMNS, DateStyle, describe_styles, styles_of_chunks
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import COLUMNS
from imr_ml.tables.formats import is_table
from imr_ml.tables.table import RejectedLine, Table

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.ingest.ingestion import Reject

_LETTERS_AT_ONCE = 200
_ROWS_TO_COUNT = 50_000
_ROWS_SAMPLED = 200
_LETTER_COLUMNS = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Input:
    """An opened input of scoring.

    Attributes
    ----------
    columns : tuple of str
        Columns of the table, under the user's names.
    total : int
        Number of rows of a table, or of letters in a folder or zip file.
    unit : {"requests", "letters"}
        Unit of `total`.
    mapping : ColumnMapping
    table : Table or None
    styles : dict of str to DateStyle
        Date format of each date column.
    letters : tuple of Path
    rejects : tuple of Reject
        Members of a zip file that cannot be read.
    notes : tuple of str
        Notes for the user on how the input is read.
    ocr : bool
        Read scanned pages of letters by OCR.
    """

    columns: tuple[str, ...]
    total: int
    unit: Literal["requests", "letters"]
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    table: Table | None = None
    styles: dict[str, DateStyle] = field(default_factory=dict)
    letters: tuple[Path, ...] = ()
    rejects: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = ()
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class InputChunk:
    """A part of the input: rows of a table, or letters that are not read yet.

    Attributes
    ----------
    size : int
        Number of rows or letters.
    rows : DataFrame or None
        Rows under the user's names.
    rejected_lines : tuple of RejectedLine
    letters : tuple of Path
    rejects : tuple of Reject
    ocr : bool
    """

    size: int
    rows: pd.DataFrame | None = None
    rejected_lines: tuple[RejectedLine, ...] = ()
    letters: tuple[Path, ...] = ()
    rejects: tuple[Reject, ...] = ()
    ocr: bool = False

    def read(self) -> tuple[pd.DataFrame, list[str | None]]:
        """Read rows under the user's names, and errors by row; an unreadable letter is a row with its file name."""
        if self.rows is not None:
            return self.rows, [None] * len(self.rows)
        return _read_letters(self.letters, self.rejects, ocr=self.ocr)


def open_input(
    source: Path, mapping: ColumnMapping, scratch: Path, sheet: str | None = None, *, ocr: bool = False
) -> Input:
    """Open an input, count its rows and infer its date formats.

    Parameters
    ----------
    source : Path
        A table of any known format, or a folder or zip file of letters.
    mapping : ColumnMapping
    scratch : Path
        Empty folder for letters unpacked from a zip file.
    sheet : str, optional
        Sheet of a workbook.
    ocr : bool
        Read scanned pages of letters by OCR.

    Raises
    ------
    SchemaError
        If the source is neither a table nor contains letters, or a column has dates in two orders.
    FileNotFoundError
        If the source does not exist.
    """
    if source.exists() and is_table(source):
        return _open_table(source, mapping, sheet)
    from imr_ml.ingest.ingestion import LETTER_SUFFIXES
    from imr_ml.ingest.inputs import Kind, describe_other_files, find_letters, kind_of

    kind = kind_of(source)
    is_letter = kind is Kind.LETTER and source.suffix.lower() in LETTER_SUFFIXES
    if not is_letter and kind not in (Kind.FOLDER, Kind.ZIP):
        return _open_table(source, mapping, sheet)
    listing = find_letters(source, kind, scratch)
    return Input(
        _LETTER_COLUMNS,
        len(listing.files) + len(listing.rejects),
        "letters",
        mapping,
        letters=tuple(listing.files),
        rejects=tuple(listing.rejects),
        notes=(describe_other_files(listing.other_files),) if listing.other_files else (),
        ocr=ocr,
    )


def read_chunks(opened: Input, rows: int) -> Iterator[InputChunk]:
    """Yield the chunks of an input in a stable order; chunks of tables have at most `rows` rows."""
    if opened.table is not None:
        for chunk in opened.table.chunks(rows):
            yield InputChunk(len(chunk.frame), chunk.frame, chunk.rejects)
        return
    for start in range(0, len(opened.letters), _LETTERS_AT_ONCE):
        letters = opened.letters[start : start + _LETTERS_AT_ONCE]
        yield InputChunk(len(letters), letters=letters, ocr=opened.ocr)
    if opened.rejects:
        yield InputChunk(len(opened.rejects), rejects=opened.rejects)


def sample_rows(opened: Input) -> pd.DataFrame | None:
    """Read the first rows of a table; None for letters."""
    return None if opened.table is None else next(iter(opened.table.chunks(_ROWS_SAMPLED))).frame


def to_requests(rows: pd.DataFrame, mapping: ColumnMapping, errors: list[str | None]) -> pd.DataFrame:
    """Convert input rows to a requests table with a column ``error``.

    Parameters
    ----------
    rows : DataFrame
        Rows under the user's names.
    mapping : ColumnMapping
    errors : list of (str or None)
        Reason why each row cannot be scored; None if it can.
    """
    requests = mapping.apply(rows)
    requests["error"] = errors
    return requests


def _open_table(source: Path, mapping: ColumnMapping, sheet: str | None) -> Input:
    table = Table.open(source, sheet)
    mapping = mapping.resolve(table.columns)
    dates = {name: mapping.user_name(name) for name in DATE_COLUMNS if mapping.user_name(name) in table.columns}
    columns = list(dates.values()) or table.columns[:1]
    total = 0

    def count_rows() -> Iterator[pd.DataFrame]:
        nonlocal total
        for chunk in table.chunks(_ROWS_TO_COUNT, columns):
            total += len(chunk.frame)
            yield chunk.frame

    styles = styles_of_chunks(count_rows(), dates, str(source))
    common_formats = ("CSV, utf-8, ','", "JSON lines, utf-8", "JSON, utf-8", "Parquet")
    notes = [] if table.description in common_formats else [f"{source} is read as {table.description}"]
    return Input(
        table.columns,
        total,
        "requests",
        mapping,
        table,
        styles,
        notes=(*notes, *describe_styles(styles)),
    )


def _read_letters(
    letters: tuple[Path, ...], rejects: tuple[Reject, ...], *, ocr: bool
) -> tuple[pd.DataFrame, list[str | None]]:
    import pandas as pd

    from imr_ml.corpus.schema import typed
    from imr_ml.ingest.ingestion import ingest

    report = ingest(list(letters), jobs=1, ocr=ocr)
    unreadable = list(chain(report.rejects, rejects))
    placeholders = pd.DataFrame({"file": [reject.file for reject in unreadable]}).reindex(columns=list(_LETTER_COLUMNS))
    frame = pd.concat([report.requests, typed(placeholders)], ignore_index=True) if unreadable else report.requests
    reasons = [": ".join(filter(None, (reject.place, reject.reason))) for reject in unreadable]
    return frame, [None] * len(report.requests) + reasons
