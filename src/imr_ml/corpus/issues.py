"""Order the issues of a case and find what a later issue changed.

The table contains every issue of a case that was reissued. `CASE_VERSION` numbers them; the last one is in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, count, groupby
from sys import intern
from typing import Any

import numpy as np
import pandas as pd

from imr_ml.corpus.schema import CASE_VERSION, COLUMNS

_OF_CASE = ("case_number", "source", "letter_sha256", "file")
_OF_LETTER = ("decision_date", "clinical_summary")
_OF_ITEM = ("request", "outcome", "rationale")
_OF_DETERMINATION = (
    "request",
    "clinical_summary",
    "diagnosis_category",
    "diagnosis",
    "treatment_category",
    "treatment",
    "review_type",
    "age_band",
    "sex",
    "outcome",
    "decision_year",
)
CONTENT = tuple(dict.fromkeys((*_OF_CASE, *_OF_LETTER, *_OF_ITEM, *_OF_DETERMINATION)))
"""Columns that distinguish issues."""
_NOT_COMPARED = ("case_number", "item", "source", "file", "letter_sha256", "text_from", "letter_warnings", CASE_VERSION)


@dataclass(frozen=True, slots=True)
class Issue:
    """One letter or determination of a table.

    Attributes
    ----------
    case : (str, str) or None
        Source and case number; None if it has no number.
    decided : str
        Time of the decision, as text that sorts by time; empty if unknown.
    content : bytes
        Digest of its content.
    sha256 : str or None
        Checksum of the letter.
    rows : int
        Number of requests.
    """

    case: tuple[str, str] | None
    decided: str
    content: bytes
    file: str
    sha256: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Reissue:
    """A case that was decided again, and the columns that differ from the previous issue."""

    case_number: str
    version: int
    columns: tuple[str, ...]


def digest_of(content: object) -> bytes:
    """Sixteen-byte digest of a letter's content."""
    return hashlib.blake2b(repr(content).encode(errors="replace"), digest_size=16).digest()


def issues_of(tables: Iterable[pd.DataFrame]) -> Iterator[Issue]:
    """Issues of a table that is read in parts, in order; the rows of a letter must be consecutive."""
    numbered = zip(count(), chain.from_iterable(map(_rows, tables)), strict=False)
    for _, rows in groupby(numbered, key=lambda pair: pair[1]["letter_sha256"] or _single(*pair)):
        yield _issue([row for _, row in rows])


def case_versions(issues: Sequence[Issue]) -> list[int]:
    """Number the issues of each case from 1, in the order of decision.

    Issues decided at the same time keep their order in the table; issues without a time come first. An issue without a
    case number has version 1.
    """
    versions = [1] * len(issues)
    issued: dict[tuple[str, str], int] = {}
    for place in sorted(range(len(issues)), key=lambda place: issues[place].decided):
        case = issues[place].case
        if case is not None:
            versions[place] = issued[case] = issued.get(case, 0) + 1
    return versions


def with_versions(requests: pd.DataFrame) -> pd.DataFrame:
    """Recompute the `CASE_VERSION` of a table."""
    issues = list(issues_of([requests]))
    versions = np.repeat(case_versions(issues), [issue.rows for issue in issues])
    return requests.assign(**{CASE_VERSION: versions.astype("float64")})


def current_requests(requests: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last issue of each case; all rows if the table has no versions."""
    if not {CASE_VERSION, "case_number"} <= set(requests.columns) or not requests[CASE_VERSION].gt(1).any():
        return requests
    keys = [name for name in ("source", "case_number") if name in requests]
    newest = requests.groupby(keys, dropna=False)[CASE_VERSION].transform("max")
    is_current = requests["case_number"].isna() | requests[CASE_VERSION].isna() | requests[CASE_VERSION].eq(newest)
    return requests if is_current.all() else requests[is_current].reset_index(drop=True)


def reissues(requests: pd.DataFrame) -> list[Reissue]:
    """List what the last issue of each reissued case changed against the previous issue.

    Only items that both issues contain are compared; `items_in_case` shows whether one has fewer.
    """
    newest = requests.groupby(["source", "case_number"], dropna=False)[CASE_VERSION].transform("max")
    requests = requests[newest > 1]
    newest = newest[newest > 1]
    keys = ["source", "case_number", "item"]
    last, before = (
        requests[requests[CASE_VERSION].eq(newest - back)].drop_duplicates(keys).set_index(keys) for back in (0, 1)
    )
    names = [column.name for column in COLUMNS if column.name in requests and column.name not in _NOT_COMPARED]
    items = last.index.intersection(before.index)
    old, new = before[names].reindex(items), last[names].reindex(items)
    changed = (old.ne(new).fillna(value=True) & ~(old.isna() & new.isna())).groupby(level=[0, 1]).any()
    versions = last[CASE_VERSION].groupby(level=[0, 1]).first()
    changed = changed.reindex(versions.index, fill_value=False)
    return [
        Reissue(str(case), int(versions[source, case]), tuple(name for name in names if row[name]))
        for (source, case), row in zip(changed.index, changed.to_dict("records"), strict=True)
    ]


def _rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows as dicts of plain values; missing values are None."""
    cells = table.reindex(columns=list(CONTENT)).astype("object")
    for row in cells.where(cells.notna(), None).itertuples(index=False, name=None):
        yield dict(zip(CONTENT, row, strict=True))


def _single(number: int, row: dict[str, Any]) -> object:
    """Key of a row without a letter: its own if it is a single determination, else the number of its case."""
    return (number,) if row["source"] == "dmhc" or not row["case_number"] else (row["source"], row["case_number"])


def _issue(rows: list[dict[str, Any]]) -> Issue:
    first = rows[0]
    # Interned because a million issues have few distinct sources and days.
    case = (intern(first["source"] or ""), first["case_number"]) if first["case_number"] else None
    decided = intern(_decided(first))
    return Issue(case, decided, digest_of(_content(rows)), first["file"] or "", first["letter_sha256"], len(rows))


def _decided(row: dict[str, Any]) -> str:
    year = row["decision_year"]
    return _decision_date(row) or ("" if year is None else f"{int(year):04}")


def _decision_date(row: dict[str, Any]) -> str | None:
    when = row["decision_date"]
    return None if when is None else date(when.year, when.month, when.day).isoformat()


def _content(rows: list[dict[str, Any]]) -> object:
    """Content of an issue as in `ingestion.content_of`, read from the table."""
    first = rows[0]
    if first["letter_sha256"] is None:
        return tuple(tuple(row[name] for name in ("source", "case_number", *_OF_DETERMINATION)) for row in rows)
    if first["case_number"] is None:
        return first["letter_sha256"]
    items = tuple(tuple(row[name] for name in _OF_ITEM) for row in rows)
    return (first["case_number"], _decision_date(first), first["clinical_summary"], items)
