"""Read the DMHC's open CSV of determinations into the requests table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.findings import pre_decision_summary
from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, SchemaError, typed
from imr_ml.corpus.table import complete_requests
from imr_ml.ingest.ingestion import Ingested, Reject
from imr_ml.progress import Progress

if TYPE_CHECKING:
    from typing import TextIO

SOURCE = "dmhc"
UNIT = "determinations"
_NO_TREATMENT = "Treatment not stated"
_COLUMNS = {
    "referenceid": "case_number",
    "reportyear": "decision_year",
    "diagnosiscategory": "diagnosis_category",
    "diagnosissubcategory": "diagnosis",
    "treatmentcategory": "treatment_category",
    "treatmentsubcategory": "treatment",
    "determination": "determination",
    "type": "review_type",
    "agerange": "age_band",
    "patientgender": "sex",
    "findings": "findings",
}
_NEEDED = frozenset(_COLUMNS.values()) - {"findings"}
_PLAIN = ("diagnosis_category", "diagnosis", "treatment_category", "treatment", "review_type")
_OUTCOMES = (("upheld", "upheld"), ("overturned", "overturned"))
_YEAR = re.compile(r"(?:19|20)\d\d")
_BAND_JOINT = re.compile(r"\s*(?:_|-|\bto\b)\s*")
_SEPARATORS = ",;\t"
# The longest Findings run to some ten thousand characters; a cell of more is a quotation mark that nothing closes.
_LONGEST_CELL = 1_000_000
_ROWS_A_STEP = 1000


@dataclass(frozen=True, slots=True)
class _Edition:
    """Format of a file.

    Attributes
    ----------
    encoding, separator : str
    names : tuple of str
        Meaning of each column, as in `_COLUMNS`; empty for a column that is not used.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]


def is_determinations(path: Path) -> bool:
    """Whether a file is the DMHC's table, by its header."""
    return path.suffix.lower() == ".csv" and path.is_file() and _edition(path) is not None


def read_determinations(path: Path, progress: Progress | None = None) -> Ingested:
    """Read the DMHC's determinations into the requests table, a case a row.

    The request is what the treatment's categories say; the clinical summary is what the Findings say before anything of
    the review. Families are missing, as the source publishes none, and so is `age`: the source publishes `age_band`.

    Parameters
    ----------
    path : Path
    progress : callable, optional
        Called with the number of rows each time some are done.

    Returns
    -------
    Ingested
        A row that can't be used is a reject with its place and reason.

    Raises
    ------
    SchemaError
        For a file that is not the DMHC's table, can't be decoded, or breaks off within a quotation.
    """
    import pandas as pd

    edition = _edition(path)
    if edition is None:
        raise SchemaError(f"{path}: is not the DMHC's table of determinations; its header lacks {_lacking(path)}")
    rows: list[dict[str, object]] = []
    rejects: list[Reject] = []
    cases: dict[str, int] = {}
    for number, cells in _cells(path, edition, progress):
        row = _row(cells, edition.names)
        if isinstance(row, dict) and str(row["case_number"]) in cases:
            row = f"case stands twice, first in row {cases[str(row['case_number'])]}"
        if isinstance(row, str):
            rejects.append(Reject(str(path), f"row {number}", row))
        else:
            cases[str(row["case_number"])] = number
            rows.append(row | {"file": path.name})
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    return Ingested(complete_requests(typed(frame)), len(rows), tuple(rejects))


def _cells(path: Path, edition: _Edition, progress: Progress | None) -> Iterator[tuple[int, list[str]]]:
    """Cells of each row below the header, numbered from 1; blank lines are no rows."""
    number = 0
    with path.open(encoding=edition.encoding, newline="") as file, _long_cells():
        rows = csv.reader(file, delimiter=edition.separator, strict=True)
        try:
            next(rows)
            for cells in rows:
                if not any(cell.strip() for cell in cells):
                    continue
                number += 1
                yield number, cells
                if progress and number % _ROWS_A_STEP == 0:
                    progress(_ROWS_A_STEP)
        except csv.Error as error:
            raise SchemaError(f"{path}: can't be read after row {number}: a quotation mark is out of place") from error
    if not number:
        raise SchemaError(f"{path}: holds no row")


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _row(cells: list[str], names: tuple[str, ...]) -> dict[str, object] | str:
    """A row of the requests table, or the reason why it can't be used."""
    if len(cells) != len(names):
        return f"has {len(cells)} cells, the header has {len(names)}"
    values = {name: " ".join(cell.split()) for name, cell in zip(names, cells, strict=True) if name}
    outcome = [value for start, value in _OUTCOMES if values["determination"].lower().startswith(start)]
    if not values["case_number"]:
        return "has no reference ID"
    if not outcome:
        return "determination is neither upheld nor overturned"
    if not _YEAR.fullmatch(values["decision_year"]):
        return "report year is not a year"
    return {
        **{name: values[name] for name in _PLAIN},
        "case_number": values["case_number"],
        "item": 1,
        CASE_VERSION: 1,
        "items_in_case": 1,
        "source": SOURCE,
        "request": ": ".join(filter(None, (values["treatment_category"], values["treatment"]))) or _NO_TREATMENT,
        "clinical_summary": pre_decision_summary(values.get("findings", "")),
        "sex": values["sex"] if values["sex"].lower() in ("female", "male") else None,
        "age_band": _BAND_JOINT.sub("-", values["age_band"].lower()),
        "outcome": outcome[0],
        "decision_year": values["decision_year"],
    }


def _edition(path: Path) -> _Edition | None:
    """Format of a file; None where its header is not the DMHC's."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        header = file.readline()
    for separator in _SEPARATORS:
        names = _names(header, separator)
        if names and set(names) >= _NEEDED:
            return _Edition(encoding, separator, names)
    return None


def _names(header: str, separator: str) -> tuple[str, ...]:
    """Meaning of each column; of two columns with the same meaning only the first has it."""
    cells = next(csv.reader([header], delimiter=separator), [])
    meanings = [_COLUMNS.get(re.sub(r"[\W_]+", "", cell).lower(), "") for cell in cells]
    return tuple(name if meanings.index(name) == place else "" for place, name in enumerate(meanings))


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is valid, else cp1252, in which every byte is a character."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            _exhaust(file)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _exhaust(file: TextIO) -> None:
    while file.read(1 << 20):
        pass


def _lacking(path: Path) -> str:
    with path.open(encoding=_encoding(path), newline="", errors="replace") as file:
        header = file.readline()
    present = max((set(_names(header, separator)) for separator in _SEPARATORS), key=len)
    return ", ".join(name for name, meaning in _COLUMNS.items() if meaning in _NEEDED - present)
