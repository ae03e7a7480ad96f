"""Find the most similar decided requests and the overturn rates of similar cohorts.

Rows are compared by the cosine of their weighed TF-IDF terms and facts, of each row the ones that weigh most: the
many faint ones cost most of the time and say little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches

from imr_ml.corpus.rates import wilson
from imr_ml.corpus.table import decided_years
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.classifiers.types import Dataset


_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class PrecedentSettings:
    """What is kept to find precedents.

    Attributes
    ----------
    most_requests : int
        Requests kept, those decided last where there are more.
    most_terms : int
        Terms and facts kept of each request, those that weigh most.
    """

    most_requests: int = 10_000
    most_terms: int = 128


@dataclass(frozen=True, slots=True)
class Precedent:
    """One decided request and how like it is to the one asked about.

    Attributes
    ----------
    row : int
        In the `DecidedRequests` that it is one of.
    similarity : float
        Cosine, 0 to 1.
    """

    row: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Decided requests as rows of a matrix.

    Attributes
    ----------
    decided : DecidedRequests
    rows : (kept,) int
        Those of them that the matrix holds, in its order.
    matrix : (kept, features) sparse matrix of float32
        Rows of length 1, by columns: a batch of new requests touches few of them.
    weights : (features,) float
        Of the columns of the classifier's feature matrix.
    most_terms : int
    """

    decided: DecidedRequests
    rows: NDArray[np.int64]
    matrix: csc_matrix
    weights: NDArray[np.float64]
    most_terms: int

    @classmethod
    def of(
        cls,
        decided: DecidedRequests,
        matrix: csr_matrix,
        weights: NDArray[np.float64],
        settings: PrecedentSettings | None = None,
    ) -> Self:
        """From decided requests and the feature matrix of the same rows, every block with weight 1."""
        settings = settings or PrecedentSettings()
        # Unknown years stand first, so that they are the first to go.
        years = np.nan_to_num(decided.decided_year, nan=-np.inf)
        kept = np.sort(np.argsort(years, kind="stable")[max(0, len(years) - settings.most_requests) :])
        rows = _strongest(matrix[kept], weights, settings.most_terms)
        return cls(decided, kept, csc_matrix(rows), weights, settings.most_terms)

    def arrays(self) -> dict[str, Any]:
        """Case numbers, outcomes, families and years, and the matrix of terms' weights; no text."""
        return {
            "decided": self.decided.arrays(),
            "rows": self.rows,
            "matrix": self.matrix,
            "most_terms": self.most_terms,
        }

    @classmethod
    def from_arrays(cls, kept: dict[str, Any], weights: NDArray[np.float64]) -> Self:
        """What `arrays` gave, with the weights of the classifier that it belongs to."""
        return cls(DecidedRequests(**kept["decided"]), kept["rows"], kept["matrix"], weights, kept["most_terms"])

    def nearest(self, matrix: csr_matrix, query: Query, most: int) -> list[list[Precedent]]:
        """Precedents of each row of a feature matrix, the most alike first; none that has nothing in common.

        Parameters
        ----------
        matrix : (requests, features) sparse matrix
            Every block with weight 1.
        query : Query
            Of the same rows.
        most : int
        """
        if not most or not len(self.rows):
            return [[] for _ in range(len(query))]
        rows = _strongest(matrix, self.weights, self.most_terms)
        return [
            found for batch in gen_batches(len(query), _ROWS_AT_ONCE) for found in self._of(rows, query, batch, most)
        ]

    def _of(self, rows: csr_matrix, query: Query, batch: slice, most: int) -> Iterator[list[Precedent]]:
        asked_rows = rows[batch]
        named, place = np.unique(asked_rows.indices, return_inverse=True)
        narrow = csr_matrix((asked_rows.data, place, asked_rows.indptr), shape=(asked_rows.shape[0], len(named)))
        # A sparse matrix times a dense one is faster than two sparse ones where every row has something in common.
        similarity = np.ascontiguousarray((self.matrix[:, named] @ narrow.T.toarray()).T)
        similarity[~is_earlier(self.decided.decided_year[self.rows], query.asked_at[batch])] = 0
        for row, own in enumerate(self.decided.own_groups(query[batch])):
            if len(own):
                similarity[row, np.isin(self.decided.group[self.rows], own)] = 0
        for like in similarity:
            yield [Precedent(int(self.rows[row]), float(like[row])) for row in _largest(like, most) if like[row] > 0]


