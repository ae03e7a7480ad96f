"""Store decided requests, and find out which of them a new request can be compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.corpus.near_duplicates import summary_digest
from imr_ml.corpus.table import decided_years, years_of
from imr_ml.guidelines.types import FAMILIES
from imr_ml.memory import shared_texts
from imr_ml.precedents.kinds import Kinds

if TYPE_CHECKING:
    from imr_ml.classifiers.types import Dataset

# Digits of a letter's SHA-256 that are stored to recognize it.
_HASH_DIGITS = 16
_REQUEST_DATES = ("application_received", "ur_denial_date")
_REQUEST = "request"
_PLACES = ".places"
_NAMES = ("case_number", "letter", "summary")


@dataclass(frozen=True, slots=True)
class Query:
    """Time, case and summary of new requests, which determine the precedents they can have.

    Attributes
    ----------
    case_number, letter, summary : (requests,) str
        Empty if unknown. `letter` is the beginning of the letter's SHA-256, `summary` the digest of the words in the
        clinical summary. Short summaries, which unrelated cases may share, have an empty digest.
    asked_at : (requests,) float
        Time of the request as a decimal year; if unknown (NaN), every decided request counts as earlier.
    """

    case_number: NDArray[np.object_]
    letter: NDArray[np.object_]
    summary: NDArray[np.object_]
    asked_at: NDArray[np.float64]

    @classmethod
    def from_table(cls, requests: pd.DataFrame) -> Self:
        """Build from a requests table.

        The time of a request is when the application was received, else the UR denial, else the decision.
        """
        return cls(_texts(requests, "case_number"), _letters(requests), _summaries(requests), _request_years(requests))

    def __len__(self) -> int:
        return len(self.asked_at)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Query:
        return Query(self.case_number[rows], self.letter[rows], self.summary[rows], self.asked_at[rows])


@dataclass(frozen=True)
class DecidedRequests:
    """Decided requests, optionally with their texts.

    Attributes
    ----------
    case_number, letter, summary : (requests,) str
        As in `Query`.
    item : (requests,) float
        Number of the item in its letter; NaN if unknown.
    group : (requests,) int
        Case of each request; near-duplicate cases share a group.
    overturned : (requests,) bool
    families : (requests, families) bool
    decided_year : (requests,) float
        Time of the decision as a decimal year; NaN if unknown.
    category, body_part, ur_families, treatments : (requests,) str
        As in `Kinds`.
    request : tuple of str
        Texts of the requests; empty if they are not stored.
    """

    case_number: NDArray[np.object_]
    letter: NDArray[np.object_]
    summary: NDArray[np.object_]
    item: NDArray[np.float64]
    group: NDArray[np.int64]
    overturned: NDArray[np.bool_]
    families: NDArray[np.bool_]
    decided_year: NDArray[np.float64]
    category: NDArray[np.object_]
    body_part: NDArray[np.object_]
    ur_families: NDArray[np.object_]
    treatments: NDArray[np.object_]
    request: tuple[str, ...] = ()

    @classmethod
    def from_table(cls, requests: pd.DataFrame, dataset: Dataset, *, with_texts: bool = False) -> Self:
        """Build from a requests table and its dataset.

        Parameters
        ----------
        requests : DataFrame
        dataset : Dataset
        with_texts : bool, default False
            Whether to store the texts of the requests.
        """
        items = requests["item"].astype("float64") if "item" in requests else np.full(len(requests), np.nan)
        kinds = Kinds.from_frame(dataset.frame)
        return cls(
            case_number=_texts(requests, "case_number"),
            letter=_letters(requests),
            summary=_summaries(requests),
            item=np.asarray(items, dtype=np.float64),
            group=dataset.groups,
            overturned=dataset.labels.overturned,
            families=dataset.labels.families,
            decided_year=dataset.labels.decided_year,
            category=kinds.category,
            body_part=kinds.body_part,
            ur_families=kinds.ur_families,
            treatments=kinds.treatments,
            request=tuple(requests[_REQUEST]) if with_texts else (),
        )

    def __len__(self) -> int:
        return len(self.group)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return arrays by name, for saving; text columns as codes and levels, request texts as JSON bytes."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for name in (field.name for field in fields(self) if field.name != _REQUEST):
            values = getattr(self, name)
            if values.dtype == object:
                # A text array needs the memory of its longest text for every entry, so only distinct texts are stored.
                places, distinct = pd.factorize(values, sort=True)
                arrays |= {name: distinct.astype(np.str_), f"{name}{_PLACES}": places.astype(np.int32)}
            else:
                arrays[name] = values
        texts = {_REQUEST: np.frombuffer(json.dumps(self.request).encode(), dtype=np.uint8)} if self.request else {}
        return arrays | texts

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Rebuild from what `arrays` returned; older models contain neither summaries nor treatments."""
        empty = shared_texts([""] * len(arrays["group"]))
        values: dict[str, Any] = {"summary": empty, "treatments": empty}
        for name, array in arrays.items():
            if f"{name}{_PLACES}" in arrays:
                values[name] = array.astype(object)[arrays[f"{name}{_PLACES}"]]
            elif not name.endswith(_PLACES):
                values[name] = shared_texts(array.tolist()) if array.dtype.kind == "U" else array
        texts = tuple(json.loads(values[_REQUEST].tobytes())) if _REQUEST in values else ()
        return cls(**(values | {_REQUEST: texts}))

    def families_of(self, row: int) -> list[str]:
        """Return the families cited in one request."""
        return [family for family, cited in zip(FAMILIES, self.families[row], strict=True) if cited]

    def matching_groups(self, query: Query) -> list[NDArray[np.int64]]:
        """Return the groups that contain the case, letter or clinical summary of each new request; usually none."""
        rows = zip(*(getattr(query, name).tolist() for name in _NAMES), strict=True)
        matches = (
            {group for index, name in zip(self._groups_by_name, row, strict=True) for group in index.get(name, ())}
            for row in rows
        )
        return [np.array(sorted(groups), dtype=np.int64) for groups in matches]

    def contains_case(self, query: Query) -> NDArray[np.bool_]:
        """Return whether the case of each new request is among the decided ones, shape (queries,)."""
        return np.array([len(groups) > 0 for groups in self.matching_groups(query)], dtype=np.bool_)

    @cached_property
    def _groups_by_name(self) -> list[dict[str, set[int]]]:
        return [_groups_by(getattr(self, name), self.group) for name in _NAMES]


