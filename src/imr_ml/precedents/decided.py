"""Hold decided requests, and decide which of them a new request may be compared with."""

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

# Enough of a letter's SHA-256 to know it again.
_HASH_DIGITS = 16
_REQUEST_DATES = ("application_received", "ur_denial_date")
_REQUEST = "request"
_PLACES = ".places"
_NAMES = ("case_number", "letter", "summary")


@dataclass(frozen=True, slots=True)
class Query:
    """Time, case and summary of new requests, which decide the precedents they may have.

    Attributes
    ----------
    case_number, letter, summary : (requests,) str
        Empty where not known. `letter` is the beginning of the letter's SHA-256, `summary` the digest of the words of
        the clinical summary; a short one, which unrelated cases share, has none.
    asked_at : (requests,) float
        When it was asked, as a year and its fraction; NaN where not known, and then every decided request counts as
        earlier.
    """

    case_number: NDArray[np.object_]
    letter: NDArray[np.object_]
    summary: NDArray[np.object_]
    asked_at: NDArray[np.float64]

    @classmethod
    def of(cls, requests: pd.DataFrame) -> Self:
        """From a requests table: asked when the application was received, else when UR denied, else when decided."""
        return cls(_texts(requests, "case_number"), _letters(requests), _summaries(requests), _request_years(requests))

    def __len__(self) -> int:
        return len(self.asked_at)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Query:
        return Query(self.case_number[rows], self.letter[rows], self.summary[rows], self.asked_at[rows])


@dataclass(frozen=True)
class DecidedRequests:
    """Decided requests; with their texts only on request.

    Attributes
    ----------
    case_number, letter, summary : (requests,) str
        As in `Query`.
    item : (requests,) float
        Number of the item in its letter; NaN where not known.
    group : (requests,) int
        Requests of one case, and of cases that are near-duplicates of each other, share a number.
    overturned : (requests,) bool
    families : (requests, families) bool
    decided_year : (requests,) float
        As a year and its fraction; NaN where not known.
    category, body_part, ur_families, treatments : (requests,) str
        As in `Kinds`.
    request : tuple of str
        Texts of the requests; empty where they are not stored.
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
    def of(cls, requests: pd.DataFrame, dataset: Dataset, *, with_texts: bool = False) -> Self:
        """Build from a requests table and its dataset.

        Parameters
        ----------
        requests : DataFrame
        dataset : Dataset
        with_texts : bool, default False
            Whether to store the texts of the requests.
        """
        items = requests["item"].astype("float64") if "item" in requests else np.full(len(requests), np.nan)
        kinds = Kinds.of(dataset.frame)
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
        """Each attribute by its name; texts as the distinct ones and their places, requests as a JSON list's bytes."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for name in (field.name for field in fields(self) if field.name != _REQUEST):
            values = getattr(self, name)
            if values.dtype == object:
                # Only the distinct ones as an array of text, in which each takes as much memory as the longest.
                places, distinct = pd.factorize(values, sort=True)
                arrays |= {name: distinct.astype(np.str_), f"{name}{_PLACES}": places.astype(np.int32)}
            else:
                arrays[name] = values
        texts = {_REQUEST: np.frombuffer(json.dumps(self.request).encode(), dtype=np.uint8)} if self.request else {}
        return arrays | texts

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """What `arrays` gave; an older model has neither summaries nor treatments."""
        nothing = shared_texts([""] * len(arrays["group"]))
        values: dict[str, Any] = {"summary": nothing, "treatments": nothing}
        for name, array in arrays.items():
            if f"{name}{_PLACES}" in arrays:
                values[name] = array.astype(object)[arrays[f"{name}{_PLACES}"]]
            elif not name.endswith(_PLACES):
                values[name] = shared_texts(array.tolist()) if array.dtype.kind == "U" else array
        texts = tuple(json.loads(values[_REQUEST].tobytes())) if _REQUEST in values else ()
        return cls(**(values | {_REQUEST: texts}))

    def families_of(self, row: int) -> list[str]:
        """Families cited in one request."""
        return [family for family, cited in zip(FAMILIES, self.families[row], strict=True) if cited]

    def own_groups(self, query: Query) -> list[NDArray[np.int64]]:
        """For each request asked the groups that hold its own case, letter or clinical summary, mostly none."""
        rows = zip(*(getattr(query, name).tolist() for name in _NAMES), strict=True)
        own = (
            {group for known, name in zip(self._groups_by_name, row, strict=True) for group in known.get(name, ())}
            for row in rows
        )
        return [np.array(sorted(groups), dtype=np.int64) for groups in own]

    def has_case_of(self, query: Query) -> NDArray[np.bool_]:
        """Whether the case of each request asked is among those decided, shape (asked,)."""
        return np.array([len(groups) > 0 for groups in self.own_groups(query)], dtype=np.bool_)

    @cached_property
    def _groups_by_name(self) -> list[dict[str, set[int]]]:
        return [_groups_by(getattr(self, name), self.group) for name in _NAMES]


def is_earlier(decided_year: NDArray[np.float64], asked_at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each request was decided before each query, shape (queries, requests).

    A request whose time of decision is not known is not earlier than a known time.
    """
    earlier: NDArray[np.bool_] = (decided_year <= asked_at[:, None]) | np.isnan(asked_at)[:, None]
    return earlier


def month_of(year: float) -> str:
    """Month of a year and its fraction, e.g. ``"2016-11"``."""
    first = date(int(year), 1, 1)
    return f"{first + timedelta(days=round((year - first.year) * 365.25)):%Y-%m}"


def _groups_by(names: NDArray[np.object_], groups: NDArray[np.int64]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, group in zip(names.tolist(), groups.tolist(), strict=True):
        if name:
            found.setdefault(name, set()).add(group)
    return found


def _cells(requests: pd.DataFrame, column: str) -> Iterator[str]:
    """Return the cells of a column as text; empty strings for missing values or if there is no such column."""
    if column not in requests:
        return repeat("", len(requests))
    cells = requests[column].tolist()
    return (cell if isinstance(cell, str) else "" if pd.isna(cell) else str(cell) for cell in cells)


def _texts(requests: pd.DataFrame, column: str) -> NDArray[np.object_]:
    return shared_texts(_cells(requests, column))


def _summaries(requests: pd.DataFrame) -> NDArray[np.object_]:
    # Requests of a case mostly follow each other, so that only the last text has to be remembered.
    digest_of = lru_cache(maxsize=1)(summary_digest)
    return shared_texts((digest_of(text) or b"").hex() for text in _cells(requests, "clinical_summary"))


def _letters(requests: pd.DataFrame) -> NDArray[np.object_]:
    return shared_texts(name[:_HASH_DIGITS] for name in _texts(requests, "letter_sha256").tolist())


def _request_years(requests: pd.DataFrame) -> NDArray[np.float64]:
    """When each request was asked; the decision's own date stands in only where no earlier date is known."""
    years = np.full(len(requests), np.nan)
    for column in _REQUEST_DATES:
        years = np.where(np.isnan(years), years_of(requests, column), years)
    return np.where(np.isnan(years), decided_years(requests), years) if np.isnan(years).any() else years
