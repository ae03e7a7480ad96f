"""Answer questions about requests from the columns of their table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.corpus.table import decided_years
from imr_ml.evaluation.slices import AGE_BANDS, ITEM_BANDS, band_names
from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.types import Citation, Family
from imr_ml.nlp.demographics import find_demographics

if TYPE_CHECKING:
    from typing import Any

UNKNOWN, NO_CHAPTER = "unknown", "no ACOEM chapter"
# A user's column may contain any text, but a page shows only short names.
MAX_NAME_CHARACTERS = 80


def short_names(requests: pd.DataFrame, column: str) -> pd.Series:
    """Shorten the cells of a column to names without duplicates; all are missing if the table lacks the column."""
    if column not in requests:
        return pd.Series(None, index=requests.index, dtype="object")
    cells = requests[column].astype("object")
    short = {cell: _join_names(str(cell).split(FAMILY_SEPARATOR)) for cell in cells.dropna().unique()}
    return cells.map(short).astype("object")


def _join_names(names: Iterable[str]) -> str | None:
    stripped = (" ".join(name.split())[:MAX_NAME_CHARACTERS] for name in names)
    return FAMILY_SEPARATOR.join(dict.fromkeys(name for name in stripped if name)) or None


def _column_answers(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda requests: short_names(requests, column).fillna(UNKNOWN)


def _chapters(requests: pd.DataFrame) -> pd.Series:
    if "imr_guideline" not in requests:
        return pd.Series(UNKNOWN, index=requests.index)
    texts = requests["imr_guideline"].astype("object")
    chapters = {text: _chapter_names(find_citations(text)) for text in texts.dropna().unique()}
    return texts.map(chapters).astype("object").fillna(UNKNOWN)


def _chapter_names(citations: Iterable[Citation]) -> str:
    cited = (citation.guideline for citation in citations if citation.family is Family.ACOEM and citation.guideline)
    return FAMILY_SEPARATOR.join(dict.fromkeys(cited)) or NO_CHAPTER


def _ur_cites_nothing(requests: pd.DataFrame) -> pd.Series:
    families = requests["ur_families"].astype("object")
    answers = families.map(lambda cell: "yes" if cell == "none" else "no", na_action="ignore")
    return answers.astype("object").fillna(UNKNOWN)


def _age_bands(requests: pd.DataFrame) -> pd.Series:
    ages = _demographics(requests, "age", "age_years").astype("float64")
    return band_names(ages, AGE_BANDS).astype("object").fillna(short_names(requests, "age_band")).fillna(UNKNOWN)


def _demographics(requests: pd.DataFrame, column: str, attribute: str) -> pd.Series:
    """Fill missing cells of a column from the clinical summary; each distinct summary is read once."""
    cells = requests[column].astype("object")
    summaries = requests["clinical_summary"].astype("object").where(cells.isna())
    by_summary: dict[str, Any] = {
        text: getattr(find_demographics(text), attribute) for text in summaries.dropna().unique()
    }
    return cells.where(cells.notna(), summaries.map(by_summary)).astype("object")


def _years(requests: pd.DataFrame) -> pd.Series:
    years = pd.Series(decided_years(requests), index=requests.index)
    return (years // 1).astype("Int64").astype("object").map(str, na_action="ignore").astype("object").fillna(UNKNOWN)


def _quarters(requests: pd.DataFrame) -> pd.Series:
    if "decision_date" not in requests:
        return pd.Series(UNKNOWN, index=requests.index)
    dates = pd.to_datetime(requests["decision_date"])
    names = dates.dt.year.astype("Int64").astype("string") + " Q" + dates.dt.quarter.astype("Int64").astype("string")
    return names.astype("object").fillna(UNKNOWN)


TABLE_ANSWERS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "family": _column_answers("families"),
    "chapter": _chapters,
    "ur_family": _column_answers("ur_families"),
    "ur_cites_nothing": _ur_cites_nothing,
    "specialty": _column_answers("specialties"),
    "items": lambda requests: band_names(requests["items_in_case"], ITEM_BANDS).astype("object").fillna(UNKNOWN),
    "age_band": _age_bands,
    "sex": lambda requests: _demographics(requests, "sex", "sex").fillna(UNKNOWN),
    "quarter": _quarters,
    "year": _years,
}