def _largest(values: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Places of the largest values, largest first, of equals the first."""
    least = np.partition(values, -most)[-most] if most < len(values) else -np.inf
    places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:most]


def _strongest(matrix: csr_matrix, weights: NDArray[np.float64], most: int) -> csr_matrix:
    """Weighed rows of length 1 of which only the terms that weigh most are left."""
    weighed = csr_matrix(normalize(matrix @ diags(weights)), dtype=np.float32)
    weighed.eliminate_zeros()
    for start, end in zip(weighed.indptr[:-1], weighed.indptr[1:], strict=True):
        if end - start > most:
            faint = np.argsort(-np.abs(weighed.data[start:end]), kind="stable")[most:]
            weighed.data[start + faint] = 0
    weighed.eliminate_zeros()
    return csr_matrix(normalize(weighed, copy=False))


LEAST_REQUESTS = 20
TIERS: dict[str, tuple[str, ...]] = {
    "category+body_part+ur_families": ("category", "body_part", "ur_families"),
    "category+body_part": ("category", "body_part"),
    "category": ("category",),
    "all": (),
}
"""Name of each tier -> what its requests have in common, the narrowest first."""


@dataclass(frozen=True, slots=True)
class CohortRates:
    """How often each request's cohort was overturned.

    Attributes
    ----------
    rate, low, high : (requests,) float
        Share overturned with its 95 % Wilson interval; NaN where no tier holds enough requests.
    requests : (requests,) float
        Size of the cohort; NaN likewise.
    tier : list of str or None
        Name in `TIERS`.
    """

    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    requests: NDArray[np.float64]
    tier: list[str | None]


class Cohorts:
    """Counts over decided requests, by what they have in common.

    Parameters
    ----------
    decided : DecidedRequests
    """

    def __init__(self, decided: DecidedRequests) -> None:
        self._decided = decided
        self._tiers = {name: _Tier(decided, shared) for name, shared in TIERS.items()}
        order = np.argsort(decided.group, kind="stable")
        groups, starts = np.unique(decided.group[order], return_index=True)
        self._rows_of = dict(zip(groups.tolist(), np.split(order, starts[1:]), strict=True))

    def rates(self, frame: pd.DataFrame, query: Query) -> CohortRates:
        """Rate of each row of a feature frame, over requests decided by its `asked_at`, its own case left out."""
        keys = dict(zip(("category", "body_part", "ur_families"), cohort_keys(frame), strict=True))
        own = self._decided.own_groups(query)
        found = [
            self._narrowest({name: str(values[row]) for name, values in keys.items()}, float(asked_at), own[row])
            for row, asked_at in enumerate(query.asked_at)
        ]
        rate, low, high, requests = np.array([row[:4] for row in found], dtype=np.float64).reshape(-1, 4).T
        return CohortRates(rate, low, high, requests, [row[4] for row in found])

    def _narrowest(
        self, keys: dict[str, str], asked_at: float, own: NDArray[np.int64]
    ) -> tuple[float, float, float, float, str | None]:
        own_rows = np.concatenate([np.zeros(0, dtype=np.int64), *(self._rows_of[group] for group in own.tolist())])
        for name, shared in TIERS.items():
            requests, overturned = self._tiers[name].counts(tuple(keys[part] for part in shared), asked_at, own_rows)
            if requests >= LEAST_REQUESTS:
                return (overturned / requests, *wilson(overturned, requests), requests, name)
        return (np.nan, np.nan, np.nan, np.nan, None)


class _Tier:
    """Requests with equal values of some attributes, each cohort in order of its decisions."""

    def __init__(self, decided: DecidedRequests, shared: tuple[str, ...]) -> None:
        self._decided = decided
        columns = [getattr(decided, name).tolist() for name in shared]
        self._key_of_row = list(zip(*columns, strict=True)) if columns else [()] * len(decided)
        rows: dict[tuple[str, ...], list[int]] = {}
        for row in np.argsort(decided.decided_year, kind="stable").tolist():
            rows.setdefault(self._key_of_row[row], []).append(row)
        self._years = {key: decided.decided_year[of_key] for key, of_key in rows.items()}
        self._overturned = {key: np.cumsum(decided.overturned[of_key]) for key, of_key in rows.items()}

    def counts(self, key: tuple[str, ...], asked_at: float, left_out: NDArray[np.int64]) -> tuple[int, int]:
        """Requests of a cohort decided by a time, and those of them overturned; NaN takes all of them."""
        if key not in self._years:
            return 0, 0
        years = self._years[key]
        # Unknown years are sorted last, so that they are later than any known time.
        requests = len(years) if np.isnan(asked_at) else int(np.searchsorted(years, asked_at, side="right"))
        overturned = int(self._overturned[key][requests - 1]) if requests else 0
        for row in left_out.tolist():
            if self._key_of_row[row] == key and (np.isnan(asked_at) or self._decided.decided_year[row] <= asked_at):
                requests -= 1
                overturned -= bool(self._decided.overturned[row])
        return requests, overturned


# Enough of a letter's SHA-256 to know it again.
_HASH_DIGITS = 16
_DATES_ASKED = ("application_received", "ur_denial_date")


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
        return cls(_texts(requests, "case_number"), _letters(requests), _asked_years(requests))

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


def _asked_years(requests: pd.DataFrame) -> NDArray[np.float64]:
    """When each request was asked; the decision's own date stands in only where no earlier date is known."""
    import pandas as pd

    years = pd.Series(float("nan"), index=requests.index)
    for column in _DATES_ASKED:
        if column in requests:
            dates = pd.to_datetime(requests[column])
            years = years.fillna(dates.dt.year + (dates.dt.day_of_year - 1) / 365.25)
    return np.where(years.isna(), decided_years(requests), years)
