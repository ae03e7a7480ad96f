"""Select the requests that a model can be trained on, and describe them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import (
    FEATURE_COLUMNS,
    LABEL_COLUMNS,
    OWN_SOURCE,
    require_columns,
    source_kind,
)
from imr_ml.corpus.table import case_keys
from imr_ml.errors import ImrError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 2_000


class TrainingError(ImrError):
    """A table that can't be trained on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a model was trained on.

    Attributes
    ----------
    source : str
        ``dwc``, ``dmhc``, ``sample``, or the name of the user's own, ``own`` where the table has none.
    sha256 : str
        Of the features and labels of the rows used, in their order.
    requests, cases, groups, overturned, undecided : int
        Rows used; their cases; the groups that are left of these after joining those with nearly the same clinical
        summary, which are what stays on one side of every split; rows overturned; rows left out because they are not
        decided.
    """

    source: str
    sha256: str
    requests: int
    cases: int
    groups: int
    overturned: int
    undecided: int

    @property
    def is_synthetic(self) -> bool:
        """Whether the figures say nothing about real decisions."""
        return source_kind(self.source) == "sample"

    @property
    def is_own(self) -> bool:
        """Whether the decisions are the user's own, not published ones."""
        return source_kind(self.source) == "own"


def decided_requests(requests: pd.DataFrame) -> pd.DataFrame:
    """Rows that a model can be trained on, in the order in which they are evaluated.

    Those with an outcome and, unless no row of the table has families, with families.

    Raises
    ------
    TrainingError
        For a table of several sources or without such rows.
    """
    require_columns(list(requests.columns), ("outcome",), "the requests table")
    if "families" not in requests:
        requests = requests.assign(families=None)
    decided = _rows_of(requests, requests["outcome"].notna())
    if decided.empty:
        raise TrainingError("the requests table has no decided request: fill outcome")
    sources = _sources(decided)
    if len(sources) > 1:
        raise TrainingError(f"the requests table mixes sources ({', '.join(sources)}): train on one at a time")
    if decided["families"].notna().any():
        decided = _rows_of(decided, decided["families"].notna())
    return decided.reset_index(drop=True)


def _rows_of(requests: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """The rows wanted; the table itself, not a copy of its texts, where that is all of them."""
    return requests if wanted.all() else requests[wanted]


def _sources(requests: pd.DataFrame) -> list[str]:
    return sorted(requests["source"].dropna().unique()) if "source" in requests else []


def data_facts(requests: pd.DataFrame, decided: pd.DataFrame, groups: NDArray[np.int64]) -> DataFacts:
    """What a model of these requests is trained on.

    Parameters
    ----------
    requests : DataFrame
    decided : DataFrame
        Its `decided_requests`.
    groups : (requests,) int
        Of the decided ones.
    """
    return DataFacts(
        source=next(iter(_sources(decided)), OWN_SOURCE),
        sha256=data_digest(decided),
        requests=len(decided),
        cases=int(case_keys(decided).nunique()),
        groups=int(groups.max()) + 1,
        overturned=int(decided["outcome"].eq("overturned").sum()),
        undecided=len(requests) - len(decided),
    )


def data_digest(decided: pd.DataFrame) -> str:
    """SHA-256 of the features and labels of decided requests, in their order."""
    import pandas as pd

    columns, digest = [*FEATURE_COLUMNS, *LABEL_COLUMNS], hashlib.sha256()
    # Few rows at a time: every column is copied as text, and Arrow keeps the memory of each copy for a while.
    for start in range(0, len(decided), _ROWS_AT_ONCE):
        part = decided.iloc[start : start + _ROWS_AT_ONCE].reindex(columns=columns).astype("string")
        digest.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
    return digest.hexdigest()
