"""Read what is to be scored in chunks: a table's rows, or letters of a folder or zip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imr_ml.corpus.schema import COLUMNS, SchemaError
from imr_ml.progress import silent

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.ingest.ingestion import Reject
    from imr_ml.progress import Progress, StartProgress
    from imr_ml.tables.types import Chunk

_LETTERS_AT_ONCE = 200
_ROWS_TO_COUNT = 50_000
_LETTER_COLUMNS = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class InputSummary:
    """What there is to score.

    Attributes
    ----------
    columns : tuple of str
        Of the table, as the user calls them.
    total : int
        Rows of a table; letters of a folder or a zip file.
    unit : {"requests", "letters"}
        What `total` counts.
    case_rows : Series or None
        Rows of each case; None where the table tells no case numbers, or its cases' items already.
    letters : tuple of Path
    rejects : tuple of Reject
        Members of a zip file that are no letters.
    """

    columns: tuple[str, ...]
    total: int
    unit: Literal["requests", "letters"]
    case_rows: pd.Series | None = None
    letters: tuple[Path, ...] = ()
    rejects: tuple[Reject, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the input: rows of a table, or letters still to be read.

    Attributes
    ----------
    size : int
        How many of the survey's `total` it holds.
    rows : Chunk or None
    letters : tuple of Path
    rejects : tuple of Reject
    """

    size: int
    rows: Chunk | None = None
    letters: tuple[Path, ...] = ()
    rejects: tuple[Reject, ...] = ()

    def read(self) -> Chunk:
        """Its rows; a letter that can't be read is a row with its file and the reason."""
        return self.rows or _letter_rows(self.letters, self.rejects)


def survey(source: Path, columns: Mapping[str, str], scratch: Path) -> InputSummary:
    """Look through an input once.

    Parameters
    ----------
    source : Path
        A table of any known format, or a folder or zip file of letters.
    columns : mapping of str to str
        The contract's name of a column -> the user's, for those that the user calls otherwise.
    scratch : Path
        An empty folder that a zip file's letters may be put into.

    Raises
    ------
    SchemaError
        For what is neither a table nor holds letters.
    FileNotFoundError
        For what does not exist.
    """
    from imr_ml.ingest.archives import letters_of
    from imr_ml.ingest.ingestion import letter_files
    from imr_ml.tables.formats import is_table

    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    rejects: list[Reject] = []
    if is_table(source):
        return _table_survey(source, columns)
    if source.is_dir():
        letters = letter_files([source])
    elif source.suffix.lower() == ".zip":
        letters, rejects = letters_of(source, scratch)
    elif source.suffix.lower() in (".pdf", ".txt"):
        letters = [source]
    else:
        return _table_survey(source, columns)
    if not letters and not rejects:
        raise SchemaError(f"{source}: holds no letter (.pdf or .txt)")
    return InputSummary(_LETTER_COLUMNS, len(letters) + len(rejects), "letters", None, tuple(letters), tuple(rejects))


def pieces(source: Path, found: InputSummary, rows: int) -> Iterator[Piece]:
    """The input's pieces in their order, the same each time; a table's of at most `rows` rows."""
    if found.unit == "letters":
        for start in range(0, len(found.letters), _LETTERS_AT_ONCE):
            some = found.letters[start : start + _LETTERS_AT_ONCE]
            yield Piece(len(some), letters=some)
        if found.rejects:
            yield Piece(len(found.rejects), rejects=found.rejects)
        return
    from imr_ml.tables.reading import read_chunks

    for chunk in read_chunks(source, rows):
        yield Piece(len(chunk.frame), rows=chunk)


def case_rows_of(piece: Piece, found: InputSummary, columns: Mapping[str, str]) -> pd.Series | None:
    """Rows of each row's case in the whole input, as a case may straddle two pieces; None where not counted."""
    if found.case_rows is None or piece.rows is None:
        return None
    name = columns.get("case_number", "case_number")
    return piece.rows.frame[name].astype("string").map(found.case_rows)


def requests_of(chunk: Chunk, columns: Mapping[str, str], case_rows: pd.Series | None) -> pd.DataFrame:
    """Rows as scoring takes them: under the contract's names, with their case's size and what is wrong in ``error``."""
    requests = chunk.frame.rename(columns={user: name for name, user in columns.items()})
    if case_rows is not None:
        requests["items_in_case"] = case_rows.to_numpy()
    requests["error"] = [chunk.reasons.get(label) for label in requests.index]
    return requests


def started(progress: StartProgress | None, doing: str, found: InputSummary) -> Progress:
    """Start a bar over what was found; what is called with each step, whether there is a bar or not."""
    return (progress or silent)(f"{doing} {found.unit}", found.total)


def _table_survey(source: Path, columns: Mapping[str, str]) -> InputSummary:
    from imr_ml.tables.reading import column_names, read_chunks

    names = column_names(source)
    case, items = (columns.get(name, name) for name in ("case_number", "items_in_case"))
    wanted = [case] if case in names else names[:1]
    total, counts = 0, list["pd.Series"]()
    for chunk in read_chunks(source, _ROWS_TO_COUNT, wanted):
        total += len(chunk.frame)
        if case in names and items not in names:
            counts.append(chunk.frame[case].astype("string").value_counts())
    return InputSummary(names, total, "requests", _summed(counts))


def _summed(counts: list[pd.Series]) -> pd.Series | None:
    import pandas as pd

    if not counts:
        return None
    total: pd.Series = pd.concat(counts).groupby(level=0).sum()
    return total


def _letter_rows(letters: tuple[Path, ...], rejects: tuple[Reject, ...]) -> Chunk:
    import pandas as pd

    from imr_ml.corpus.schema import typed
    from imr_ml.ingest.ingestion import ingest
    from imr_ml.tables.types import Chunk

    read = ingest(list(letters), jobs=1)
    refused = list(chain(read.rejects, rejects))
    placeholders = pd.DataFrame({"file": [reject.file for reject in refused]}).reindex(columns=list(_LETTER_COLUMNS))
    frame = pd.concat([read.requests, typed(placeholders)], ignore_index=True) if refused else read.requests
    reasons = [": ".join(filter(None, (reject.place, reject.reason))) for reject in refused]
    return Chunk(frame, dict(enumerate(reasons, start=len(read.requests))))
