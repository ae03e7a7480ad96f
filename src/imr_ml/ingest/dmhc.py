"""Read the DMHC's open CSV of determinations into the requests table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import pandas as pd

from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, SchemaError, typed
from imr_ml.corpus.table import complete_requests
from imr_ml.ingest.ingestion import Ingested, Reject
from imr_ml.progress import Progress
from imr_ml.tables.csv_files import UNCLOSED, UNDOUBLED
from imr_ml.tables.table import Table

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
_REQUIRED = frozenset(_COLUMNS.values()) - {"findings"}
_COPIED = ("diagnosis_category", "diagnosis", "treatment_category", "treatment", "review_type")
_YEAR = re.compile(r"(?:19|20)\d\d")
_RANGE_SIGN = re.compile(r"\s*(?:_|-|\bto\b)\s*")
_HEADER_BYTES = 1 << 16
_ROWS_AT_ONCE = 1000
# Any sentence by the reviewer may leak the determination, not only the last one. So a narrative is cut at the first
# label or sentence that may be the reviewer's, and dropped unless it begins like a case summary: a missing text costs
# less than one that reveals the outcome.
_LABELED = re.compile(
    r"^\W*(?:summary\s+reviewer\s*\d*\W+)?"
    r"(?:nature\s+of\s+statutory\s+criteria\s*/?\s*)?case\s+summary\s*:\s*|^\W*nature\s+of\s+statutory\s+criteria\s*:\s*",
    re.I,
)
# Without a label, a narrative is a case summary only if it begins with who requested a treatment.
_REQUEST_OPENING = re.compile(
    r"^\W*(?:an?|the|this)\b[^.;]{0,120}?\b(?:enrollee|patient|member|beneficiary|insured|parents?|guardian)\b"
    r"[^.;]{0,120}?\b(?:has|have|had|is|are)?\s*(?:requested|requests|requesting|asked|seeks|seeking)\b",
    re.I,
)
_NEXT_LABEL = re.compile(
    r"\b(?:findings?|final\s+results?|results?|determinations?|conclusions?|rationale|analysis|discussion"
    r"|credentials(?:\s*/\s*qualifications)?|qualifications|summary\s+reviewer\s*\d*|reviewer\s*\d+)\s*:"
    r"|\bsummary\s+reviewer\s*\d",
    re.I,
)
# A sentence with a word that starts like one of these may be the reviewer's or state the result.
# fmt: off
_REVIEWER_WORDS = (
    "review", "upheld", "uphold", "overturn", "overrul", "revers", "affirm", "necess", "unnecess", "indicated",
    "warrant", "unwarrant", "appropriate", "inappropriate", "justif", "unjustif", "beneficial", "efficac",
    "effective", "ineffective", "superior", "support", "unsupport", "standard", "literature", "evidence",
    "study", "studies", "trial", "guideline", "criteri", "consensus", "determin", "conclu", "found", "find",
    "opinion", "recommend", "therefore", "thus", "hence", "accordingly", "should", "must", "ought", "entitled",
    "approv", "authoriz", "grant", "favor", "agree", "disagree", "fail", "insufficient", "credential", "qualif",
    "certified", "likely", "unlikely", "reasonabl", "unreasonabl", "merit",
)
# fmt: on
_WORD = re.compile(r"[a-z]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")


def is_determinations(path: Path) -> bool:
    """Whether a file is the DMHC's table, by its header."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.readline(_HEADER_BYTES).decode("utf-8", "replace")
    return any(_columns_by_meaning(header.split(separator)).keys() >= _REQUIRED for separator in ",;\t")


