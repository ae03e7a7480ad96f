"""Extract category, body part and treatments of requests, and find requests that share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from imr_ml.memory import shared_texts

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Kinds:
    """Category and treatments of each request.

    Attributes
    ----------
    category, body_part, ur_families : (requests,) str
        Empty if unknown. The body part is the first one in the request, else the first one in the clinical summary.
    treatments : (requests,) str
        Treatments and drug classes in the request, joined by ``|``.
    """

    category: NDArray[np.object_]
    body_part: NDArray[np.object_]
    ur_families: NDArray[np.object_]
    treatments: NDArray[np.object_]

    @classmethod
    def from_frame(cls, frame: pd.DataFrame | Mapping[str, Any]) -> Self:
        """Build from a feature frame or its columns."""
        sections = (_column_values(frame, "request_body_parts"), _column_values(frame, "summary_body_parts"))
        parts = [(request.split() or summary.split() or [""])[0] for request, summary in zip(*sections, strict=True)]
        named = zip(_column_values(frame, "treatments"), _column_values(frame, "drug_classes"), strict=True)
        return cls(
            category=shared_texts(_column_values(frame, "category")),
            body_part=shared_texts(parts),
            ur_families=shared_texts(_column_values(frame, "ur_families")),
            treatments=shared_texts(SEPARATOR.join(" ".join(names).split()) for names in named),
        )


class KnownKinds:
    """Index of decided requests by category and treatment.

    Parameters
    ----------
    category, treatments : (requests,) str
        As in `Kinds`.
    """

    def __init__(self, category: NDArray[np.object_], treatments: NDArray[np.object_]) -> None:
        self._category = _Names(category.tolist())
        self._treatment = _Names(treatments.tolist())

    def shared(self, kinds: Kinds, batch: slice) -> dict[str, NDArray[np.bool_]]:
        """Return which decided requests share a treatment and a category with each row, shape (queries, requests)."""
        return {
            "treatment": self._treatment.shared(kinds.treatments[batch].tolist()),
            "category": self._category.shared(kinds.category[batch].tolist()),
        }


class _Names:
    """Indicator matrix of the names in decided requests."""

    def __init__(self, rows: list[str]) -> None:
        self._places: dict[str, int] = {}
        self._matrix = csc_matrix(self._indicators(map(_names_in, rows)))

    def shared(self, queries: list[str]) -> NDArray[np.bool_]:
        """Return whether each query shares a name with each decided request, shape (queries, requests)."""
        names = ([name for name in _names_in(query) if name in self._places] for query in queries)
        shared: NDArray[np.bool_] = dot_products(self._matrix, self._indicators(names)) > 0
        return shared

    def _indicators(self, rows: Iterable[list[str]]) -> csr_matrix:
        ends, columns = [0], list[int]()
        for row in rows:
            columns += [self._places.setdefault(name, len(self._places)) for name in row]
            ends.append(len(columns))
        return csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(ends) - 1, len(self._places)))


def _names_in(joined: str) -> list[str]:
    return list(filter(None, joined.split(SEPARATOR)))


def dot_products(decided: csc_matrix, rows: csr_matrix) -> NDArray[np.float32]:
    """Return the dot product of each row with each decided request, shape (rows, requests).

    A sparse-dense product is faster than a sparse-sparse one if most pairs of rows have common columns.
    """
    columns, place = np.unique(rows.indices, return_inverse=True)
    narrow = csr_matrix((rows.data, place, rows.indptr), shape=(rows.shape[0], len(columns)))
    return np.ascontiguousarray((decided[:, columns] @ narrow.T.toarray()).T)


def _column_values(frame: pd.DataFrame | Mapping[str, Any], column: str) -> list[str]:
    from imr_ml.features.frame import ABSENT

    return ["" if value == ABSENT else str(value) for value in frame[column]]
