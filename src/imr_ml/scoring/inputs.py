"""Open what is to be scored, a table or letters, and read it in chunks."""

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
    """What there is to score.

    Attributes
    ----------
    columns : tuple of str
        Of the table, under the user's names.
    total : int
        Rows of a table; letters of a folder or a zip file.
    unit : {"requests", "letters"}
        What `total` counts.
    mapping : ColumnMapping
    table : Table or None
    styles : dict of str to DateStyle
        How the dates of each date column are written.
    letters : tuple of Path
    rejects : tuple of Reject
        Members of a zip file that can't be read.
    notes : tuple of str
        What a user should know about how the input is read.
    ocr : bool
        Whether pages of letters that are pictures are read by OCR.
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
    """Some of the input: rows of a table, or letters still to be read.

    Attributes
    ----------
    size : int
        How many of the input's `total` it contains.
    rows : DataFrame or None
        Under the user's names.
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
        """Rows under the user's names, and why each can't be scored; an unreadable letter is a row with its file."""
        if self.rows is not None:
            return self.rows, [None] * len(self.rows)
        return _read_letters(self.letters, self.rejects, ocr=self.ocr)


def open_input(
    source: Path, mapping: ColumnMapping, scratch: Path, sheet: str | None = None, *, ocr: bool = False
) -> Input:
    """Open an input and look through it once.

    Parameters
    ----------
    source : Path
        A table of any known format, or a folder or zip file of letters.
    mapping : ColumnMapping
    scratch : Path
        An empty folder into which a zip file's letters may be unpacked.
    sheet : str, optional
        Sheet of a workbook.
    ocr : bool
        Whether pages of letters that are pictures are read by OCR.

    Raises
    ------
    SchemaError
        For what is neither a table nor contains letters, and for dates in two orders in one column.
    FileNotFoundError
        For what does not exist.
    """
    if source.exists() and is_table(source):
        return _open_table(source, mapping, sheet)
    from imr_ml.ingest.ingestion import LETTER_SUFFIXES
    from imr_ml.ingest.inputs import Kind, describe_other_files, find_letters, kind_of

    kind = kind_of(source)
    is_letter = kind is Kind.LETTER and source.suffix.lower() in LETTER_SUFFIXES
    if not is_letter and kind not in (Kind.FOLDER, Kind.ZIP):
        return _open_table(source, mapping, sheet)
    found = find_letters(source, kind, scratch)
    return Input(
        _LETTER_COLUMNS,
        len(found.files) + len(found.rejects),
        "letters",
        mapping,
        letters=tuple(found.files),
        rejects=tuple(found.rejects),
        notes=(describe_other_files(found.other_files),) if found.other_files else (),
        ocr=ocr,
    )


def read_chunks(opened: Input, rows: int) -> Iterator[InputChunk]:
    """The input's chunks in order, the same each time; a table's of at most `rows` rows."""
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
    """Some rows of a table, to tell what its columns contain; None for letters."""
    return None if opened.table is None else next(iter(opened.table.chunks(_ROWS_SAMPLED))).frame


def to_requests(rows: pd.DataFrame, mapping: ColumnMapping, errors: list[str | None]) -> pd.DataFrame:
    """Rows as scoring takes them.

    Parameters
    ----------
    rows : DataFrame
        Under the user's names.
    mapping : ColumnMapping
    errors : list of (str or None)
        Why a row can't be scored.
    """
    requests = mapping.apply(rows)
    requests["error"] = errors
    return requests


def _open_table(source: Path, mapping: ColumnMapping, sheet: str | None) -> Input:
    table = Table.open(source, sheet)
    mapping = mapping.resolve(table.columns)
    dates = {name: mapping.user_name(name) for name in DATE_COLUMNS if mapping.user_name(name) in table.columns}
    wanted = list(dates.values()) or table.columns[:1]
    total = 0

    def counted() -> Iterator[pd.DataFrame]:
        nonlocal total
        for chunk in table.chunks(_ROWS_TO_COUNT, wanted):
            total += len(chunk.frame)
            yield chunk.frame

    styles = styles_of_chunks(counted(), dates, str(source))
    usual = ("CSV, utf-8, ','", "JSON lines, utf-8", "JSON, utf-8", "Parquet")
    notes = [] if table.description in usual else [f"{source} is read as {table.description}"]
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

    read = ingest(list(letters), jobs=1, ocr=ocr)
    refused = list(chain(read.rejects, rejects))
    placeholders = pd.DataFrame({"file": [reject.file for reject in refused]}).reindex(columns=list(_LETTER_COLUMNS))
    frame = pd.concat([read.requests, typed(placeholders)], ignore_index=True) if refused else read.requests
    reasons = [": ".join(filter(None, (reject.place, reject.reason))) for reject in refused]
    return frame, [None] * len(read.requests) + reasons
