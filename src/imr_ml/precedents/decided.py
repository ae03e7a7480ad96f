"""Hold decided requests, and what tells which of them a new request may be compared with."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from imr_ml.corpus.table import decided_years
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.classifiers.types import Dataset

# Enough of a letter's SHA-256 to know it again.
_HASH_DIGITS = 16
_REQUEST_DATES = ("application_received", "ur_denial_date")


@dataclass(frozen=True, slots=True)
class Query:
    """What tells which decided requests a new one may be compared with.

    Attributes
    ----------
    case_number, letter : (requests,) str
        Empty where not known. `letter` is the beginning of the letter's SHA-256.
    asked_at : (requests,) float
        When it was asked, as a year and its fraction; NaN where not known, and then every decided request counts as
        earlier.
    """

    case_number: NDArray[np.str_]
    letter: NDArray[np.str_]
    asked_at: NDArray[np.float64]

    @classmethod
    def of(cls, requests: pd.DataFrame) -> Self:
        """From a requests table: asked when the application was received, else when UR denied, else when decided."""
        return cls(_texts(requests, "case_number"), _letters(requests), _request_years(requests))

    def __len__(self) -> int:
        return len(self.asked_at)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Query:
        return Query(self.case_number[rows], self.letter[rows], self.asked_at[rows])


@dataclass(frozen=True)
class DecidedRequests:
    """Decided requests without their text.

    Attributes
    ----------
    case_number, letter : (requests,) str
        As in `Query`.
    item : (requests,) float
        Number of the item in its letter; NaN where not known.
    group : (requests,) int
        Requests of one case, and of cases that are near-duplicates of each other, share a number.
    overturned : (requests,) bool
    families : (requests, families) bool
    decided_year : (requests,) float
        As a year and its fraction; NaN where not known.
    category, body_part, ur_families : (requests,) str
        What cohorts are made of.
    """

    case_number: NDArray[np.str_]
    letter: NDArray[np.str_]
    item: NDArray[np.float64]
    group: NDArray[np.int64]
    overturned: NDArray[np.bool_]
    families: NDArray[np.bool_]
    decided_year: NDArray[np.float64]
    category: NDArray[np.str_]
    body_part: NDArray[np.str_]
    ur_families: NDArray[np.str_]

    @classmethod
    def of(cls, requests: pd.DataFrame, dataset: Dataset) -> Self:
        """From a requests table and what predictors are given of it."""
        items = requests["item"].astype("float64") if "item" in requests else np.full(len(requests), np.nan)
        category, body_part, ur_families = cohort_keys(dataset.frame)
        return cls(
            case_number=_texts(requests, "case_number"),
            letter=_letters(requests),
            item=np.asarray(items, dtype=np.float64),
            group=dataset.groups,
            overturned=dataset.labels.overturned,
            families=dataset.labels.families,
            decided_year=dataset.labels.decided_year,
            category=category,
            body_part=body_part,
            ur_families=ur_families,
        )

    def __len__(self) -> int:
        return len(self.group)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Each attribute by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def families_of(self, row: int) -> list[str]:
        """Families cited in one request."""
        return [family for family, cited in zip(FAMILIES, self.families[row], strict=True) if cited]

    def own_groups(self, query: Query) -> list[NDArray[np.int64]]:
        """For each request asked the groups that hold its own case or letter, mostly none."""
        by_case, by_letter = self._groups_by_name
        none: set[int] = set()
        return [
            np.array(sorted(by_case.get(case, none) | by_letter.get(letter, none)), dtype=np.int64)
            for case, letter in zip(query.case_number.tolist(), query.letter.tolist(), strict=True)
        ]

    @cached_property
    def _groups_by_name(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        return _groups_by(self.case_number, self.group), _groups_by(self.letter, self.group)


def is_earlier(decided_year: NDArray[np.float64], asked_at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each request was decided by the time of each asking, shape (asked, requests).

    A request whose time of decision is not known is not earlier than a known time.
    """
    earlier: NDArray[np.bool_] = (decided_year <= asked_at[:, None]) | np.isnan(asked_at)[:, None]
    return earlier


def cohort_keys(frame: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    """Category, body part and UR families of a feature frame's rows, each of shape (requests,).

    The body part is the first that the request names, else the first of the clinical summary.
    """
    parts = [
        (request.split() or summary.split() or [""])[0]
        for request, summary in zip(
            _named(frame, "request_body_parts"), _named(frame, "summary_body_parts"), strict=True
        )
    ]
    return (
        np.array(_named(frame, "category"), dtype=np.str_),
        np.array(parts, dtype=np.str_),
        np.array(_named(frame, "ur_families"), dtype=np.str_),
    )


def _named(frame: pd.DataFrame, column: str) -> list[str]:
    from imr_ml.features.frame import ABSENT

    return ["" if value == ABSENT else str(value) for value in frame[column]]


def _groups_by(names: NDArray[np.str_], groups: NDArray[np.int64]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, group in zip(names.tolist(), groups.tolist(), strict=True):
        if name:
            found.setdefault(name, set()).add(group)
    return found


def _texts(requests: pd.DataFrame, column: str) -> NDArray[np.str_]:
    if column not in requests:
        return np.full(len(requests), "", dtype=np.str_)
    return np.array(requests[column].astype("string").fillna("").tolist(), dtype=np.str_)


def _letters(requests: pd.DataFrame) -> NDArray[np.str_]:
    return np.array([name[:_HASH_DIGITS] for name in _texts(requests, "letter_sha256").tolist()], dtype=np.str_)


def _request_years(requests: pd.DataFrame) -> NDArray[np.float64]:
    """When each request was asked; the decision's own date stands in only where no earlier date is known."""
    import pandas as pd

    years = pd.Series(float("nan"), index=requests.index)
    for column in _REQUEST_DATES:
        if column in requests:
            dates = pd.to_datetime(requests[column])
            years = years.fillna(dates.dt.year + (dates.dt.day_of_year - 1) / 365.25)
    return np.where(years.isna(), decided_years(requests), years)
