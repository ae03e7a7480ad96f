"""Build the requests table from letters, and fill columns that follow from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.cells import joined_families, string_series
from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, FAMILY_SEPARATOR, typed
from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.types import Citation, Family
from imr_ml.letters.types import DisputedItem, Letter

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ReadLetter:
    """A letter with its file name and checksum."""

    letter: Letter
    file: str
    sha256: str


def build_requests(letters: Iterable[ReadLetter]) -> pd.DataFrame:
    """Build the requests table from letters: one row per request, in the order of the letters.

    Returns
    -------
    DataFrame
        All columns of the schema in their types. Every letter counts as the first issue of its case; the issues of a
        table on disk are numbered when it is written.
    """
    import pandas as pd

    rows = [row for read in letters for row in _rows(read)]
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    return complete_requests(typed(frame))


def complete_requests(requests: pd.DataFrame) -> pd.DataFrame:
    """Fill missing cells of feature columns that follow from other columns.

    Reads `age` and `sex` from the clinical summary, `category` from the request, and fills what `complete_cases` fills.
    Cells that do not follow from the texts stay missing.
    """
    import pandas as pd

    from imr_ml.nlp.demographics import find_demographics
    from imr_ml.nlp.views import category_of

    filled = complete_cases(requests)
    # Read only the texts of rows with missing cells.
    summaries = filled["clinical_summary"].where(filled["age"].isna() | filled["sex"].isna())
    unread = filled["request"].where(filled["category"].isna())
    read = {text: find_demographics(text) for text in summaries.dropna().unique()}
    ages = summaries.map({text: found.age_years for text, found in read.items()})
    sexes = summaries.map({text: found.sex for text, found in read.items()})
    categories = {text: category_of(text) for text in unread.dropna().unique()}
    return filled.assign(
        age=pd.to_numeric(filled["age"]).astype("float64").fillna(ages.astype("float64")),
        sex=filled["sex"].astype("string").fillna(sexes.astype("string")),
        category=filled["category"].astype("string").fillna(unread.map(categories).astype("string")),
    )


def complete_cases(requests: pd.DataFrame) -> pd.DataFrame:
    """Fill `ur_families` from the UR guideline, and add the other derived columns, empty, if they are absent.

    Columns that follow from the request and the summary are not filled, because the feature frame reads those texts
    anyway. `items_in_case` stays missing unless a letter or the table states it: the number of rows of a case in a file
    depends on how the file was split.
    """
    filled = requests.reindex(columns=[*requests.columns, *_absent(requests)])
    return filled.assign(ur_families=ur_families(filled), items_in_case=filled["items_in_case"].astype("float64"))


def ur_families(requests: pd.DataFrame) -> pd.Series:
    """Families that UR cites: the column `ur_families`, or read from the UR guideline if missing; shape (rows,)."""
    texts = requests["ur_guideline"].tolist() if "ur_guideline" in requests else [None] * len(requests)
    given = requests["ur_families"].tolist() if "ur_families" in requests else [None] * len(requests)
    known: dict[str, str] = {}
    cells = []
    for cell, text in zip(given, texts, strict=True):
        if not isinstance(cell, str) and isinstance(text, str) and text not in known:
            known[text] = joined_families(families_in(text))
        cells.append(cell if isinstance(cell, str) else known.get(text))
    return string_series(cells, requests.index)


def case_keys(requests: pd.DataFrame) -> pd.Series:
    """Key that groups the rows of one case: its number, else its letter, else one key per row."""
    import pandas as pd

    keys = pd.Series("row " + requests.index.astype("string"), index=requests.index, dtype="string")
    for column, prefix in (("letter_sha256", "letter "), ("case_number", "")):
        if column in requests.columns:
            known = requests[column].astype("string")
            keys = (prefix + known).fillna(keys)
    return keys


def decided_years(requests: pd.DataFrame) -> NDArray[np.float64]:
    """Time of each decision as a fractional year, NaN if unknown: shape (rows,).

    If only ``decision_year`` is known, the time is the middle of that year.
    """
    import numpy as np

    years = years_of(requests, "decision_date")
    if "decision_year" in requests:
        middle = requests["decision_year"].to_numpy(dtype=np.float64, na_value=np.nan) + 0.5
        years = np.where(np.isnan(years), middle, years)
    return years


def years_of(requests: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Dates of a column as fractional years, NaN if missing: shape (rows,)."""
    import numpy as np

    if column not in requests:
        return np.full(len(requests), np.nan)
    dates = requests[column].to_numpy("datetime64[D]")
    years = dates.astype("datetime64[Y]")
    return np.where(
        np.isnat(dates), np.nan, years.astype(np.int64) + 1970 + (dates - years).astype(np.float64) / 365.25
    )


def _absent(requests: pd.DataFrame) -> list[str]:
    wanted = ("ur_guideline", "ur_families", "age", "sex", "category", "items_in_case")
    return [name for name in wanted if name not in requests.columns]


def _rows(read: ReadLetter) -> Iterator[dict[str, object]]:
    letter = read.letter
    shared: dict[str, object] = {
        "case_number": letter.case_number,
        CASE_VERSION: 1,
        "source": "sample" if letter.is_sample else "dwc",
        "file": read.file,
        "letter_sha256": read.sha256,
        "text_from": letter.text_from,
        "letter_warnings": "; ".join(letter.warnings) or None,
        "clinical_summary": letter.clinical_summary,
        "date_of_injury": letter.date_of_injury,
        "ur_denial_date": letter.ur_denial_date,
        "application_received": letter.application_received,
        "items_in_case": len(letter.items),
        "decision_date": letter.decision_date,
        "decision_year": letter.decision_date.year if letter.decision_date else None,
        "specialties": FAMILY_SEPARATOR.join(letter.specialties) or None,
    }
    return (shared | _item_fields(item) for item in letter.items)


def _item_fields(item: DisputedItem) -> dict[str, object]:
    return {
        "item": item.number,
        "request": item.request,
        "ur_guideline": item.ur_guideline,
        "ur_families": _families(item.ur_guideline, item.ur_citations),
        "outcome": item.outcome.value,
        "families": _families(item.imr_guideline, item.imr_citations),
        "imr_guideline": item.imr_guideline,
        "rationale": item.rationale,
    }


def _families(paragraph: str | None, citations: tuple[Citation, ...]) -> str | None:
    if paragraph is None:
        return None
    return joined_families({citation.family.value for citation in citations} or {Family.NONE.value})