def read_determinations(path: Path, progress: Progress | None = None) -> Ingested:
    """Read the DMHC's determinations into the requests table, one row per case.

    The request comes from the treatment categories, the clinical summary from the part of the Findings before the
    review. Families and `age` are missing, as the source publishes only `age_band`. Unusable rows become rejects.

    Raises
    ------
    SchemaError
        If the file is not the DMHC's table, can't be decoded, or has a misplaced quotation mark.
    """
    table = Table.open(path)
    columns = _columns_by_meaning(table.columns)
    if not columns.keys() >= _REQUIRED:
        lacking = ", ".join(name for name, meaning in _COLUMNS.items() if meaning in _REQUIRED - columns.keys())
        raise SchemaError(f"{path}: is not the DMHC's table of determinations; its header lacks {lacking}")
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    first_places: dict[str, str] = {}
    for place, row in _read_rows(table, columns, progress):
        if isinstance(row, dict) and row["case_number"] in first_places:
            row = f"case occurs twice, first in {first_places[row['case_number']]}"
        if isinstance(row, str):
            rejects.append(Reject(str(path), place, row))
        else:
            first_places[row["case_number"]] = place
            rows.append(row | {"file": path.name})
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    return Ingested(complete_requests(typed(frame)), len(rows), tuple(rejects))


def _read_rows(
    table: Table, columns: dict[str, str], progress: Progress | None
) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Yield the place of each row, with the row or the reason why it can't be used."""
    for chunk in table.chunks(_ROWS_AT_ONCE, columns.values()):
        for line in chunk.rejects:
            if line.reason in (UNCLOSED, UNDOUBLED):
                raise SchemaError(f"{table.path}: can't be read: line {line.line} {line.reason}")
            yield f"line {line.line}", line.reason
        for row, cells in zip(chunk.frame.index, chunk.frame.fillna("").to_dict("records"), strict=True):
            values = {name: " ".join(cells[column].split()) for name, column in columns.items()}
            yield f"row {row + 1}", _read_row(values)
        if progress:
            progress(len(chunk.frame))


def _columns_by_meaning(columns: Iterable[str]) -> dict[str, str]:
    """Match columns regardless of punctuation and case; of two columns with one meaning, the first is used."""
    by_meaning: dict[str, str] = {}
    for column in columns:
        meaning = _COLUMNS.get(re.sub(r"[\W_]+", "", column).lower())
        if meaning:
            by_meaning.setdefault(meaning, column)
    return by_meaning


def _read_row(values: dict[str, str]) -> dict[str, Any] | str:
    """Convert a row to one of the requests table, or return the reason why it can't be used."""
    determination = values["determination"].lower()
    outcome = next((outcome for outcome in ("upheld", "overturned") if determination.startswith(outcome)), None)
    if not values["case_number"]:
        return "has no reference ID"
    if not outcome:
        return "determination is neither upheld nor overturned"
    if not _YEAR.fullmatch(values["decision_year"]):
        return "report year is not a year"
    return {name: values[name] for name in _COPIED} | {
        "case_number": values["case_number"],
        "item": 1,
        CASE_VERSION: 1,
        "items_in_case": 1,
        "source": SOURCE,
        "request": ": ".join(filter(None, (values["treatment_category"], values["treatment"]))) or _NO_TREATMENT,
        "clinical_summary": pre_decision_summary(values.get("findings", "")),
        "sex": values["sex"] if values["sex"].lower() in ("female", "male") else None,
        "age_band": _RANGE_SIGN.sub("-", values["age_band"].lower()),
        "outcome": outcome,
        "decision_year": values["decision_year"],
    }


def pre_decision_summary(findings: str) -> str | None:
    """Return the case summary of a narrative up to the first sign of the review; None if no cut is safe.

    Examples
    --------
    >>> pre_decision_summary(
    ...     "Nature of Statutory Criteria/Case Summary: An enrollee has requested a knee brace. "
    ...     "Findings: The brace is medically necessary. Final Result: Overturned."
    ... )
    'An enrollee has requested a knee brace.'
    >>> pre_decision_summary("The brace was medically necessary, so that the denial is overturned.")
    """
    text = " ".join(findings.split())
    label = _LABELED.match(text)
    if label is None and _REQUEST_OPENING.match(text) is None:
        return None
    narrative = text[label.end() if label else 0 :]
    following = _NEXT_LABEL.search(narrative)
    sentences = _SENTENCE_END.split(narrative[: following.start()] if following else narrative)
    before = takewhile(lambda sentence: not any(map(_is_reviewer_word, _WORD.findall(sentence.lower()))), sentences)
    return " ".join(before).strip() or None


@lru_cache(maxsize=100_000)
def _is_reviewer_word(word: str) -> bool:
    return word.startswith(_REVIEWER_WORDS)
