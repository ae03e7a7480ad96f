"""What is wrong with a row by itself: its types, its texts, its families, its age.

Knows the schema, the taxonomy and how a summary gives an age. Knows nothing of other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, row_errors
from imr_ml.corpus.table import joined_families
from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.types import Family
from imr_ml.nlp.demographics import demographics
from imr_ml.quality.settings import Settings
from imr_ml.quality.types import Flagged, Rows

if TYPE_CHECKING:
    import pandas as pd

_NAMES = tuple(column.name for column in COLUMNS)
_UNKNOWN_FAMILY = "unknown guideline family"
_CITES_NONE_ITSELF = (Family.OTHER.value, Family.NONE.value)
_REVIEWED_BY_LETTER = ("dwc", "sample")


def schema_errors(rows: Rows) -> Iterator[Flagged]:
    """Rows that validation refuses, by its reason."""
    reasons = row_errors(rows.raw, rows.typed).reset_index(drop=True).dropna()
    for reason, where in reasons.groupby(reasons).groups.items():
        column, _, rest = str(reason).partition(" ")
        named = column if column in _NAMES else None
        kind = "family_unknown" if _UNKNOWN_FAMILY in rest else "schema"
        yield Flagged(kind, where.to_numpy(), named, says=str(reason))


def text_flaws(rows: Rows, settings: Settings) -> Iterator[Flagged]:
    """Items without text, and texts of a length that no reader leaves."""
    fewest, most = settings.thresholds.request_characters
    request = rows.column("request").astype("string")
    letters = request.str.count(r"[^\W_]")
    yield Flagged.where(letters < fewest, "no_request", "request")
    yield Flagged.where(request.str.len() > most, "long_request", "request")
    summary = rows.column("clinical_summary").astype("string")
    by_letter = rows.column("source").isin(_REVIEWED_BY_LETTER)
    words = summary.str.count(r"\w+")
    yield Flagged.where(
        (words < settings.thresholds.summary_words_from) & by_letter, "short_summary", "clinical_summary"
    )
    silent = rows.column("outcome").notna() & rows.column("rationale").isna() & by_letter
    yield Flagged.where(silent, "no_rationale", "rationale")


def family_flaws(rows: Rows) -> Iterator[Flagged]:
    """Families that are missing where the reviewer cites a guideline, or not those that the taxonomy finds in it."""
    for families, guideline in (("families", "imr_guideline"), ("ur_families", "ur_guideline")):
        cited, given = rows.column(guideline), rows.column(families)
        # Missing families of the UR guideline are no flaw: training and scoring read them from it.
        if families == "families":
            yield Flagged.where(given.isna() & cited.notna(), "family_missing", families)
        both = given.notna() & cited.notna()
        if both.any():
            found = _of_each(cited[both], lambda text: joined_families(families_in(text)))
            # A reviewer who finds the administrator's guidelines relevant cites those: the reader takes their families.
            agreed = found.isin(_CITES_NONE_ITSELF) & given.eq(rows.column("ur_families"))
            yield Flagged.where(given.ne(found) & both & ~agreed, "family_differs", families)


def age_flaws(rows: Rows) -> Iterator[Flagged]:
    """Ages that are not what the clinical summary says."""
    import pandas as pd

    age = pd.to_numeric(rows.column("age"))
    if age.isna().all():
        return
    told = pd.to_numeric(_of_each(rows.column("clinical_summary"), lambda text: demographics(text).age_years))
    yield Flagged.where(age.ne(told) & age.notna() & told.notna(), "age_differs", "age")


def _of_each(texts: pd.Series, of_text: Callable[[str], object]) -> pd.Series:
    """What each text gives, worked out once for each that differs; missing where there is none."""
    return texts.map({text: of_text(text) for text in texts.dropna().unique()})