def is_earlier(decided_year: NDArray[np.float64], asked_at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each request was decided before each query, shape (queries, requests).

    A decision at an unknown time is not earlier than a known time.
    """
    earlier: NDArray[np.bool_] = (decided_year <= asked_at[:, None]) | np.isnan(asked_at)[:, None]
    return earlier


def month_of(year: float) -> str:
    """Format a decimal year as a month, e.g. ``"2016-11"``."""
    first = date(int(year), 1, 1)
    return f"{first + timedelta(days=round((year - first.year) * 365.25)):%Y-%m}"


def _groups_by(names: NDArray[np.object_], groups: NDArray[np.int64]) -> dict[str, set[int]]:
    groups_by_name: dict[str, set[int]] = {}
    for name, group in zip(names.tolist(), groups.tolist(), strict=True):
        if name:
            groups_by_name.setdefault(name, set()).add(group)
    return groups_by_name


def _cells(requests: pd.DataFrame, column: str) -> Iterator[str]:
    """Return the cells of a column as text; empty strings for missing values or if there is no such column."""
    if column not in requests:
        return repeat("", len(requests))
    cells = requests[column].tolist()
    return (cell if isinstance(cell, str) else "" if pd.isna(cell) else str(cell) for cell in cells)


def _texts(requests: pd.DataFrame, column: str) -> NDArray[np.object_]:
    return shared_texts(_cells(requests, column))


def _summaries(requests: pd.DataFrame) -> NDArray[np.object_]:
    # Requests of a case usually follow each other, so it suffices to cache the last text.
    digest_of = lru_cache(maxsize=1)(summary_digest)
    return shared_texts((digest_of(text) or b"").hex() for text in _cells(requests, "clinical_summary"))


def _letters(requests: pd.DataFrame) -> NDArray[np.object_]:
    return shared_texts(name[:_HASH_DIGITS] for name in _texts(requests, "letter_sha256").tolist())


def _request_years(requests: pd.DataFrame) -> NDArray[np.float64]:
    """Return the time of each request; the date of the decision is used only if no earlier date is known."""
    years = np.full(len(requests), np.nan)
    for column in _REQUEST_DATES:
        years = np.where(np.isnan(years), years_of(requests, column), years)
    return np.where(np.isnan(years), decided_years(requests), years) if np.isnan(years).any() else years
